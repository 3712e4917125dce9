"""docs/receivers.md: its snippets verify what Clarion really sends, and its tables name what is sent."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

import pytest

from tests.docs.pages import block, page
from tests.factories import make_delivery, make_endpoint, secret_of
from tests.receiver import Receiver
from webhooks.core import ids
from webhooks.net.result import HttpResult
from webhooks.services.batching import statuses
from webhooks.services.drain import drain
from webhooks.services.endpoints import rotate_secret

PAGE = page("docs/receivers.md")
NODE = shutil.which("node")
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


class Python:
    """Runs the page's Python in an interpreter of its own."""

    def ask(self, name: str, *arguments: Any, body: bytes) -> bool:
        code = block(PAGE, "python", f"def {name}(") + (
            "\nimport json, sys\n"
            "*arguments, body = json.loads(sys.stdin.read())\n"
            f"print({name}(*arguments, body.encode('latin-1')))\n"
        )
        return _answer([sys.executable, "-c", code], arguments, body) == "True"

    def standard(self, secret: str, headers: dict[str, str], body: bytes) -> bool:
        return self.ask("verify_standard", secret, headers, body=body)

    def hex(self, secret: str, signature: str, body: bytes) -> bool:
        return self.ask("verify_hex", secret, signature, body=body)


class Node(Python):
    """Runs the page's JavaScript in Node."""

    def ask(self, name: str, *arguments: Any, body: bytes) -> bool:
        words = name.split("_")
        name = words[0] + "".join(word.title() for word in words[1:])
        code = block(PAGE, "javascript", f"function {name}(") + (
            '\nimport fs from "node:fs";\n'
            "const given = JSON.parse(fs.readFileSync(0));\n"
            'const body = Buffer.from(given.pop(), "latin1");\n'
            f"console.log({name}(...given, body));\n"
        )
        return _answer([NODE or "", "--input-type=module", "--eval", code], arguments, body) == "true"


def _answer(command: list[str], arguments: tuple[Any, ...], body: bytes) -> str:
    given = json.dumps([*arguments, body.decode("latin-1")])
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(
    params=[
        Python,
        pytest.param(Node, marks=pytest.mark.skipif(NODE is None, reason="Node is not installed here")),
    ]
)
def language(request: pytest.FixtureRequest) -> Python:
    made: Python = request.param()
    return made


def test_the_standard_snippets_accept_a_delivery(language: Python, delivered: Delivered) -> None:
    assert language.standard(delivered.secret, delivered.headers, delivered.body)


@pytest.mark.parametrize("change", ["body", "secret", "id", "time", "old", "signature", "none"])
def test_the_standard_snippets_refuse_what_is_forged(language: Python, delivered: Delivered, change: str) -> None:
    secret, headers, body = delivered.secret, dict(delivered.headers), delivered.body
    if change == "body":
        body = body.replace(b"1", b"2")
    elif change == "secret":
        secret = "whsec_" + "A" * 43 + "="
    elif change == "id":
        headers["webhook-id"] += "0"
    elif change == "time":
        headers["webhook-timestamp"] = str(int(headers["webhook-timestamp"]) + 1)
    elif change == "old":
        headers = signed(delivered, int(time.time()) - 3600)
    elif change == "signature":
        headers["webhook-signature"] = "v1,AAAA v2," + headers["webhook-signature"].removeprefix("v1,")
    elif change == "none":
        headers = {}
    assert not language.standard(secret, headers, body)


def signed(delivered: Delivered, timestamp: int) -> dict[str, str]:
    """The headers of a request recorded at another time: rightly signed for that time."""
    from webhooks.core import signatures

    signer = signatures.Signer(("standard",), [signatures.SharedSecret.parse(delivered.secret)])
    return signer.headers(signatures.Outgoing(delivered.headers["webhook-id"], timestamp, delivered.body))


def test_the_standard_snippets_accept_the_old_secret_during_a_rotation(language: Python, receiver: Receiver) -> None:
    delivered = deliver(receiver, rotated=True)
    assert len(delivered.headers["webhook-signature"].split()) == 2
    assert language.standard(delivered.secret, delivered.headers, delivered.body)


def test_the_hex_snippets_accept_a_delivery_and_nothing_else(language: Python, delivered: Delivered) -> None:
    signature = delivered.headers["x-webhook-signature"]
    assert language.hex(delivered.secret, signature, delivered.body)
    assert not language.hex(delivered.secret, signature, delivered.body + b" ")
    assert not language.hex(delivered.secret[:-1], signature, delivered.body)
    assert not language.hex(delivered.secret, signature[:-1], delivered.body)


def test_the_page_names_every_header_that_is_sent(delivered: Delivered) -> None:
    named = {name.lower() for name in re.findall(r"^\| `([\w-]+)` \|", PAGE, re.MULTILINE)}
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
