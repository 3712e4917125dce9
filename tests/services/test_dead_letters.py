"""The failure queue: one dead letter for each dead delivery, replayed or discarded once."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from pytest_django import Settings

from tests.answers import Answer
from tests.factories import make_delivery, make_endpoint, make_event
from tests.receiver import Receiver
from tests.services.engine import at_once, run_to_quiescence
from webhooks.core import ids
from webhooks.models import DeadLetter, Delivery, Endpoint, Event
from webhooks.services.bell import Bell
from webhooks.services.dead_letters import bury, discard, replay
from webhooks.services.drain import drain
from webhooks.services.fan_out import fan_out
from webhooks.services.sweep import sweep

pytestmark = pytest.mark.django_db


def dead(endpoint: Endpoint | None = None, event: Event | None = None) -> Delivery:
    return make_delivery(
        endpoint, event, state="dead", next_attempt_at=None, finished_at=datetime.now(UTC), attempt_count=6,
        response_status=503, reason="no retries left after 6 attempts: HTTP 503",
    )  # fmt: skip


def letter() -> DeadLetter:
    delivery = dead()
    bury(delivery.id)
    return DeadLetter.objects.get(delivery=delivery)


def test_a_dead_letter_says_what_died_and_why() -> None:
    delivery = dead()
    made = bury(delivery.id)
    found = DeadLetter.objects.get()
    assert found.id == made
    assert (found.delivery_id, found.event_id, found.endpoint_id, found.tenant_id) == (
        delivery.id, delivery.event_id, delivery.endpoint_id, delivery.tenant_id,
    )  # fmt: skip
    assert (found.event_type, found.reason, found.response_status, found.attempt_count, found.resolution) == (
        "order.created", delivery.reason, 503, 6, "open",
    )  # fmt: skip
    delivery.refresh_from_db()
    assert delivery.dead_lettered_at is not None
    assert sweep().dead == []


def test_it_publishes_an_operational_event() -> None:
    endpoint = make_endpoint()
    event = make_event(endpoint.tenant, key="ord-1", fanned_out=True)
    delivery = dead(endpoint, event)
    made = bury(delivery.id)
    news = Event.objects.get(type="delivery.dead")
    assert (news.tenant_id, news.origin, news.fanned_out_at) == (endpoint.tenant_id, "operational", None)
    assert made is not None
    assert json.loads(bytes(news.data)) == {
        "dead_letter_id": ids.show(ids.DEAD_LETTER, made), "delivery_id": delivery.public_id, "event_id": "ord-1",
        "event_type": "order.created", "webhook_id": endpoint.public_id, "reason": delivery.reason,
        "response_status": 503, "attempts": 6,
    }  # fmt: skip


def test_burying_twice_makes_one_letter_and_one_event() -> None:
    delivery = dead()
    assert bury(delivery.id) is not None
    assert bury(delivery.id) is None
    assert DeadLetter.objects.count() == 1
    assert Event.objects.filter(type="delivery.dead").count() == 1


@pytest.mark.django_db(transaction=True)
def test_workers_that_bury_at_once_make_one_letter_each() -> None:
    deliveries = [dead() for _ in range(5)]
    for delivery in deliveries:
        made = at_once(*[lambda key=delivery.id: bury(key)] * 4)
        assert sum(one is not None for one in made) == 1
    assert DeadLetter.objects.count() == 5
    assert Event.objects.filter(type="delivery.dead").count() == 5


@pytest.mark.parametrize("state", ["pending", "sending", "succeeded", "cancelled", "held"])
def test_only_the_dead_are_buried(state: str) -> None:
    assert bury(make_delivery(state=state).id) is None
    assert bury(uuid4()) is None
    assert not DeadLetter.objects.exists()


def test_an_event_that_is_gone_does_not_hinder_the_burial() -> None:
    delivery = dead()
    delivery.event.delete()
    bury(delivery.id)
    assert DeadLetter.objects.get().event_type == ""


def test_strict_event_types_do_not_hinder_the_burial(settings: Settings) -> None:
    """Attack: the type of the news is not registered, its refusal takes the dead letter with it."""
    delivery = dead()
    settings.WEBHOOKS_STRICT_EVENT_TYPES = True
    assert bury(delivery.id) is not None
    assert Event.objects.filter(type="delivery.dead").count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("valkey")
def test_news_that_cannot_be_delivered_makes_no_more_news(receiver: Receiver) -> None:
    """Attack: an endpoint subscribed to delivery.dead that is itself dead would feed itself for ever."""
    receiver.always("/hook", Answer(400))
    endpoint = make_endpoint(url=receiver.url("/hook"), event_types=["order.created", "delivery.dead"])
    make_event(endpoint.tenant)
    for _ in range(5):
        fan_out()
        for delivery_id in drain(endpoint.id).dead:
            bury(delivery_id)
    assert DeadLetter.objects.count() == 2
    assert Event.objects.count() == 2
    assert len(receiver.requests()) == 2


def test_a_dead_letter_is_replayed_once() -> None:
    found = letter()
    assert replay([found.id]) == [Bell(found.endpoint_id, found.tenant_id)]
    new = Delivery.objects.exclude(id=found.delivery_id).get()
    assert (new.event_id, new.endpoint_id, new.trigger, new.state) == (
        found.event_id, found.endpoint_id, "replay", "pending",
    )  # fmt: skip
    found.refresh_from_db()
    assert found.resolution == "replayed"
    assert found.resolved_at is not None
    assert replay([found.id]) == []
    assert discard([found.id]) == 0
    assert Delivery.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_people_who_replay_at_once_make_one_delivery() -> None:
    found = letter()
    at_once(*[lambda: replay([found.id])] * 4)
    assert Delivery.objects.filter(trigger="replay").count() == 1


def test_a_discarded_letter_stays_and_is_not_replayed() -> None:
    found, other = letter(), letter()
    assert discard([found.id, uuid4()]) == 1
    assert discard([found.id]) == 0
    assert replay([found.id]) == []
    assert set(DeadLetter.objects.values_list("id", "resolution")) == {(found.id, "discarded"), (other.id, "open")}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("valkey")
def test_from_the_last_failure_to_a_replay_that_works(receiver: Receiver) -> None:
    receiver.script("/hook", [Answer(500)])
    endpoint = make_endpoint(url=receiver.url("/hook"), retry_policy="none", event_types=["order.*"])
    event = make_event(endpoint.tenant)
    fan_out()
    for delivery_id in drain(endpoint.id).dead:
        bury(delivery_id)
    replay([DeadLetter.objects.get().id])
    run_to_quiescence(endpoint.id)
    first, second = receiver.requests()
    assert first.header("webhook-id") == second.header("webhook-id") == event.public_id
    assert first.header("X-Webhook-Delivery") != second.header("X-Webhook-Delivery")
    assert set(Delivery.objects.values_list("state", flat=True)) == {"dead", "succeeded"}
