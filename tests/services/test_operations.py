"""The engine of operations: leases, tries, cancelling, and how the end is told."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import standardwebhooks
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from tests.answers import Answer
from tests.factories import make_endpoint, make_event, make_tenant
from tests.receiver import Receiver
from tests.services.engine import at_once as in_parallel
from tests.services.engine import run_to_quiescence
from tests.services.operating import at_once, finish, order, run
from tests.services.test_dead_letters import dead
from webhooks.core import ids
from webhooks.errors import Conflict, InvalidInput
from webhooks.models import AuditEntry, DeadLetter, Delivery, Endpoint, Event, Operation, Tenant
from webhooks.services import actors
from webhooks.services.operations import creating, files, running
from webhooks.services.operations.replaying import Replay

pytestmark = pytest.mark.django_db
SECRET = "whsec_" + "QUJD" * 11


def with_dead(tenant: Tenant, count: int) -> Endpoint:
    endpoint = make_endpoint(tenant)
    for _ in range(count):
        dead(endpoint, make_event(tenant, fanned_out=True))
    return endpoint


def test_it_is_done_step_by_step_and_its_progress_is_kept(tenant: Tenant) -> None:
    with_dead(tenant, 5)
    seen: list[tuple[int, int | None]] = []
    key = order(tenant, "replay", {"rate": 2})
    finish(key, lambda _: seen.append(Operation.objects.values_list("done", "total").get(id=key)))
    assert seen == [(2, 5), (4, 5), (5, 5)]
    assert Delivery.objects.filter(trigger="replay").count() == 5


def test_a_pause_lies_between_steps_that_deliver(tenant: Tenant) -> None:
    with_dead(tenant, 5)
    key = order(tenant, "replay", {"rate": 2})
    assert running.step(key).again_in == 1.0
    assert running.step(key).word == "nothing", "it is not due before the pause is over"
    assert Delivery.objects.filter(trigger="replay").count() == 2
    assert key not in running.due()
    at_once(key)
    assert key in running.due()


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_do_the_same_step(tenant: Tenant) -> None:
    with_dead(tenant, 20)
    key = order(tenant, "replay")
    words = [done.word for done in in_parallel(*[lambda: running.step(key)] * 4)]
    assert sorted(words) == ["done", "nothing", "nothing", "nothing"]
    assert Delivery.objects.filter(trigger="replay").count() == 20


def test_a_step_that_breaks_leaves_nothing_and_is_done_again(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    with_dead(tenant, 3)
    key = order(tenant, "replay")
    perform = Replay.perform

    def broken(self: Any, operation: Operation, prepared: Any) -> Any:
        perform(self, operation, prepared)
        raise KeyError("in the middle")

    monkeypatch.setattr(Replay, "perform", broken)
    with pytest.raises(KeyError):
        running.step(key)
    assert not Delivery.objects.filter(trigger="replay").exists()
    assert not DeadLetter.objects.filter(resolution="replayed").exists()
    assert key not in running.due(), "the next try waits a little"
    monkeypatch.undo()
    at_once(key)
    assert finish(key).tally["deliveries"] == 3


def test_one_that_always_breaks_ends_with_a_sentence(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    with_dead(tenant, 1)
    key = order(tenant, "replay")
    monkeypatch.setattr(Replay, "perform", lambda *_: 1 / 0)
    for _ in range(running.MAX_TRIES):
        with pytest.raises(ZeroDivisionError):
            running.step(key)
        at_once(key)
    assert running.step(key).word == "failed"
    operation = Operation.objects.get(id=key)
    assert operation.status == "failed"
    assert "5 times in a row" in operation.error
    assert operation.finished_at is not None
    assert running.step(key).word == "nothing"


def test_one_whose_worker_dies_every_time_ends_as_well(tenant: Tenant) -> None:
    """Nothing runs after a kill, so the tries are counted when the step is claimed."""
    key = order(tenant, "replay")
    gone = timezone.now() - timedelta(hours=1)
    Operation.objects.update(status="running", tries=running.MAX_TRIES, lease_token=ids.new_id(), lease_until=gone)
    assert key in running.due()
    assert running.step(key).word == "failed"


def test_a_lease_that_ran_out_is_found_and_one_that_runs_is_left_alone(tenant: Tenant) -> None:
    key = order(tenant, "replay")
    Operation.objects.update(lease_token=ids.new_id(), lease_until=timezone.now() + timedelta(minutes=1))
    assert running.due() == []
    assert running.step(key).word == "nothing"
    Operation.objects.update(lease_until=timezone.now() - timedelta(hours=1))
    assert running.due() == [key]
    assert running.step(key).word == "done"


def test_a_worker_that_comes_back_too_late_changes_nothing(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    with_dead(tenant, 1)
    key = order(tenant, "replay")

    def asleep(self: Any, operation: Operation) -> None:
        Operation.objects.update(lease_token=ids.new_id())  # somebody else has taken over

    monkeypatch.setattr(Replay, "prepare", asleep)
    assert running.step(key).word == "lost"
    assert not Delivery.objects.filter(trigger="replay").exists()


def test_it_is_cancelled_before_its_next_step(tenant: Tenant) -> None:
    with_dead(tenant, 5)
    key = order(tenant, "replay", {"rate": 2})
    running.step(key)
    assert creating.cancel(key)
    assert running.due() == [key], "its pause is over"
    assert running.step(key).word == "cancelled"
    assert Delivery.objects.filter(trigger="replay").count() == 2
    assert Operation.objects.get(id=key).tally["deliveries"] == 2
    assert not creating.cancel(key)


def test_a_tenant_cannot_order_without_end(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(creating, "MAX_UNFINISHED", 2)
    order(tenant, "replay")
    finish(order(tenant, "replay"))
    order(tenant, "replay")
    with pytest.raises(Conflict, match="not finished"):
        order(tenant, "replay")
    order(make_tenant(), "replay")


@pytest.mark.django_db(transaction=True)
def test_parallel_requests_do_not_pass_the_limit(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(creating, "MAX_UNFINISHED", 2)

    def attempt() -> bool:
        try:
            order(tenant, "replay")
        except Conflict:
            return False
        return True

    assert sorted(in_parallel(*[attempt] * 8)) == [False] * 6 + [True] * 2
    assert Operation.objects.for_tenant(tenant.id).count() == 2


def test_its_changes_are_those_of_whoever_ordered_it(tenant: Tenant) -> None:
    with_dead(tenant, 1)
    with actors.acting_as(actors.Actor("api_key", "key_1", "the shop")):
        key = order(tenant, "replay")
    finish(key)
    made = AuditEntry.objects.filter(actor_id="key_1").values_list("action", flat=True)
    assert set(made) == {"operation.created", "dead_letter.replayed", "operation.finished"}


# --- the callback


def callback(receiver: Receiver) -> Any:
    (request,) = receiver.requests("/done")
    return request


@pytest.mark.django_db(transaction=True)
def test_its_end_is_told_by_a_signed_delivery(tenant: Tenant, receiver: Receiver) -> None:
    operation = run(tenant, "replay", callback_url=receiver.url("/done"), callback_secret=SECRET)
    run_to_quiescence(operation.callback_id)
    request = callback(receiver)
    told = {"operation_id": operation.public_id, "status": "done", "result": operation.tally}
    assert json.loads(request.body) == told
    assert standardwebhooks.Webhook(SECRET).verify(request.body, dict(request.headers))
    assert request.header("X-Webhook-Event") == "operation.done"
    delivery = Delivery.objects.get(endpoint_id=operation.callback_id)
    assert (delivery.state, delivery.trigger) == ("succeeded", "callback")


@pytest.mark.django_db(transaction=True)
def test_a_secret_is_made_when_none_is_given_and_is_encrypted(tenant: Tenant, receiver: Receiver) -> None:
    created = creating.create(tenant.id, "replay", {}, callback_url=receiver.url("/done"))
    assert created.callback_secret.startswith("whsec_")
    operation = finish(created.id)
    run_to_quiescence(operation.callback_id)
    request = callback(receiver)
    assert standardwebhooks.Webhook(created.callback_secret).verify(request.body, dict(request.headers))


@pytest.mark.django_db(transaction=True)
def test_a_callback_is_retried_and_given_up_like_any_delivery(tenant: Tenant, receiver: Receiver) -> None:
    receiver.script("/done", [Answer(400)])
    operation = run(tenant, "replay", callback_url=receiver.url("/done"))
    run_to_quiescence(operation.callback_id)
    delivery = Delivery.objects.get(endpoint_id=operation.callback_id)
    assert delivery.state == "dead"


@pytest.mark.django_db(transaction=True)
def test_a_failure_is_told_with_its_sentence(
    tenant: Tenant, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> Any:
        raise Conflict("The world has changed.")

    monkeypatch.setattr(Replay, "perform", refuse)
    operation = run(tenant, "replay", callback_url=receiver.url("/done"))
    run_to_quiescence(operation.callback_id)
    assert json.loads(callback(receiver).body) == {
        "operation_id": operation.public_id, "status": "failed", "error": "The world has changed.",
    }  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_what_carries_a_callback_is_nobodys_webhook(tenant: Tenant, receiver: Receiver) -> None:
    operation = run(tenant, "replay", callback_url=receiver.url("/done"))
    assert not Endpoint.objects.existing().exists()
    make_event(tenant)
    run_to_quiescence(operation.callback_id)
    assert Delivery.objects.filter(endpoint_id=operation.callback_id).count() == 1


@pytest.mark.django_db(transaction=True)
def test_webhooks_that_ask_by_name_are_told_as_well_and_others_are_not(tenant: Tenant, receiver: Receiver) -> None:
    asks = make_endpoint(tenant, receiver.url("/asks"), event_types=["operation.*"])
    other = make_endpoint(tenant, receiver.url("/other"))
    run(tenant, "replay")
    run_to_quiescence(asks.id, other.id)
    assert len(receiver.requests("/asks")) == 1
    assert not receiver.requests("/other")


@pytest.mark.parametrize(
    "url", ["ftp://x.example/", "https://10.0.0.1/", "https://user@x.example/", "", 7, "http://[::1]/"]
)
def test_a_callback_url_passes_the_check_of_every_webhook(tenant: Tenant, url: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        order(tenant, "replay", callback_url=url)
    assert {fault.pointer for fault in caught.value.errors} == {"/callback_url"}
    assert not Operation.objects.exists()


@pytest.mark.parametrize("secret", ["", "x", "whsec_", "whsec_YWJj", "whsec_" + "A" * 200, 7, SECRET[6:]])
def test_a_secret_that_could_be_guessed_is_refused(tenant: Tenant, receiver: Receiver, secret: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        order(tenant, "replay", callback_url=receiver.url("/done"), callback_secret=secret)
    assert caught.value.errors[0].pointer == "/callback_secret"


def test_nothing_is_left_of_an_order_that_is_rolled_back(tenant: Tenant, receiver: Receiver) -> None:
    with transaction.atomic():
        order(tenant, "replay", callback_url=receiver.url("/done"))
        transaction.set_rollback(True)
    assert not Operation.objects.exists()
    assert not Endpoint.objects.exists()


def test_old_operations_are_forgotten_with_what_carried_their_callback(tenant: Tenant, receiver: Receiver) -> None:
    operation = run(tenant, "replay", callback_url=receiver.url("/done"))
    kept = run(tenant, "replay", callback_url=receiver.url("/done"))
    for one in (operation, kept):
        Operation.objects.filter(id=one.id).update(finished_at=F("finished_at") - timedelta(days=31))
    Delivery.objects.filter(endpoint_id=operation.callback_id).update(state="succeeded")
    files.prune()
    assert list(Operation.objects.values_list("id", flat=True)) == [kept.id], "its callback is not delivered yet"
    assert list(Endpoint.objects.values_list("id", flat=True)) == [kept.callback_id]


def test_the_steps_of_an_unknown_operation_are_none() -> None:
    assert running.step(ids.new_id()).word == "nothing"


def test_the_end_publishes_one_operational_event(tenant: Tenant) -> None:
    run(tenant, "replay")
    (event,) = Event.objects.all()
    assert (event.type, event.origin) == ("operation.done", "operational")
