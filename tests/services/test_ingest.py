"""Accepting events: durable, deduplicated also in races, in a few statements."""

from __future__ import annotations

import random
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DataError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from tests.factories import make_event, make_tenant
from tests.services.engine import at_once, in_thread, statements, wait_for_a_lock
from webhooks.core import ids
from webhooks.errors import InvalidInput
from webhooks.models import Event, EventKey, EventType, Tenant
from webhooks.services.ingest import Draft, Published, publish

pytestmark = pytest.mark.django_db


def draft(key: str | None = None, data: bytes = b'{"n":1}', **fields: Any) -> Draft:
    return Draft(type=fields.pop("type", "order.created"), data=data, key=key, **fields)


def test_an_event_is_stored_as_published_and_waits_for_the_fan_out(tenant: Tenant) -> None:
    data = b'{ "z":1.0, "a":1E5, "a":"\\u0041\\u0000" }'
    moment = datetime(2025, 9, 10, 15, 30, 45, 123456, tzinfo=UTC)
    (made,) = publish(
        tenant.id,
        [
            draft(
                "ord-1", data, version="v2", created_at=moment, metadata={"source": "web", "é": [1, None]},
                channels=["eu", "a:b/c.d-e"], correlation_id="req-1", origin=Event.Origin.LIBRARY,
            )
        ],
    )  # fmt: skip
    event = Event.objects.get(id=made.id)
    assert bytes(event.data) == data
    assert (event.key, event.type, event.version) == ("ord-1", "order.created", "v2")
    assert event.created_at == moment
    assert event.metadata == {"source": "web", "é": [1, None]}
    assert event.channels == ["eu", "a:b/c.d-e"]
    assert (event.correlation_id, event.origin) == ("req-1", "library")
    assert event.fanned_out_at is None
    assert (made.public_id, made.version, made.created_at) == ("ord-1", "v2", moment)
    assert not made.duplicate
    assert not made.conflict


def test_what_is_not_said_has_a_default(tenant: Tenant) -> None:
    before = datetime.now(UTC)
    (made,) = publish(tenant.id, [draft()])
    event = Event.objects.get(id=made.id)
    assert made.public_id == event.public_id == event.correlation_id == ids.show(ids.EVENT, made.id)
    assert (event.key, event.version, made.version, event.channels) == (None, "", "v1", [])
    assert before - timedelta(milliseconds=1) < event.created_at == made.created_at <= datetime.now(UTC)


def test_publishing_nothing_stores_nothing(tenant: Tenant) -> None:
    assert publish(tenant.id, []) == []
    assert not Event.objects.exists()


def test_results_are_in_the_order_of_the_drafts(tenant: Tenant) -> None:
    made = publish(tenant.id, [draft(f"k{n}" if n % 2 else None, b"%d" % n) for n in range(50)])
    stored = {event.id: bytes(event.data) for event in Event.objects.all()}
    assert [stored[one.id] for one in made] == [b"%d" % n for n in range(50)]
    assert [one.id for one in made] == sorted(one.id for one in made)


# --- the publisher's own ids


def test_the_same_id_with_the_same_content_is_a_duplicate(tenant: Tenant) -> None:
    first, second = (publish(tenant.id, [draft("k", created_at=None)])[0] for _ in range(2))
    assert second == replace(first, duplicate=True)
    assert Event.objects.count() == 1


def test_a_duplicate_has_the_version_of_its_registered_type(tenant: Tenant) -> None:
    EventType.objects.create(name="order.created", version="v3")
    first, other = publish(tenant.id, [draft("k"), draft("said", version="v9")])
    again = publish(tenant.id, [draft("k"), draft("said", version="v9")])
    assert again == [replace(first, duplicate=True), replace(other, duplicate=True)]


def test_an_id_whose_event_has_expired_is_still_taken(tenant: Tenant) -> None:
    first, _ = publish(tenant.id, [draft("k", version="v2"), draft("other")])
    Event.objects.filter(id=first.id).delete()
    assert publish(tenant.id, [draft("k", version="v2")]) == [replace(first, duplicate=True)]


def test_an_id_that_becomes_free_while_it_is_refused_is_taken(tenant: Tenant) -> None:
    """Race: retention drops the holder of an id after the insert found it and before anybody asked who it is."""
    publish(tenant.id, [draft("k", b"1"), draft("other", b"1")])

    def dropped_meanwhile(execute: Any, sql: str, *rest: Any) -> Any:
        if "JOIN webhooks_eventkey" in sql:
            EventKey.objects.filter(key="k").delete()
        return execute(sql, *rest)

    with connection.execute_wrapper(dropped_meanwhile):
        one, two, three = publish(tenant.id, [draft("k", b"2"), draft("other", b"1"), draft("new", b"1")])
    assert [(p.duplicate, p.conflict) for p in (one, two, three)] == [(False, False), (True, False), (False, False)]
    assert EventKey.objects.get(key="k").event_id == one.id
    assert bytes(Event.objects.get(id=one.id).data) == b"2"


BASE = draft("k", version="v1", created_at=datetime(2025, 1, 1, tzinfo=UTC), metadata={"a": 1}, channels=["x", "y"])


@pytest.mark.parametrize(
    "other",
    [
        replace(BASE, data=b'{"n": 1}'),
        replace(BASE, type="order.deleted"),
        replace(BASE, version="v2"),
        replace(BASE, version=""),
        replace(BASE, created_at=datetime(2025, 1, 1, microsecond=1, tzinfo=UTC)),
        replace(BASE, created_at=None),
        replace(BASE, metadata={"a": 2}),
        replace(BASE, metadata={}),
        replace(BASE, channels=["y", "x"]),
        replace(BASE, channels=["x,y"]),
    ],
)
def test_the_same_id_with_other_content_is_a_conflict_and_changes_nothing(tenant: Tenant, other: Draft) -> None:
    (first,) = publish(tenant.id, [BASE])
    (second,) = publish(tenant.id, [other])
    assert (second.conflict, second.duplicate) == (True, False)
    assert Event.objects.values_list("id", flat=True).get() == first.id


@pytest.mark.parametrize("other", [replace(BASE, correlation_id="req-2"), replace(BASE, origin=Event.Origin.LIBRARY)])
def test_how_it_was_published_is_not_its_content(tenant: Tenant, other: Draft) -> None:
    publish(tenant.id, [BASE])
    assert publish(tenant.id, [other])[0].duplicate


def test_ids_of_two_tenants_do_not_meet(tenant: Tenant) -> None:
    other = make_tenant()
    first, second = publish(tenant.id, [draft("k")])[0], publish(other.id, [draft("k", b"2")])[0]
    assert first.id != second.id
    assert not second.duplicate
    assert not second.conflict


def test_an_id_of_clarions_own_is_recognised(tenant: Tenant) -> None:
    event = make_event(tenant, data=b'{"n":1}')
    again, other = (publish(tenant.id, [draft(event.public_id, data)])[0] for data in (b'{"n":1}', b"2"))
    assert (again.id, again.duplicate, again.public_id) == (event.id, True, event.public_id)
    assert (other.duplicate, other.conflict) == (False, True)
    assert Event.objects.count() == 1


def test_a_foreign_tenants_id_is_no_ones(tenant: Tenant) -> None:
    """Attack: publishing another tenant's event id to learn whether it exists."""
    foreign = make_event(make_tenant())
    (made,) = publish(tenant.id, [draft(foreign.public_id)])
    assert not made.duplicate
    assert not made.conflict
    assert made.id != foreign.id


def test_a_batch_with_repeated_ids_stores_each_once(tenant: Tenant) -> None:
    publish(tenant.id, [draft("old", b"0")])
    made = publish(
        tenant.id,
        [draft("a", b"1"), draft("b", b"2"), draft("a", b"1"), draft("a", b"9"), draft("old", b"0"), draft("old", b"9"),
         draft(None, b"1"), draft(None, b"1")],
    )  # fmt: skip
    assert [one.duplicate for one in made] == [False, False, True, False, True, False, False, False]
    assert [one.conflict for one in made] == [False, False, False, True, False, True, False, False]
    assert made[2].id == made[0].id
    assert Event.objects.count() == 5
    assert EventKey.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_publishers_who_race_with_one_id_make_one_event() -> None:
    tenant = make_tenant()
    for n in range(8):
        made = at_once(*[lambda n=n: publish(tenant.id, [draft(f"k{n}")])[0] for _ in range(4)])
        assert len({one.id for one in made}) == 1
        assert sorted(one.duplicate for one in made) == [False, True, True, True]
    assert Event.objects.count() == 8


@pytest.mark.django_db(transaction=True)
def test_publishers_who_race_with_other_content_get_one_event_and_conflicts() -> None:
    tenant = make_tenant()
    made = at_once(*[lambda n=n: publish(tenant.id, [draft("k", b"%d" % n)])[0] for n in range(4)])
    assert sorted(one.conflict for one in made) == [False, True, True, True]
    assert Event.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_batches_with_the_same_ids_in_other_orders_do_not_block_each_other_for_ever() -> None:
    tenant = make_tenant()
    for round_ in range(4):
        keys = [f"r{round_}-{n:04d}" for n in range(600)]
        orders = [keys, keys[::-1], keys[300:] + keys[:300]]
        made = at_once(*[lambda o=o: publish(tenant.id, [draft(key) for key in o]) for o in orders])
        assert len({one.id for batch in made for one in batch}) == 600
    assert Event.objects.count() == 2400


@pytest.mark.django_db(transaction=True)
def test_every_id_has_exactly_one_event_whatever_publishers_do_at_once() -> None:
    """Attack: single events and batches with the same few ids, in transactions that commit and that do not."""
    tenant = make_tenant()
    keys = [f"k{n}" for n in range(12)]

    def publisher(number: int) -> list[Published]:
        draw = random.Random(number)
        done: list[Published] = []
        for _ in range(25):
            drafts = [draft(draw.choice([*keys, None])) for _ in range(draw.choice([1, 1, 3, 8]))]
            with transaction.atomic():
                made = publish(tenant.id, drafts)
                transaction.set_rollback(lost := draw.random() < 0.3)
            done += [] if lost else made
        return done

    done = [one for made in at_once(*[lambda n=n: publisher(n) for n in range(6)]) for one in made]
    events = {event.id: event.key for event in Event.objects.all()}
    holders = dict(EventKey.objects.values_list("key", "event_id"))
    assert sorted(key for key in events.values() if key) == sorted(keys) == sorted(holders)
    assert {key: event_id for event_id, key in events.items() if key} == holders
    assert not [one for one in done if one.conflict]
    assert [one.public_id for one in done if one.id not in events] == []
    assert sorted(one.public_id for one in done if not one.duplicate and one.public_id in keys) == sorted(keys)


@pytest.mark.django_db(transaction=True)
def test_an_id_is_free_again_when_its_first_publisher_rolls_back() -> None:
    tenant = make_tenant()
    with transaction.atomic():
        publish(tenant.id, [draft("k", b"1")])
        other = in_thread(lambda: publish(tenant.id, [draft("k", b"2")])[0])
        wait_for_a_lock()
        transaction.set_rollback(True)
    made = other()
    assert not made.conflict
    assert bytes(Event.objects.get().data) == b"2"


# --- transactions and statements


@pytest.mark.django_db(transaction=True)
def test_an_event_is_rolled_back_with_the_callers_transaction(tenant: Tenant) -> None:
    with transaction.atomic():
        publish(tenant.id, [draft("k"), draft()])
        transaction.set_rollback(True)
    assert not Event.objects.exists()
    assert not EventKey.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_several_events_with_ids_are_stored_together_or_not_at_all(tenant: Tenant) -> None:
    """Attack: the database goes away after the insert, before it has said whose the other ids are."""
    publish(tenant.id, [draft("old")])

    def gone(execute: Any, sql: str, *rest: Any) -> Any:
        if "JOIN webhooks_eventkey" in sql:
            raise OperationalError("the connection is closed")
        return execute(sql, *rest)

    with connection.execute_wrapper(gone), pytest.raises(OperationalError):
        publish(tenant.id, [draft("old"), draft("new")])
    assert EventKey.objects.get().key == "old"
    assert Event.objects.count() == 1


def test_a_database_error_is_djangos(tenant: Tenant) -> None:
    with pytest.raises(DataError), transaction.atomic():
        publish(tenant.id, [draft(metadata={"a": "\0"})])
    assert not Event.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("key", [None, "k"])
def test_an_event_is_one_statement_and_its_own_transaction(
    tenant: Tenant, settings: Settings, strict: bool, key: str | None
) -> None:
    settings.WEBHOOKS_STRICT_EVENT_TYPES = strict
    EventType.objects.create(name="order.created")
    with CaptureQueriesContext(connection) as captured:
        publish(tenant.id, [draft(key)])
    assert len(captured) == 1


@pytest.mark.parametrize("count", [1, 500])
@pytest.mark.parametrize("keys", [False, True])
def test_any_number_of_events_is_one_statement(tenant: Tenant, count: int, keys: bool) -> None:
    drafts = [draft(secrets.token_hex(8) if keys else None) for _ in range(count)]
    with statements() as seen:
        assert len(publish(tenant.id, drafts)) == count
    assert len(seen) == 1
    assert Event.objects.count() == count


@pytest.mark.parametrize("other", [b'{"n":1}', b"2"])
@pytest.mark.parametrize("count", [1, 500])
def test_ids_that_are_taken_are_one_statement_more(tenant: Tenant, count: int, other: bytes) -> None:
    publish(tenant.id, [draft(f"k{n}") for n in range(count)])
    with statements() as seen:
        made = publish(tenant.id, [draft(f"k{n}", other) for n in range(count)])
    assert len(seen) == 2
    assert {one.conflict for one in made} == {other == b"2"}


def test_an_id_that_looks_like_clarions_own_is_one_statement_more(tenant: Tenant) -> None:
    event = make_event(tenant, data=b'{"n":1}')
    with statements() as seen:
        assert publish(tenant.id, [draft(event.public_id)])[0].duplicate
    assert len(seen) == 1
    with statements() as seen:
        publish(tenant.id, [draft("evt_" + "0" * 32)])
    assert len(seen) == 2


# --- registered types


def test_a_registered_type_gives_its_version(tenant: Tenant) -> None:
    EventType.objects.create(name="order.created", version="v3")
    EventType.objects.create(name="order.deleted", version="v4")
    EventType.objects.create(name="order.created", version="v9", tenant=make_tenant())
    EventType.objects.create(name="order.deleted", version="v5", tenant=tenant)
    made = publish(tenant.id, [draft(), draft(type="order.deleted"), draft(version="v7"), draft(type="other")])
    assert [one.version for one in made] == ["v3", "v5", "v7", "v1"]


def test_a_type_counts_from_the_moment_it_is_registered_until_it_is_deleted(tenant: Tenant, settings: Settings) -> None:
    settings.WEBHOOKS_STRICT_EVENT_TYPES = True
    for _ in range(2):
        with pytest.raises(InvalidInput):
            publish(tenant.id, [draft()])
        EventType.objects.bulk_create([EventType(name="order.created", version="v7")])  # without a signal
        assert publish(tenant.id, [draft()])[0].version == "v7"
        EventType.objects.update(version="v8")
        assert publish(tenant.id, [draft()])[0].version == "v8"
        EventType.objects.all().delete()


@pytest.mark.parametrize("key", [None, "k"])
def test_events_about_clarion_itself_need_no_registration(tenant: Tenant, settings: Settings, key: str | None) -> None:
    settings.WEBHOOKS_STRICT_EVENT_TYPES = True
    made = publish(tenant.id, [draft(key, type="delivery.dead", origin=Event.Origin.OPERATIONAL)])
    assert made[0].version == "v1"
    assert Event.objects.get().version == ""


def test_nothing_is_stored_of_a_batch_with_an_unknown_type(tenant: Tenant, settings: Settings) -> None:
    settings.WEBHOOKS_STRICT_EVENT_TYPES = True
    EventType.objects.create(name="order.created")
    with pytest.raises(InvalidInput) as caught:
        publish(tenant.id, [draft(), draft("a"), draft("b", type="x"), draft(type="y")])
    assert [error.pointer for error in caught.value.errors] == ["/2/type", "/3/type"]
    assert not Event.objects.exists()


def test_an_event_of_an_unknown_type_leaves_its_id_free(tenant: Tenant, settings: Settings) -> None:
    settings.WEBHOOKS_STRICT_EVENT_TYPES = True
    with pytest.raises(InvalidInput):
        publish(tenant.id, [draft("k")])
    assert not EventKey.objects.exists()
    assert not Event.objects.exists()


def test_unknown_types_are_refused_when_types_are_strict(tenant: Tenant, settings: Settings) -> None:
    settings.WEBHOOKS_STRICT_EVENT_TYPES = True
    EventType.objects.create(name="order.created")
    EventType.objects.create(name="order.deleted", tenant=make_tenant())
    publish(tenant.id, [draft()])
    with pytest.raises(InvalidInput) as caught:
        publish(tenant.id, [draft(), draft(type="order.deleted"), draft(type="x")])
    assert [error.pointer for error in caught.value.errors] == ["/1/type", "/2/type"]
    assert Event.objects.count() == 1
