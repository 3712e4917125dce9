"""docs/receivers.md: its snippets verify what Clarion really sends, and its tables name what is sent."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from tests.docs.pages import block, page, section
from tests.factories import make_delivery, make_endpoint, secret_of
from tests.receiver import Receiver
from webhooks.core import ids
from webhooks.net.result import HttpResult
from webhooks.receive import verify
from webhooks.services.batching import statuses
from webhooks.services.drain import drain
from webhooks.services.endpoints import rotate_secret

PAGE = page("docs/receivers.md")
pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Delivered:
    """A request as its receiver saw it, with the secret it was signed with first."""

    secret: str
    headers: dict[str, str]
    body: bytes


@pytest.fixture
def delivered(receiver: Receiver) -> Delivered:
    return deliver(receiver)


def deliver(receiver: Receiver, *, rotated: bool = False) -> Delivered:
    endpoint = make_endpoint(url=receiver.url("/hook"))
    secret = secret_of(endpoint)
    if rotated:
        rotate_secret(endpoint.id)
    make_delivery(endpoint)
    drain(endpoint.id, ring=lambda bells: None)
    (request,) = receiver.requests("/hook")
    return Delivered(secret, {name.lower(): value for name, value in request.headers}, request.body)


def test_the_kit_as_on_the_page_verifies_a_delivery(delivered: Delivered, capsys: pytest.CaptureFixture[str]) -> None:
    code = block(PAGE, "python", "webhook = verify(")
    exec(code, {"body": delivered.body, "headers": delivered.headers, "secret": delivered.secret})  # noqa: S102
    assert delivered.headers["webhook-id"] in capsys.readouterr().out
    with pytest.raises(NameError):  # nothing was verified
        exec(code + "\nwebhook", {"body": b"{}", "headers": delivered.headers, "secret": delivered.secret})  # noqa: S102


def test_both_secrets_verify_a_delivery_during_a_rotation(receiver: Receiver) -> None:
    delivered = deliver(receiver, rotated=True)
    assert len(delivered.headers["webhook-signature"].split()) == 2
    assert verify(delivered.body, delivered.headers, delivered.secret).scheme == "standard"


def test_the_row_on_the_page_lets_one_of_many_do_the_work() -> None:
    work_once = run_of(block(PAGE, "python", "def work_once("), "work_once")
    done: list[str] = []
    with psycopg_connection() as connection:
        connection.execute(
            "CREATE TEMPORARY TABLE seen_webhook (id text PRIMARY KEY, seen_at timestamptz DEFAULT now())"
        )
        assert work_once(connection, "evt_1", lambda _: done.append("evt_1"))
        assert not work_once(connection, "evt_1", lambda _: done.append("again"))
        with pytest.raises(ZeroDivisionError):
            work_once(connection, "evt_2", lambda _: 1 / 0)
        assert work_once(connection, "evt_2", lambda _: done.append("evt_2"))
    assert done == ["evt_1", "evt_2"]


def run_of(code: str, name: str) -> Any:
    """What a block of the page defines."""
    namespace: dict[str, Any] = {}
    exec(code, namespace)  # noqa: S102
    return namespace[name]


def psycopg_connection() -> psycopg.Connection[Any]:
    return psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)


def test_the_page_names_every_header_that_is_sent(delivered: Delivered) -> None:
    named = {name.lower() for name in re.findall(r"^\| `([\w-]+)` \|", section(PAGE, "The request"), re.MULTILINE)}
    of_http_itself = {"host", "content-length", "accept", "accept-encoding", "connection"}
    assert set(delivered.headers) - of_http_itself == named


def test_the_example_has_the_shape_of_a_real_body(delivered: Delivered) -> None:
    example, real = json.loads(block(PAGE, "json", '"amount"')), json.loads(delivered.body)
    assert list(example) == list(real)
    assert example["metadata"].keys() == real["metadata"].keys()
    assert ids.parse(ids.EVENT, example["id"]), "the id on the page is none"


def test_the_examples_of_a_batch_and_its_answer_belong_together(delivered: Delivered) -> None:
    batch, answer = json.loads(block(PAGE, "json", '"batch_id"')), block(PAGE, "json", '"results"')

    assert [list(event) for event in batch["events"]] == [list(json.loads(delivered.body))] * batch["event_count"]
    assert ids.parse(ids.BATCH, batch["batch_id"])
    assert statuses(HttpResult(status=207, body=answer.encode())) == dict(
        zip((event["id"] for event in batch["events"]), (200, 500), strict=True)
    )
