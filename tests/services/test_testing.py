"""A test event goes the ordinary way, to one endpoint, whatever it is subscribed to."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from tests.factories import make_endpoint
from tests.services.engine import mailbox_faults
from webhooks.core import ids
from webhooks.errors import NotFound
from webhooks.models import Delivery, Event, Mailbox
from webhooks.services import endpoints
from webhooks.services.fan_out import fan_out
from webhooks.services.testing import send_test

pytestmark = pytest.mark.django_db


def test_it_reaches_its_endpoint_past_subscriptions_and_filters() -> None:
    endpoint = make_endpoint(event_types=["other"], filter={"data.n": 1}, channels=["eu"], version="v9")
    bystander = make_endpoint(endpoint.tenant)
    event_id, delivery_id = send_test(endpoint.id)
    fan_out()
    delivery = Delivery.objects.get()
    assert (delivery.id, delivery.event_id, delivery.endpoint_id) == (delivery_id, event_id, endpoint.id)
    assert (delivery.state, delivery.trigger) == ("pending", "test")
    assert mailbox_faults(endpoint.id, bystander.id) == []
    assert Mailbox.objects.get(endpoint=endpoint).next_due_at is not None


def test_its_event_is_like_any_other() -> None:
    endpoint = make_endpoint()
    event_id, _ = send_test(endpoint.id, "order.created")
    event = Event.objects.get(id=event_id)
    assert (event.type, event.origin, event.tenant_id, event.matched) == (
        "order.created",
        "test",
        endpoint.tenant_id,
        1,
    )
    assert event.correlation_id == ids.show(ids.EVENT, event_id)
    assert event.fanned_out_at is not None
    assert json.loads(bytes(event.data))["webhook_id"] == endpoint.public_id


def test_a_paused_endpoint_gets_it_later() -> None:
    endpoint = make_endpoint(state="paused")
    _, delivery_id = send_test(endpoint.id)
    assert Delivery.objects.get(id=delivery_id).state == "held"


@pytest.mark.usefixtures("valkey")
def test_there_must_be_such_an_endpoint() -> None:
    endpoint = make_endpoint()
    endpoints.delete(endpoint.id)
    for key in (endpoint.id, uuid4()):
        with pytest.raises(NotFound):
            send_test(key)
    assert not Event.objects.exists()
