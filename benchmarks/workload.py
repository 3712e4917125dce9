"""What is published, and to whom: the same event and the same endpoints in every scenario and for every peer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from uuid import UUID

from benchmarks.machine import Machine

EVENT_TYPE = "order.created"
ORDER = (
    b'{"order_id":"ord_98765","customer_id":"cus_1234","amount":125.50,"currency":"USD","items":['
    b'{"product_id":"prod_123","quantity":2,"price":50.00},{"product_id":"prod_456","quantity":1,"price":25.50}]}'
)
TENANTS = 4
_BATCH = 500  # events of one insert; the API's own batches hold up to 1000


class WrongDeliveries(Exception):
    """What arrived is not what was published: the speed means nothing."""


def make_tenants(count: int = TENANTS, name: str = "Bench") -> list[UUID]:
    """``count`` new tenants."""
    from webhooks.services import tenants

    return [tenants.create_tenant(f"{name} {n}") for n in range(count)]


def make_endpoints(machine: Machine, count: int) -> list[UUID]:
    """``count`` endpoints ``<receiver>/<n>`` of TENANTS new tenants in turn, for ``order.*``; the tenants' ids."""
    from webhooks.services import endpoints

    owners = make_tenants()
    for n in range(count):
        url = f"{machine.receiver}/{n}"
        endpoints.create(owners[n % TENANTS], {"url": url, "event_types": ["order.*"]})
    return owners


def retire_endpoints(owners: Sequence[UUID]) -> None:
    """Delete the endpoints of these tenants, so that a later scenario does not find them."""
    from webhooks.models import Endpoint
    from webhooks.services import endpoints

    for endpoint_id in Endpoint.objects.filter(tenant_id__in=owners, deleted_at=None).values_list("id", flat=True):
        endpoints.delete(endpoint_id)


def publish(owners: Sequence[UUID], count: int, data: bytes = ORDER) -> list[str]:
    """``count`` events for each owner, committed; no bell is rung. The ids that ``webhook-id`` will carry."""
    from webhooks.services import ingest

    draft = ingest.Draft(type=EVENT_TYPE, data=data)
    published: list[str] = []
    for owner in owners:
        for first in range(0, count, _BATCH):
            made = ingest.publish(owner, [draft] * min(_BATCH, count - first))
            published += [event.public_id for event in made]
    return published


def ring() -> None:
    """One fan-out bell, as the API rings after a commit."""
    from webhooks import doorbells

    doorbells.ring_fan_out()


def check_arrivals(wanted: set[tuple[str, str]], arrivals: Iterable[str]) -> int:
    """How many of ``wanted`` (webhook-id, path) came more than once; ``arrivals``: lines of the receiver.

    WrongDeliveries if one of them is missing or another came.
    """
    counted = Counter((line.split()[0], line.split()[1]) for line in arrivals)
    missing, strange = wanted - counted.keys(), counted.keys() - wanted
    if missing or strange:
        example = min(missing or strange)
        raise WrongDeliveries(f"{len(missing)} deliveries missing, {len(strange)} unexpected, for example {example}")
    return counted.total() - len(counted)
