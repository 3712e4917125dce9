"""``/api/received``: what sources sent, with what was done about it, and doing it again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.api.checks import parameters, problem
from tests.client import ApiClient
from tests.factories import make_event, make_received, make_run, make_source, make_tenant
from webhooks.core import ids
from webhooks.models import ProcessorRun, ReceivedKey, ReceivedMessage, Tenant

URL = "/api/received"


@pytest.fixture
def message(tenant: Tenant, valkey: Any) -> ReceivedMessage:
    return make_received(
        make_source(tenant, name="repos"), key="72d3162e", type="push", event_type="github.push", body=b'{"n":1.0}',
        headers=[["X-GitHub-Event", "push"]], remote_address="192.0.2.7", verification="verified",
        status="processed", processed_at=datetime.now(UTC),
    )  # fmt: skip


def listed(api: ApiClient, query: str = "") -> list[str]:
    answer = api.get(f"{URL}?{query}")
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["results"]]


def test_a_message_is_shown_with_its_content_and_its_runs(api: ApiClient, message: ReceivedMessage) -> None:
    event = make_event(message.tenant, key="72d3162e", fanned_out=True)
    ReceivedMessage.objects.update(event_id=event.id)
    run = make_run(message, result={"charged": 5})
    answer = api.get(f"{URL}/{message.public_id}")
    shown = answer.json()
    assert shown["runs"][0].pop("started_at")
    assert shown["runs"][0].pop("finished_at")
    assert {name: shown[name] for name in shown if not name.endswith("_at")} == {
        "id": message.public_id, "source_id": message.source.public_id, "key": "72d3162e", "type": "push",
        "event_type": "github.push", "status": "processed", "verification": "verified", "reason": None,
        "event_id": "72d3162e", "content_type": "application/json", "remote_address": "192.0.2.7",
        "headers": [["X-GitHub-Event", "push"]], "body_encoding": "utf-8", "body": '{"n":1.0}',
        "runs": [{
            "id": run.public_id, "processor": "shop.charge", "status": "dead", "attempts": 6, "replays": 0,
            "next_attempt_at": None, "result": {"charged": 5}, "error": "ValueError: no",
            "traceback": "shop/processors.py:3 in charge", "duration_ms": None,
        }],
    }  # fmt: skip


def test_bytes_that_are_no_text_are_shown_in_base64(api: ApiClient, message: ReceivedMessage) -> None:
    ReceivedMessage.objects.update(body=b"\xff\x00")
    shown = api.get(f"{URL}/{message.public_id}").json()
    assert (shown["body_encoding"], shown["body"]) == ("base64", "/wA=")


def test_the_list_is_filtered(api: ApiClient, message: ReceivedMessage, tenant: Tenant) -> None:
    other = make_received(
        make_source(tenant), status="failed", event_type="order.created", verification="none",
        id=ids.floor(datetime(2026, 1, 1, tzinfo=UTC)),
    )  # fmt: skip
    make_received(make_source(make_tenant()))
    ReceivedKey.objects.create(source=message.source, key="72d3162e", received_id=message.id, fingerprint=b"")
    first, second = [message.public_id], [other.public_id]
    assert listed(api) == first + second
    for query, found in {
        f"source={message.source.public_id}": first, "status=failed": second, "status=processed": first,
        "status=failed&event_type=github.push": [], "verification=verified": first, "event_type=order.created": second,
        "created_before=2026-02-01T00:00:00Z": second, "created_after=2026-02-01T00:00:00Z": first,
        "key=72d3162e": first, f"key=72d3162e&source={other.source.public_id}": [], "key=x": [],
        f"source={other.source.public_id}&status=failed": second,
    }.items():  # fmt: skip
        assert listed(api, query) == found, query


@pytest.mark.parametrize(
    "query", ["status=lost", "source=wh_1", "event_type=a..b", "verification=A", "key=" + "x" * 129]
)
def test_it_refuses_filters_that_say_nothing(api: ApiClient, query: str) -> None:
    assert parameters(api.get(f"{URL}?{query}")) == [query.split("=")[0]]


def test_replay_makes_a_dead_run_due_and_rings_for_it(
    api: ApiClient, message: ReceivedMessage, django_capture_on_commit_callbacks: Any
) -> None:
    run = make_run(message)
    answer = api.post(f"{URL}/{message.public_id}/replay", {"processor": "shop.charge"})
    assert answer.status_code == 202, answer.content
    assert [(one["id"], one["status"], one["replays"]) for one in answer.json()["runs"]] == [
        (run.public_id, "pending", 1)
    ]
    assert ProcessorRun.objects.get().attempts == 0


def test_it_refuses_to_replay_what_it_does_not_know(api: ApiClient, message: ReceivedMessage) -> None:
    path = f"{URL}/{message.public_id}/replay"
    for body, pointer in (
        ({"processor": "shop.other"}, "/processor"),
        ({"processor": 5}, "/processor"),
        ({"x": 1}, "/x"),
    ):
        assert [fault["pointer"] for fault in problem(api.post(path, body), 422)["errors"]] == [pointer]
    ReceivedMessage.objects.update(status="refused")
    assert "refused" in problem(api.post(path), 409)["detail"]
