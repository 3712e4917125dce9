"""Which events a fan-out takes: fairly among tenants, no more than it can carry, old ones when told to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings

from tests.factories import make_endpoint, make_event, make_tenant
from tests.services.engine import statements
from webhooks.core import ids
from webhooks.models import Delivery, Event, Tenant
from webhooks.services.fan_out import fan_out
from webhooks.services.ingest import Draft, publish
from webhooks.services.partitions import make_ahead

pytestmark = pytest.mark.django_db


def flood(tenant: Tenant, events: int) -> None:
    publish(tenant.id, [Draft(type="order.created", data=b"1") for _ in range(events)])


def unrouted(tenant: Tenant) -> int:
    return Event.objects.filter(tenant=tenant, fanned_out_at=None).count()


def test_a_flood_of_one_tenant_does_not_hold_up_the_event_of_another(settings: Settings) -> None:
    settings.WEBHOOKS_FAN_OUT_BATCH = 10
    loud, quiet = make_tenant(), make_tenant()
    flood(loud, 100)
    flood(quiet, 1)

    assert fan_out().more
    assert unrouted(quiet) == 1
    fan_out(fair=True)

    assert unrouted(quiet) == 0
    assert unrouted(loud) == 85


def test_a_fair_batch_looks_at_a_tenant_once_however_many_events_it_has() -> None:
    loud, quiet = make_tenant(), make_tenant()
    flood(loud, 1000)
    flood(quiet, 1)

    with statements() as seen:
        fan_out(fair=True)

    assert len(seen) <= 7


def test_more_deliveries_than_a_transaction_should_hold_are_left_for_the_next(
    tenant: Tenant, settings: Settings
) -> None:
    settings.WEBHOOKS_FAN_OUT_ROWS = 10
    for _ in range(4):
        make_endpoint(tenant)
    events = [make_event(tenant) for _ in range(5)]

    batch = fan_out()

    assert (batch.events, batch.deliveries, batch.more) == (2, 8, True)
    assert set(Delivery.objects.values_list("event_id", flat=True)) == {event.id for event in events[:2]}
    assert unrouted(tenant) == 3
    while fan_out().more:
        pass
    assert Delivery.objects.count() == 20


def test_one_event_for_more_endpoints_than_that_is_routed_all_the_same(tenant: Tenant, settings: Settings) -> None:
    settings.WEBHOOKS_FAN_OUT_ROWS = 2
    for _ in range(3):
        make_endpoint(tenant)
    make_event(tenant)

    assert fan_out().deliveries == 3


def test_an_event_of_yesterday_is_taken_when_the_sweep_names_it(tenant: Tenant) -> None:
    make_ahead()
    key = ids.floor(datetime.now(UTC) - timedelta(days=1))
    event = make_event(tenant)
    Event.objects.filter(id=event.id).update(id=key)

    assert fan_out().events == 0
    assert fan_out(key).events == 1
