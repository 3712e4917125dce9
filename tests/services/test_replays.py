"""Replays by state, of events a webhook never had, and discarding: what is made, and what is passed over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.factories import make_delivery, make_endpoint, make_event, make_tenant
from tests.services.engine import post, run_to_quiescence
from tests.services.operating import finish, order, run
from tests.services.test_dead_letters import dead
from webhooks.core import envelope, ids, purged
from webhooks.errors import InvalidInput
from webhooks.models import DeadLetter, Delivery, Endpoint, Event, Mailbox, Operation, Tenant
from webhooks.services import dead_letters, deliveries, endpoints
from webhooks.services.operations import replaying

pytestmark = pytest.mark.django_db


def finished(endpoint: Endpoint, state: str = "succeeded", event: Event | None = None, **fields: Any) -> Delivery:
    event = event or make_event(endpoint.tenant, fanned_out=True)
    return make_delivery(endpoint, event, state=state, next_attempt_at=None, finished_at=datetime.now(UTC), **fields)


def replayed(endpoint: Endpoint) -> list[Any]:
    """The events of the endpoint's replays, in order."""
    return sorted(Delivery.objects.filter(endpoint=endpoint, trigger="replay").values_list("event_id", flat=True))


def at(moment: datetime) -> str:
    return envelope.timestamp(moment)


# --- dead


def test_dead_letters_become_replayed_and_are_delivered(tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    first, second = dead(endpoint), dead(endpoint)
    dead_letters.bury(first.id)  # the other one has no letter yet
    operation = run(tenant, "replay")
    assert operation.tally == {
        "deliveries": 2, "by_status": {"dead": 2}, "by_webhook": {endpoint.public_id: 2}, "skipped": {},
    }  # fmt: skip
    assert replayed(endpoint) == sorted([first.event_id, second.event_id])
    assert set(DeadLetter.objects.values_list("resolution", flat=True)) == {"replayed"}
    made = Delivery.objects.filter(trigger="replay")
    assert set(made.values_list("state", flat=True)) == {"pending"}
    assert Mailbox.objects.get(endpoint=endpoint).next_due_at is not None


def test_one_that_the_dead_letter_worker_buries_at_that_moment_is_not_missed(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = make_endpoint(tenant)
    dead(endpoint)
    bury = dead_letters.bury

    def too_late(delivery_id: Any) -> None:
        bury(delivery_id)  # somebody else was first

    monkeypatch.setattr(dead_letters, "bury", too_late)
    assert run(tenant, "replay").tally["deliveries"] == 1
    assert len(replayed(endpoint)) == 1


def test_a_second_replay_finds_nothing(tenant: Tenant) -> None:
    dead(make_endpoint(tenant))
    run(tenant, "replay")
    again = run(tenant, "replay")
    assert (again.tally["deliveries"], again.tally["skipped"]) == (0, {"resolved": 1})


def test_a_dry_run_counts_and_changes_nothing(tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    dead(endpoint)
    finished(endpoint)
    operation = run(tenant, "replay", {"status": ["dead", "succeeded"], "dry_run": True})
    assert operation.tally["by_status"] == {"dead": 1, "succeeded": 1}
    assert Delivery.objects.count() == 2
    assert not DeadLetter.objects.filter(resolution="replayed").exists()


def test_dead_letters_are_discarded(tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    other = make_event(tenant, type="invoice.paid", fanned_out=True)
    dead(endpoint), dead(endpoint, other)
    assert run(tenant, "discard", {"event_types": ["invoice.*"], "dry_run": True}).tally == {"dead_letters": 1}
    assert not DeadLetter.objects.exclude(resolution="open").exists()
    assert run(tenant, "discard", {"event_types": ["invoice.*"]}).tally == {"dead_letters": 1}
    assert [letter.event_id for letter in DeadLetter.objects.filter(resolution="discarded")] == [other.id]
    assert Delivery.objects.count() == 2


# --- what else was delivered


def test_of_several_deliveries_of_an_event_the_newest_counts(tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    event = make_event(tenant, fanned_out=True)
    finished(endpoint, event=event)
    finished(endpoint, event=event, id=ids.new_id(), trigger="replay")
    operation = run(tenant, "replay", {"status": "succeeded"})
    assert replayed(endpoint).count(event.id) == 2, "the old one and one new one"
    assert operation.tally["skipped"] == {"newer": 1}


def test_what_was_delivered_anew_since_its_cancellation_is_passed_over(tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    event = make_event(tenant, fanned_out=True)
    finished(endpoint, "cancelled", event=event)
    finished(endpoint, event=event, id=ids.new_id(), trigger="manual")
    alone = finished(endpoint, "cancelled")
    run(tenant, "replay", {"status": ["cancelled"]})
    assert replayed(endpoint) == [alone.event_id]


@pytest.mark.django_db(transaction=True)
def test_a_replay_never_meets_its_own_deliveries(tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    for _ in range(5):
        finished(endpoint)

    def succeed(_: int) -> None:
        Delivery.objects.filter(state="pending").update(state="succeeded")

    finish(order(tenant, "replay", {"status": ["succeeded"], "rate": 2}), succeed)
    assert Delivery.objects.count() == 10


@pytest.mark.django_db(transaction=True)
def test_a_clock_that_is_behind_does_not_make_it_meet_them(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of a worker whose clock is behind lie below the operation's own; the database's clock tells."""
    endpoint = make_endpoint(tenant)
    first = finished(endpoint)
    key = order(tenant, "replay", {"status": ["succeeded"], "rate": 1})
    early = ids.floor(ids.created_at(first.id) + timedelta(milliseconds=1))
    monkeypatch.setattr(deliveries.ids, "new_id", lambda: early)
    monkeypatch.setattr(replaying, "_STEP", 1)

    def succeed(_: int) -> None:
        Delivery.objects.filter(state="pending").update(state="succeeded")
        monkeypatch.undo()

    finish(key, succeed)
    assert Delivery.objects.count() == 2


def test_tests_and_callbacks_are_no_ones_events(tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    finished(endpoint, trigger="test")
    run(tenant, "replay", callback_url="https://app.example/done")
    Delivery.objects.update(state="succeeded", finished_at=timezone.now())
    assert run(tenant, "replay", {"status": ["succeeded"]}).tally["deliveries"] == 0


def test_what_is_held_is_never_doubled(tenant: Tenant) -> None:
    stopped, active = make_endpoint(tenant), make_endpoint(tenant)
    for endpoint in (stopped, active):
        make_delivery(endpoint, make_event(tenant, fanned_out=True), state="held", next_attempt_at=None)
    endpoints.pause(stopped.id)
    operation = run(tenant, "replay", {"status": ["held"]})
    assert Delivery.objects.count() == 2
    assert operation.tally["by_status"] == {"held": 1}
    assert operation.tally["skipped"] == {"waiting": 1}
    assert Mailbox.objects.get(endpoint=active).unsettled


# --- what is chosen


def test_a_period_a_type_and_webhooks_narrow_it(tenant: Tenant) -> None:
    endpoint, other = make_endpoint(tenant), make_endpoint(tenant)
    first, second = finished(endpoint), finished(endpoint)
    invoice = finished(endpoint, event=make_event(tenant, type="invoice.paid", fanned_out=True))
    finished(other)
    Event.objects.filter(id=first.event_id).update(type="order.created")
    middle = at(ids.created_at(second.id))
    wanted = {"status": ["succeeded"], "webhooks": [endpoint.public_id], "dry_run": True}
    assert run(tenant, "replay", wanted).tally["deliveries"] == 3
    assert run(tenant, "replay", wanted | {"event_types": ["invoice.*"]}).tally["deliveries"] == 1
    later = at(ids.created_at(invoice.id) + timedelta(seconds=1))
    assert run(tenant, "replay", wanted | {"since": later}).tally["deliveries"] == 0
    assert run(tenant, "replay", wanted | {"until": middle}).tally["deliveries"] <= 2
    assert run(tenant, "replay", wanted | {"webhooks": "all"}).tally["deliveries"] == 4


def test_nothing_of_another_tenant_is_touched(tenant: Tenant) -> None:
    stranger = make_endpoint(make_tenant())
    dead(stranger, make_event(stranger.tenant, fanned_out=True))
    make_event(stranger.tenant, fanned_out=True)
    operation = run(tenant, "replay", {"status": list(replaying.STATUSES)})
    assert operation.tally["deliveries"] == 0
    assert Delivery.objects.count() == 1
    with pytest.raises(InvalidInput) as caught:
        order(tenant, "replay", {"webhooks": [stranger.public_id]})
    assert caught.value.errors[0].pointer == "/params/webhooks/0"


def test_expired_and_purged_events_and_deleted_webhooks_are_passed_over(tenant: Tenant) -> None:
    endpoint, gone = make_endpoint(tenant), make_endpoint(tenant)
    expired, erased, left = finished(endpoint), finished(endpoint), finished(gone)
    Event.objects.filter(id=expired.event_id).delete()
    Event.objects.filter(id=erased.event_id).update(data=purged.MARKER)
    endpoints.delete(gone.id)
    operation = run(tenant, "replay", {"status": ["succeeded"]})
    assert operation.tally["skipped"] == {"expired": 1, "purged": 1, "deleted": 1}
    assert operation.tally["deliveries"] == 0
    assert left.endpoint_id == gone.id


# --- events that a webhook never had


def test_a_new_webhook_gets_what_happened_before_it_existed(tenant: Tenant) -> None:
    old = make_endpoint(tenant)
    post(old, 3)
    made = make_endpoint(tenant, event_types=["order.*"])
    operation = run(tenant, "replay", {"status": ["unmatched"]})
    assert operation.tally["by_webhook"] == {made.public_id: 3}
    assert len(replayed(made)) == 3
    assert not replayed(old)
    assert run(tenant, "replay", {"status": ["unmatched"]}).tally["deliveries"] == 0


@pytest.mark.parametrize(
    ("subscription", "wanted"),
    [
        ({"event_types": ["order.created"]}, True),
        ({"event_types": ["invoice.*"]}, False),
        ({"event_types": ["*"], "filter": {"data.n": {"$gte": 5}}}, True),
        ({"event_types": ["*"], "filter": {"data.n": {"$gt": 5}}}, False),
        ({"event_types": ["*"], "channels": ["eu"]}, True),
        ({"event_types": ["*"], "channels": ["us"]}, False),
    ],
    ids=["type", "other-type", "filter", "other-filter", "channel", "other-channel"],
)
def test_it_matches_as_new_events_are_matched(tenant: Tenant, subscription: dict[str, Any], wanted: bool) -> None:
    make_event(tenant, data={"n": 5}, channels=["eu"], fanned_out=True)
    endpoint = make_endpoint(tenant, **subscription)
    dry = run(tenant, "replay", {"status": ["unmatched"], "dry_run": True})
    assert dry.tally["deliveries"] == wanted
    assert not Delivery.objects.exists()
    run(tenant, "replay", {"status": ["unmatched"]})
    assert Delivery.objects.filter(endpoint=endpoint).count() == wanted


def test_whoever_had_it_in_any_way_does_not_get_it_again(tenant: Tenant) -> None:
    event = make_event(tenant, fanned_out=True)
    endpoint = make_endpoint(tenant)
    deliveries.replay_events([event.id], [endpoint.id])
    assert run(tenant, "replay", {"status": ["unmatched"]}).tally["deliveries"] == 0


def test_operational_events_tests_and_the_unrouted_are_left_alone(tenant: Tenant) -> None:
    make_event(tenant)
    make_event(tenant, type="delivery.dead", origin="operational", fanned_out=True)
    make_event(tenant, origin="test", fanned_out=True)
    make_endpoint(tenant)
    assert run(tenant, "replay", {"status": ["unmatched"]}).tally["deliveries"] == 0


def test_only_the_named_webhooks_get_them(tenant: Tenant) -> None:
    make_event(tenant, fanned_out=True)
    named, other = make_endpoint(tenant), make_endpoint(tenant)
    run(tenant, "replay", {"status": ["unmatched"], "webhooks": named.public_id})
    assert (len(replayed(named)), len(replayed(other))) == (1, 0)


def test_a_step_makes_no_more_than_the_rate(tenant: Tenant) -> None:
    for _ in range(3):
        make_endpoint(tenant)
    for _ in range(4):
        make_event(tenant, fanned_out=True)
    seen: list[int] = []
    key = order(tenant, "replay", {"status": ["unmatched"], "rate": 6})
    finish(key, lambda _: seen.append(Delivery.objects.count()))
    assert seen == [6, 12]
    assert Operation.objects.get(id=key).done == 4


@pytest.mark.django_db(transaction=True)
def test_what_was_missed_is_delivered_and_held_for_a_paused_webhook(tenant: Tenant, endpoint_at: Any) -> None:
    make_event(tenant, fanned_out=True)
    endpoint, paused = endpoint_at(tenant=tenant), make_endpoint(tenant)
    endpoints.pause(paused.id)
    run(tenant, "replay", {"status": ["unmatched"]})
    run_to_quiescence(endpoint.id)
    states = dict(Delivery.objects.values_list("endpoint_id", "state"))
    assert states == {endpoint.id: "succeeded", paused.id: "held"}


# --- parameters

BAD = [
    ({"nobody_knows": 1}, ["/params/nobody_knows"]),
    ({"a/b": 1}, ["/params/a~1b"]),
    ([], ["/params"]),
    ("all", ["/params"]),
    ({"status": []}, ["/params/status"]),
    ({"status": ["gone"]}, ["/params/status/0"]),
    ({"status": [7, "dead"]}, ["/params/status/0"]),
    ({"status": "gone"}, ["/params/status/0"]),
    ({"status": {"dead": 1}}, ["/params/status"]),
    ({"status": ["dead"] * 11}, ["/params/status"]),
    ({"since": "yesterday", "until": 7}, ["/params/since", "/params/until"]),
    ({"since": "2025-01-01T00:00:00"}, ["/params/since"]),
    ({"since": "0001-01-01T00:00:00+23:00"}, ["/params/since"]),
    ({"since": "2025-01-02T00:00:00Z", "until": "2025-01-01T00:00:00Z"}, ["/params/until"]),
    ({"since": "2025-01-02T00:00:00Z", "until": "2025-01-02T01:00:00+01:00"}, ["/params/until"]),
    ({"event_types": ["*.created"]}, ["/params/event_types/0"]),
    ({"event_types": "order.*"}, ["/params/event_types"]),
    ({"event_types": [None]}, ["/params/event_types/0"]),
    ({"webhooks": []}, ["/params/webhooks"]),
    ({"webhooks": ["wh_1", "x"]}, ["/params/webhooks/0", "/params/webhooks/1"]),
    ({"webhooks": ["wh_\x00"]}, ["/params/webhooks/0"]),
    ({"webhooks": 7}, ["/params/webhooks"]),
    ({"rate": 0}, ["/params/rate"]),
    ({"rate": 1001}, ["/params/rate"]),
    ({"rate": True}, ["/params/rate"]),
    ({"rate": 1.5}, ["/params/rate"]),
    ({"dry_run": "yes"}, ["/params/dry_run"]),
    ({"dry_run": None}, ["/params/dry_run"]),
]


@pytest.mark.parametrize(("params", "pointers"), BAD, ids=[str(n) for n in range(len(BAD))])
def test_a_bad_parameter_is_named(tenant: Tenant, params: Any, pointers: list[str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        order(tenant, "replay", params)
    assert [fault.pointer for fault in caught.value.errors] == pointers
    assert not Operation.objects.exists()


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z"])
def test_a_period_may_be_as_long_as_one_likes(tenant: Tenant, moment: str) -> None:
    dead(make_endpoint(tenant))
    early = moment < "2000"
    operation = run(tenant, "replay", {"since" if early else "until": moment})
    assert operation.tally["deliveries"] == 1


@pytest.mark.parametrize("type", ["", "reply", None, 7, [], "REPLAY"])
def test_an_unknown_type_is_refused(tenant: Tenant, type: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        order(tenant, type)
    assert caught.value.errors[0].pointer == "/type"
