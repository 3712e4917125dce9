"""What is published is checked by the schemas of its types: exactly, at once everywhere, and for next to nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django import Settings

import webhooks
from tests.factories import make_tenant
from tests.services.engine import at_once, in_thread, statements
from webhooks.errors import FieldError, InvalidInput
from webhooks.models import Event, EventKey, EventType, EventTypeVersion, Tenant
from webhooks.services import data_checks, event_types
from webhooks.services.ingest import Draft, Published, publish

# Transactions of their own: counts are written after the commit.
pytestmark = pytest.mark.django_db(transaction=True)

SCHEMA = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}
GOOD, BAD = b'{"id":1}', b'{"id":"x"}'


@pytest.fixture
def tenant(transactional_db: None) -> Tenant:
    return make_tenant()


def register(
    tenant: Tenant | None, schema: Any = SCHEMA, name: str = "order.created", version: str = "v1", **fields: Any
) -> EventTypeVersion:
    event_type = EventType.objects.filter(tenant=tenant, name=name).first()
    if event_type is None:
        event_types.create(tenant and tenant.id, {"name": name, "version": version, "schema": schema, **fields})
    else:
        event_types.add_version(event_type.id, {"version": version, "schema": schema, **fields})
    return EventTypeVersion.objects.get(event_type__tenant=tenant, event_type__name=name, name=version)


def draft(data: bytes = GOOD, key: str | None = None, **fields: Any) -> Draft:
    return Draft(type=fields.pop("type", "order.created"), data=data, key=key, **fields)


def one(tenant: Tenant, data: bytes = GOOD, **fields: Any) -> Published:
    return publish(tenant.id, [draft(data, **fields)])[0]


def refused(tenant: Tenant, *drafts: Draft) -> list[FieldError]:
    before = Event.objects.count(), EventKey.objects.count()
    with pytest.raises(InvalidInput) as caught:
        publish(tenant.id, drafts)
    assert (Event.objects.count(), EventKey.objects.count()) == before
    return caught.value.errors


# --- off, warn, block


@pytest.mark.parametrize("key", [None, "k"])
def test_data_that_fails_is_refused_with_the_place_and_the_rule(tenant: Tenant, key: str | None) -> None:
    register(tenant)
    assert refused(tenant, draft(BAD, key)) == [
        FieldError(
            "/0/data/id",
            "is not of type integer but string (schema of order.created v1, rule /properties/id/type)",
        )
    ]
    assert one(tenant, key=key).warnings == ()


def test_a_warning_lets_the_event_in_and_is_counted(tenant: Tenant) -> None:
    version = register(tenant, enforcement="warn")
    assert one(tenant).warnings == ()
    version.refresh_from_db()
    assert (version.warned, version.last_warned_at) == (0, None)
    for _ in range(2):
        assert [fault.pointer for fault in one(tenant, BAD).warnings] == ["/data/id"]
    publish(tenant.id, [draft(BAD), draft(GOOD), draft(BAD, "k")])
    version.refresh_from_db()
    assert version.warned == 4
    assert version.last_warned_at is not None
    assert Event.objects.count() == 6


def test_what_is_rolled_back_is_not_counted(tenant: Tenant) -> None:
    version = register(tenant, enforcement="warn")
    with transaction.atomic():
        one(tenant, BAD)
        transaction.set_rollback(True)
    version.refresh_from_db()
    assert version.warned == 0


def test_without_enforcement_nothing_is_checked(tenant: Tenant) -> None:
    register(tenant, enforcement="off")
    assert one(tenant, BAD).warnings == ()


def test_each_version_has_a_schema_of_its_own(tenant: Tenant) -> None:
    register(tenant)
    register(tenant, {"type": "string"}, version="v2")
    one(tenant, b'"x"', version="v2")
    refused(tenant, draft(b'"x"', version="v1"))
    refused(tenant, draft(b'"x"'))
    one(tenant, b'"x"', version="v3")
    EventType.objects.update(version="v2")
    assert one(tenant, b'"x"').version == "v2"


def test_a_tenants_own_type_counts_before_that_of_all(tenant: Tenant) -> None:
    register(None, {"type": "string"})
    refused(tenant, draft(GOOD))
    register(tenant)
    one(tenant, GOOD)
    refused(make_tenant(), draft(GOOD))
    register(make_tenant(), {"type": "null"})
    one(tenant, GOOD)


def test_what_clarion_tells_of_itself_is_not_checked(tenant: Tenant) -> None:
    register(tenant, False, name="delivery.dead")
    refused(tenant, draft(type="delivery.dead"))
    one(tenant, type="delivery.dead", origin=Event.Origin.OPERATIONAL)


def test_strict_types_are_checked_too(tenant: Tenant, settings: Settings) -> None:
    settings.WEBHOOKS_STRICT_EVENT_TYPES = True
    register(tenant)
    found = refused(tenant, draft(BAD), draft(type="x.y"), draft(GOOD))
    assert [fault.pointer for fault in found] == ["/0/data/id", "/1/type"]
    one(tenant)


def test_all_events_of_a_call_are_checked_and_none_is_stored_when_one_fails(tenant: Tenant) -> None:
    register(tenant)
    drafts = [draft(), draft(BAD, "a"), draft(key="b"), draft(b"[]"), draft(type="other")]
    assert [fault.pointer for fault in refused(tenant, *drafts)] == ["/1/data/id", "/3/data"]
    assert len(publish(tenant.id, [drafts[0], drafts[2], drafts[4]])) == 3


def test_emit_checks_too(tenant: Tenant) -> None:
    register(tenant)
    with pytest.raises(InvalidInput) as caught:
        webhooks.emit("order.created", {"id": "x"}, tenant=tenant)
    assert "integer" in str(caught.value)
    webhooks.emit("order.created", {"id": 10**20}, tenant=tenant)


# --- hostile data


def test_a_name_that_is_there_twice_does_not_pass_a_schema(tenant: Tenant) -> None:
    """Attack: the check reads one of the two, the receiver the other."""
    register(tenant)
    assert "twice" in refused(tenant, draft(b'{"id":"x","id":1}'))[0].detail
    one(tenant, b'{"id":"x","id":1}', type="other")


def test_a_check_that_takes_too_long_counts_as_failed(tenant: Tenant, settings: Settings) -> None:
    settings.WEBHOOKS_SCHEMA_STEPS = 2000
    items = {"type": "array", "items": {"type": "integer"}}
    register(tenant, items)
    register(tenant, items, name="order.warned", enforcement="warn")
    long = json.dumps(list(range(2000))).encode()
    assert "steps" in refused(tenant, draft(long))[0].detail
    assert "steps" in one(tenant, long, type="order.warned").warnings[0].detail
    one(tenant, b"[1]")


def test_the_events_of_a_call_share_a_budget(tenant: Tenant, settings: Settings) -> None:
    """Attack: a thousand events in one batch, each of which takes all that one event may take."""
    settings.WEBHOOKS_SCHEMA_STEPS = 2000
    register(tenant, {"type": "array", "items": {"type": "integer"}})
    data = json.dumps([1] * 400).encode()
    one(tenant, data)
    found = refused(tenant, *[draft(data)] * 100)
    assert 50 < len(found) < 95
    assert "fewer events" in found[-1].detail


def test_a_schema_that_cannot_be_used_any_more_lets_nothing_pass(tenant: Tenant, settings: Settings) -> None:
    version = register(tenant)
    EventTypeVersion.objects.filter(id=version.id).update(schema='{"$ref":"http://127.0.0.1/"}')
    assert "not usable" in refused(tenant, draft())[0].detail


# --- at once, everywhere


def _elsewhere(change: Any) -> None:
    """Change rows as another process does: without signals, and without forgetting anything here."""
    in_thread(change)()


def test_a_schema_counts_from_the_moment_it_is_committed(tenant: Tenant) -> None:
    version = register(tenant)
    one(tenant)
    _elsewhere(
        lambda: event_types.change_version(
            version.id, {"schema": {**SCHEMA, "properties": {"id": {"type": "integer"}, "n": {}}}}
        )
    )
    one(tenant, b'{"id":1,"n":2}')
    refused(tenant, draft(BAD))
    _elsewhere(lambda: event_types.change_version(version.id, {"enforcement": "off"}))
    one(tenant, BAD)
    _elsewhere(lambda: event_types.change_version(version.id, {"enforcement": "block"}))
    refused(tenant, draft(BAD))
    _elsewhere(lambda: EventType.objects.all().delete())
    one(tenant, BAD)


def test_an_event_is_checked_by_the_schema_that_holds_when_it_is_stored(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Race: the schema is replaced after the check and before the event is stored."""
    version = register(tenant, enforcement="off")
    event_types.change_version(version.id, {"enforcement": "warn"})
    one(tenant, BAD)
    done = []

    def replaced(execute: Any, sql: str, *rest: Any) -> Any:
        if "INTO webhooks_event " in sql and not done:
            done.append(_elsewhere(lambda: event_types.change_version(version.id, {"enforcement": "block"})))
        return execute(sql, *rest)

    with connection.execute_wrapper(replaced):
        refused(tenant, draft(BAD))
    assert done


def test_publishers_and_a_change_of_schema_do_not_disturb_each_other(tenant: Tenant) -> None:
    version = register(tenant)

    def change() -> None:
        for n in range(10):
            event_types.change_version(version.id, {"enforcement": "warn" if n % 2 else "block"})

    def send() -> None:
        for _ in range(20):
            one(tenant)

    at_once(change, send, send)
    assert Event.objects.count() == 40


# --- what it costs


def test_a_type_without_a_schema_costs_nothing(tenant: Tenant) -> None:
    register(tenant, None)
    for fields in ({}, {"key": "a"}, {"type": "other"}):
        with statements() as seen:
            one(tenant, **fields)
        assert len(seen) == 1


def test_a_schema_costs_nothing_once_it_is_known(tenant: Tenant) -> None:
    register(tenant)
    with statements() as cold:
        one(tenant)
    with statements() as warm:
        one(tenant)
        one(tenant, key="k")
        publish(tenant.id, [draft() for _ in range(100)])
    assert (len(cold), len(warm)) == (4, 3)


def test_an_event_that_fails_costs_one_statement(tenant: Tenant) -> None:
    register(tenant)
    one(tenant)
    with statements() as seen, pytest.raises(InvalidInput):
        one(tenant, BAD)
    assert len(seen) == 1


def test_a_schema_is_compiled_once(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    register(tenant)
    made = []
    compile_schema = data_checks.compile_schema
    monkeypatch.setattr(data_checks, "compile_schema", lambda *a, **k: made.append(1) or compile_schema(*a, **k))
    for _ in range(3):
        one(tenant)
    assert made == [1]
