"""Which doorbell to ring for an endpoint: services return these, tasks and entry points ring them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from webhooks.conf import conf
from webhooks.models import Mailbox


class Bell(NamedTuple):
    """An endpoint with something due. ``slow``: it is served from the slow lane."""

    endpoint_id: UUID
    tenant_id: UUID
    slow: bool = False


def is_slow(latency_ms: float, consecutive_failures: int) -> bool:
    """An endpoint that takes long or whose last try failed must not hold the workers of the others."""
    return consecutive_failures > 0 or latency_ms > conf.SLOW_LATENCY * 1000


def bells_for(endpoint_ids: Iterable[UUID]) -> list[Bell]:
    """The bells of endpoints known only by id."""
    rows = Mailbox.objects.filter(endpoint_id__in=list(endpoint_ids)).values_list(
        "endpoint_id", "tenant_id", "latency_ms", "consecutive_failures"
    )
    return [Bell(endpoint, tenant, is_slow(latency, failures)) for endpoint, tenant, latency, failures in rows]
