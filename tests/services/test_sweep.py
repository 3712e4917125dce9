"""The sweep finds what lost doorbells and dead workers left behind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from pytest_django import Settings

from tests.factories import make_delivery, make_endpoint, make_event, make_received, make_source
from tests.services.engine import at_once, mailbox_faults
from webhooks.core import ids
from webhooks.models import Attempt, Delivery, Endpoint, Event, Mailbox
from webhooks.services import processing
from webhooks.services.bell import Bell
from webhooks.services.sweep import _Turn, sweep

pytestmark = pytest.mark.django_db


def ago(seconds: float) -> datetime:
    # The database's now() is the begin of the test's transaction: on a busy machine, long before what is a moment ago.
    return datetime.now(UTC) - timedelta(seconds=seconds)


def leased(endpoint: Endpoint, until: datetime, **fields: Any) -> Delivery:
    return make_delivery(
        endpoint, state="sending", lease_until=until, lease_token=uuid4(), next_attempt_at=ago(60),
        **{"attempt_count": 1} | fields,
    )  # fmt: skip


def test_an_idle_system_has_nothing_to_ring() -> None:
    make_delivery(state="succeeded", next_attempt_at=None)
    make_event(fanned_out=True)
    found = sweep()
    assert (found.bells, found.unsettled, found.unrouted, found.dead, found.expired) == ([], [], None, [], 0)
    assert found.unprocessed == []


def test_due_mailboxes_are_rung_longest_waiting_first() -> None:
    first, second = make_endpoint(), make_endpoint()
    make_delivery(second, next_attempt_at=ago(5))
    make_delivery(first, next_attempt_at=ago(50))
    make_delivery(next_attempt_at=ago(-60))
    Mailbox.objects.filter(endpoint=second).update(latency_ms=5000)
    assert sweep().bells == [Bell(first.id, first.tenant_id, False), Bell(second.id, second.tenant_id, True)]


@pytest.mark.parametrize(("seconds", "rung"), [(0, False), (2, False), (4, True), (100_000, True)])
def test_an_outbox_that_nobody_routed_is_rung_after_its_grace(seconds: float, rung: bool) -> None:
    event = make_event()
    moment = ago(seconds)
    Event.objects.filter(id=event.id).update(id=ids.floor(moment))
    assert sweep().unrouted == (ids.floor(moment) if rung else None)


def test_received_messages_that_nobody_processed_are_rung_for_oldest_first() -> None:
    source = make_source()
    moments = [ago(50), ago(500), ago(0)]
    waiting = [make_received(source, id=ids.floor(moment)).id for moment in moments]
    make_received(source, id=ids.floor(ago(70)), processed_at=ago(60), status="processed")
    assert sweep().unprocessed == [waiting[1], waiting[0]]


def test_a_processed_message_is_not_rung_for_again() -> None:
    message = make_received(id=ids.floor(ago(50)))
    assert [processing.process(message.id).word for _ in range(2)] == ["processed", "known"]
    assert sweep().unprocessed == []


def test_the_grace_is_a_setting(settings: Settings) -> None:
    settings.WEBHOOKS_FAN_OUT_GRACE = -1.0
    event = make_event()
    assert sweep().unrouted == event.id


def test_an_expired_lease_becomes_pending_and_its_attempt_is_kept_as_lost() -> None:
    endpoint = make_endpoint()
    expired, held = leased(endpoint, ago(600), attempt_count=3, trigger="manual"), leased(endpoint, ago(-60))
    Mailbox.objects.filter(endpoint=endpoint).update(next_due_at=None, oldest_pending_id=None)
    found = sweep()
    assert found.expired == 1
    assert [bell.endpoint_id for bell in found.bells] == [endpoint.id]
    expired.refresh_from_db()
    assert (expired.state, expired.lease_token, expired.lease_until, expired.attempt_count) == (
        "pending",
        None,
        None,
        3,
    )
    assert expired.next_attempt_at is not None
    attempt = Attempt.objects.get()
    assert (attempt.delivery_id, attempt.endpoint_id, attempt.tenant_id) == (
        expired.id,
        endpoint.id,
        endpoint.tenant_id,
    )
    assert (attempt.outcome, attempt.error, attempt.number) == ("lost", "worker_lost", 3)
    assert "may have arrived" in attempt.detail
    held.refresh_from_db()
    assert held.state == "sending"
    mailbox = Mailbox.objects.get(endpoint=endpoint)
    assert mailbox.next_due_at is not None
    assert mailbox.oldest_pending_id == expired.id


def test_each_lost_attempt_has_a_key_of_its_own_and_of_now() -> None:
    endpoint = make_endpoint()
    for _ in range(50):
        leased(endpoint, ago(60))
    before = ids.floor(datetime.now(UTC) - timedelta(seconds=1))
    assert sweep().expired == 50
    keys = list(Attempt.objects.values_list("id", flat=True))
    assert len(set(keys)) == 50
    assert {key.version for key in keys} == {7}
    assert {key.int >> 62 & 3 for key in keys} == {2}
    assert all(before < key < ids.floor(datetime.now(UTC) + timedelta(seconds=1)) for key in keys)
    assert len({key.int & ((1 << 62) - 1) for key in keys}) == 50


@pytest.mark.django_db(transaction=True)
def test_sweeps_at_once_free_each_lease_once() -> None:
    targets = [make_endpoint() for _ in range(4)]
    for _ in range(20):
        for endpoint in targets:
            leased(endpoint, ago(600))
    found = at_once(*[sweep] * 4)
    assert sum(one.expired for one in found) == 80
    assert Attempt.objects.count() == 80
    assert set(Delivery.objects.values_list("state", flat=True)) == {"pending"}
    assert mailbox_faults(*[endpoint.id for endpoint in targets]) == []


def test_a_freed_delivery_of_a_blocked_endpoint_waits_for_the_end_of_the_block() -> None:
    endpoint = make_endpoint()
    leased(endpoint, ago(600))
    until = ago(-600)
    Mailbox.objects.filter(endpoint=endpoint).update(blocked_until=until, next_due_at=None)
    assert sweep().bells == []
    assert Mailbox.objects.get(endpoint=endpoint).next_due_at == until


@pytest.mark.parametrize(
    ("state", "seconds", "buried", "announced"),
    [("dead", 60, False, True), ("dead", 0, False, False), ("dead", 60, True, False), ("cancelled", 60, False, False)],
)
def test_dead_deliveries_that_nobody_buried_are_announced_again(
    state: str, seconds: float, buried: bool, announced: bool
) -> None:
    delivery = make_delivery(
        state=state, next_attempt_at=None, finished_at=ago(seconds), dead_lettered_at=ago(600) if buried else None
    )
    assert sweep().dead == ([delivery.id] if announced else [])


def test_rows_that_nobody_can_work_off_hide_none_behind_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhooks.services.sweep._dead", _Turn(2))
    monkeypatch.setattr("webhooks.services.sweep._inbox", _Turn(2))
    source = make_source()
    dead = {make_delivery(state="dead", next_attempt_at=None, finished_at=ago(60)).id for _ in range(5)}
    received = {make_received(source, id=ids.floor(ago(60 + n))).id for n in range(5)}
    looks = [sweep() for _ in range(4)]
    assert {key for look in looks[:3] for key in look.dead} == dead
    assert {key for look in looks[:3] for key in look.unprocessed} == received
    assert looks[3].dead == looks[0].dead  # and from the start again


def test_each_part_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    from webhooks.services import sweep as module

    for name in ("_ENDPOINTS", "_LEASES"):
        monkeypatch.setattr(module, name, 2)
    monkeypatch.setattr(module, "_dead", _Turn(2))
    for _ in range(4):
        leased(make_endpoint(), ago(600))
        make_delivery(state="dead", next_attempt_at=None, finished_at=ago(60))
    Mailbox.objects.update(unsettled=True)
    found = sweep()
    assert (found.expired, len(found.bells), len(found.dead), len(found.unsettled)) == (2, 2, 2, 2)
