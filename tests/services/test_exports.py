"""Exports: what is in the files, in which form, and how long they live."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone
from pytest_django import Settings

from tests.admin.pages import make_attempt
from tests.factories import make_delivery, make_endpoint, make_event, make_tenant
from tests.services.operating import finish, order, run
from webhooks.core import ids
from webhooks.errors import InvalidInput, Unavailable
from webhooks.models import Operation, Tenant
from webhooks.services import ingest_json
from webhooks.services.operations import export_rows, exporting, files, running

pytestmark = pytest.mark.django_db


def content(operation: Operation) -> bytes:
    return b"".join(files.pieces(operation.files))


def lines(operation: Operation) -> list[Any]:
    return [json.loads(line) for line in content(operation).splitlines()]


def test_lines_of_events_can_be_published_again(tenant: Tenant, storage: Path) -> None:
    own = make_event(tenant, key="ord-1", data=b'{"n": 1.00, "u": "\\u00e9"}', channels=["eu"], metadata={"a": 1})
    clarions = make_event(tenant, data=b"[1,\n2]")
    operation = run(tenant, "export", {"what": "events"})
    first, second = content(operation).splitlines()
    assert b'"data":{"n": 1.00, "u": "\\u00e9"}' in first, "byte for byte"
    draft = ingest_json.parse_event(first)
    assert (draft.key, draft.type, draft.channels, draft.metadata) == ("ord-1", own.type, ["eu"], {"a": 1})
    assert ingest_json.parse_event(second).key == clarions.public_id
    assert operation.tally == {"rows": 2, "bytes": len(content(operation))}
    assert operation.total == operation.done == 2


def test_many_steps_make_one_file_without_gaps(tenant: Tenant, storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_rows, "_PAGE", 2)
    monkeypatch.setattr(exporting, "_FILE_BYTES", 1)
    made = [make_event(tenant, data={"n": n}) for n in range(7)]
    operation = run(tenant, "export", {"what": "events"})
    assert len(operation.files) == 4
    assert [line["id"] for line in lines(operation)] == [event.public_id for event in made]


def test_a_step_that_is_done_again_writes_each_row_once(
    tenant: Tenant, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that is killed between the file and the cursor leaves a file that nobody names."""
    monkeypatch.setattr(export_rows, "_PAGE", 2)
    monkeypatch.setattr(exporting, "_FILE_BYTES", 1)
    for n in range(5):
        make_event(tenant, data={"n": n})
    key = order(tenant, "export", {"what": "events"})
    running.step(key)
    exporting.Export().prepare(Operation.objects.get(id=key))
    operation = finish(key)
    assert [line["data"]["n"] for line in lines(operation)] == [0, 1, 2, 3, 4]
    assert len(list((storage / key.hex).iterdir())) == len(operation.files) + 1


def test_a_page_holds_no_more_than_its_bytes(tenant: Tenant, storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_rows, "_PAGE_BYTES", 100)
    for _ in range(3):
        make_event(tenant, data={"text": "x" * 200})
    operation = Operation.objects.get(id=order(tenant, "export", {"what": "events"}))
    found = export_rows.page(operation, UUID(int=0))
    assert len(found.rows) == 1
    assert len(lines(finish(operation.id))) == 3


def test_deliveries_and_attempts_have_the_names_of_the_api(tenant: Tenant, storage: Path) -> None:
    endpoint = make_endpoint(tenant)
    delivery = make_delivery(endpoint, make_event(tenant, key="ord-1"), state="succeeded", response_status=200)
    attempt = make_attempt(delivery)
    (line,) = lines(run(tenant, "export", {"what": "deliveries"}))
    assert (line["id"], line["event_id"], line["event_type"]) == (delivery.public_id, "ord-1", "order.created")
    assert (line["webhook_id"], line["status"], line["response_status"]) == (endpoint.public_id, "succeeded", 200)
    (line,) = lines(run(tenant, "export", {"what": "attempts"}))
    assert (line["id"], line["delivery_id"]) == (attempt.public_id, delivery.public_id)
    assert set(line) == set(export_rows._KINDS["attempts"].columns)


def test_filters_choose_the_rows(tenant: Tenant, storage: Path) -> None:
    endpoint, other = make_endpoint(tenant), make_endpoint(tenant)
    dead = make_delivery(endpoint, make_event(tenant, type="invoice.paid"), state="dead", response_status=500)
    make_delivery(endpoint, make_event(tenant), state="succeeded", response_status=200)
    make_delivery(other, make_event(tenant), state="dead", response_status=404)
    for params, expected in (
        ({"status": ["dead"]}, 2),
        ({"status": "dead", "webhooks": [endpoint.public_id]}, 1),
        ({"event_types": ["invoice.*"]}, 1),
        ({"response_status": 404}, 1),
        ({"since": "9999-01-01T00:00:00Z"}, 0),
    ):
        operation = run(tenant, "export", {"what": "deliveries", **params})
        assert operation.tally["rows"] == expected, params
    assert dead.state == "dead"


def test_nothing_of_another_tenant_is_in_it(tenant: Tenant, storage: Path) -> None:
    make_event(make_tenant())
    operation = run(tenant, "export", {"what": "events"})
    assert operation.tally["rows"] == 0
    assert content(operation) == b""
    assert files.has_result(operation), "an empty file is a result as well"


def test_csv_has_one_header_and_no_formulas(tenant: Tenant, storage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_rows, "_PAGE", 1)
    monkeypatch.setattr(exporting, "_FILE_BYTES", 1)
    make_event(tenant, data="=cmd|' /C calc'!A0", metadata={"a": 'x,"y"\n'})
    make_event(tenant, data=-1)
    operation = run(tenant, "export", {"what": "events", "format": "csv"})
    header, first, second = csv.reader(io.StringIO(content(operation).decode()))
    assert header == ["id", "type", "version", "created_at", "metadata", "channels", "data"]
    assert json.loads(first[4]) == {"a": 'x,"y"\n'}
    assert first[6].startswith('"='), "JSON text begins with a quotation mark"
    assert second[6] == "'-1"
    assert [export_rows._cell(text) for text in ("=1", "@x", "+1", "\tx", "a=1")] == [
        "'=1",
        "'@x",
        "'+1",
        "'\tx",
        "a=1",
    ]


def test_the_files_are_their_owners_alone(tenant: Tenant, storage: Path) -> None:
    operation = run(tenant, "export", {"what": "events"})
    file = storage / operation.files[0]
    assert file.stat().st_mode & 0o077 == 0
    assert file.parent.stat().st_mode & 0o077 == 0


def test_files_are_deleted_when_their_time_is_over(tenant: Tenant, storage: Path) -> None:
    operation = run(tenant, "export", {"what": "events"})
    kept = run(tenant, "export", {"what": "events"})
    (storage / operation.id.hex / "of-a-killed-worker").write_bytes(b"x")
    assert files.prune() == 0
    Operation.objects.filter(id=operation.id).update(files_expire_at=timezone.now() - timedelta(hours=1))
    assert files.prune() == 1
    assert [path.name for path in storage.iterdir()] == [kept.id.hex]
    operation.refresh_from_db()
    assert files.result_url(operation) == ""
    assert files.prune() == 0


def test_one_that_fails_or_is_cancelled_leaves_no_file(tenant: Tenant, storage: Path) -> None:
    make_event(tenant)
    key = order(tenant, "export", {"what": "events"})
    files.save(key, "x", io.BytesIO(b"x"))
    Operation.objects.update(files=[f"{key.hex}/x"], cancel_requested_at=timezone.now())
    operation = finish(key)
    assert operation.status == "cancelled"
    assert not files.has_result(operation)
    files.prune()
    assert not list(storage.iterdir())


def test_an_order_without_a_storage_is_refused(tenant: Tenant, settings: Settings) -> None:
    settings.WEBHOOKS_OPERATION_STORAGE = "nowhere"
    with pytest.raises(Unavailable, match="STORAGES"):
        order(tenant, "export", {"what": "events"})


BAD: list[tuple[Any, list[str]]] = [
    ({}, ["/params/what"]),
    ({"what": "everything"}, ["/params/what"]),
    ({"what": ["events"]}, ["/params/what"]),
    ({"what": "events", "format": "xml"}, ["/params/format"]),
    ({"what": "events", "status": ["dead"]}, ["/params/status"]),
    ({"what": "events", "webhooks": "all"}, ["/params/webhooks"]),
    ({"what": "deliveries", "status": ["lost"]}, ["/params/status/0"]),
    ({"what": "attempts", "status": ["dead"]}, ["/params/status/0"]),
    ({"what": "attempts", "event_types": ["a.b"]}, ["/params/event_types"]),
    ({"what": "deliveries", "response_status": 99}, ["/params/response_status"]),
    ({"what": "deliveries", "dry_run": True}, ["/params/dry_run"]),
]


@pytest.mark.parametrize(("params", "pointers"), BAD, ids=[str(n) for n in range(len(BAD))])
def test_a_bad_parameter_is_named(tenant: Tenant, params: Any, pointers: list[str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        order(tenant, "export", params)
    assert [fault.pointer for fault in caught.value.errors] == pointers


# --- links


def _token(operation: Operation) -> str:
    return files.result_url(operation).partition("token=")[2]


def test_a_link_opens_its_own_operation_only(tenant: Tenant, storage: Path) -> None:
    first, second = (run(owner, "export", {"what": "events"}) for owner in (tenant, make_tenant()))
    assert files.opens(first.id, _token(first))
    assert not files.opens(second.id, _token(first))
    assert not files.opens(first.id, _token(first)[:-1])
    assert not files.opens(ids.new_id(), "")


def test_a_link_ends(tenant: Tenant, storage: Path, settings: Settings) -> None:
    operation = run(tenant, "export", {"what": "events"})
    token = _token(operation)
    settings.WEBHOOKS_RESULT_LINK_TTL = -1
    assert not files.opens(operation.id, token)
