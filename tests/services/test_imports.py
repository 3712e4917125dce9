"""Imports: line by line through the door of publishing, once each, with the faults of each line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from tests.factories import make_event, make_tenant
from tests.services.engine import run_to_quiescence
from tests.services.operating import at_once, finish, order, run
from webhooks.errors import InvalidInput
from webhooks.models import Delivery, Event, Operation, Tenant
from webhooks.services import event_types
from webhooks.services.operations import creating, files, importing, running

pytestmark = pytest.mark.django_db


def line(n: int = 1, **fields: Any) -> str:
    return json.dumps({"type": "order.created", "data": n, **fields})


def published(tenant: Tenant) -> list[Event]:
    """The tenant's events but for the news of operations."""
    return list(Event.objects.for_tenant(tenant.id).exclude(origin="operational").order_by("id"))


def uploaded(tenant: Tenant, content: bytes) -> Operation:
    return finish(creating.upload(tenant.id, content).id)


def test_each_line_becomes_an_event(tenant: Tenant, storage: Path) -> None:
    text = b'{"type":"order.created","data":{"n": 1.00}, "id": "ord-1"}\r\n\n  \n{"type":"a.b","data":2}'
    operation = uploaded(tenant, text)
    first, second = published(tenant)
    assert (first.key, bytes(first.data), first.correlation_id) == ("ord-1", b'{"n": 1.00}', operation.public_id)
    assert second.type == "a.b"
    assert operation.tally == {"lines": 2, "accepted": 2, "duplicates": 0, "failed": 0, "errors": []}
    assert (operation.done, operation.total) == (4, 4)


def test_the_upload_is_deleted_afterwards(tenant: Tenant, storage: Path) -> None:
    operation = uploaded(tenant, line().encode())
    assert list(storage.iterdir())
    files.prune()
    assert not list(storage.iterdir())
    operation.refresh_from_db()
    assert operation.files == []


def test_a_text_inside_the_order_is_not_kept_either(tenant: Tenant) -> None:
    operation = run(tenant, "import", {"ndjson": f"{line(1)}\n{line(2)}\n"})
    assert len(published(tenant)) == 2
    assert operation.input is None
    assert operation.params == {}


@pytest.mark.django_db(transaction=True)
def test_imported_events_are_delivered(tenant: Tenant, endpoint_at: Any) -> None:
    endpoint = endpoint_at(tenant=tenant)
    run(tenant, "import", {"ndjson": line()})
    run_to_quiescence(endpoint.id)
    assert Delivery.objects.get(endpoint=endpoint).state == "succeeded"


def test_the_faults_of_each_line_are_told_and_the_others_are_accepted(tenant: Tenant, settings: Settings) -> None:
    settings.WEBHOOKS_MAX_EVENT_BYTES = 1000
    make_event(tenant, key="taken", data=7)
    strict = {"name": "invoice.paid", "schema": {"type": "integer"}}
    event_types.create(tenant.id, strict)
    text = "\n".join(
        [
            line(1, id="ok-1"),
            "not json",
            json.dumps({"type": "order.created"}),
            line(2, id="taken"),
            json.dumps({"type": "order created", "data": 1, "id": "a b"}),
            line(3, data="x" * 2000),
            json.dumps({"type": "invoice.paid", "data": "no number"}),
            '"\\ud800"',
            "[" * 500,
            line(1, id="ok-1"),
            line(4),
        ]
    )
    operation = run(tenant, "import", {"ndjson": text})
    told = {(error["line"], error["pointer"]) for error in operation.tally["errors"]}
    assert told >= {(3, "/data"), (4, "/id"), (5, "/type"), (5, "/id"), (7, "/data")}
    assert {number for number, _ in told} == {2, 3, 4, 5, 6, 7, 8, 9}
    assert all(error["detail"] for error in operation.tally["errors"])
    numbers = {name: operation.tally[name] for name in ("lines", "accepted", "duplicates", "failed")}
    assert numbers == {"lines": 11, "accepted": 2, "duplicates": 1, "failed": 8}
    assert operation.status == "done"


def test_steps_go_on_where_the_last_one_ended(tenant: Tenant, storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "_LINES", 3)
    text = "\n".join(line(n) if n % 2 else f"bad {n}" for n in range(10))
    operation = uploaded(tenant, text.encode())
    assert [json.loads(bytes(event.data)) for event in published(tenant)] == [1, 3, 5, 7, 9]
    assert [error["line"] for error in operation.tally["errors"]] == [1, 3, 5, 7, 9]


def test_a_step_that_breaks_publishes_nothing_and_is_done_again(
    tenant: Tenant, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = creating.upload(tenant.id, f"{line(1)}\n{line(2)}".encode()).id
    perform = importing.Import.perform

    def broken(*args: Any) -> Any:
        perform(*args)
        raise KeyError

    monkeypatch.setattr(importing.Import, "perform", broken)
    with pytest.raises(KeyError):
        running.step(key)
    assert not published(tenant)
    monkeypatch.undo()
    at_once(key)
    finish(key)
    assert len(published(tenant)) == 2


def test_a_line_without_end_is_never_held_as_a_whole(tenant: Tenant, storage: Path, settings: Settings) -> None:
    settings.WEBHOOKS_MAX_EVENT_BYTES = 100
    operation = uploaded(tenant, b'{"a":"' + b"x" * 300_000 + b'"}\n' + line().encode())
    assert operation.tally["errors"] == [{"line": 1, "pointer": "", "detail": "has more than 100 bytes"}]
    assert operation.tally["accepted"] == 1


def test_errors_without_number_are_counted_and_not_kept(tenant: Tenant) -> None:
    operation = run(tenant, "import", {"ndjson": "bad\n" * 300})
    assert operation.tally["failed"] == 300
    assert len(operation.tally["errors"]) == 100


def test_the_same_file_twice_makes_no_event_twice(tenant: Tenant, storage: Path) -> None:
    text = "\n".join(line(n, id=f"e-{n}") for n in range(5)).encode()
    uploaded(tenant, text)
    assert uploaded(tenant, text).tally["duplicates"] == 5
    assert len(published(tenant)) == 5


def test_what_was_exported_can_be_imported_by_another_tenant(tenant: Tenant, storage: Path) -> None:
    make_event(tenant, key="ord-1", data={"n": 1}, metadata={"a": [1]}, channels=["eu"])
    make_event(tenant, data=[1, 2])
    exported = run(tenant, "export", {"what": "events"})
    other = make_tenant()
    operation = uploaded(other, b"".join(files.pieces(exported.files)))
    assert operation.tally["accepted"] == operation.tally["lines"] == 2
    same = ("type", "metadata", "channels", "created_at")
    assert [[getattr(event, name) for name in same] for event in published(other)] == [
        [getattr(event, name) for name in same] for event in published(tenant)
    ]
    assert [bytes(event.data) for event in published(other)] == [bytes(event.data) for event in published(tenant)]


BAD: list[Any] = [{}, {"ndjson": ""}, {"ndjson": " \n"}, {"ndjson": 7}, {"ndjson": "\ud800"}, {"ndjson": "{}", "x": 1}]


@pytest.mark.parametrize("params", BAD, ids=[str(n) for n in range(len(BAD))])
def test_a_bad_parameter_is_named(tenant: Tenant, params: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        order(tenant, "import", params)
    assert caught.value.errors[0].pointer.startswith("/params/")
