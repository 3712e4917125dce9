"""Waiting for a delivery to finish, without a database connection in hand while nothing happens."""

from __future__ import annotations

import time
from uuid import UUID

from django.db import connection

from webhooks.guards import finished
from webhooks.models import Delivery

_FIRST_LOOK = 0.1  # seconds without word after which the row is looked at; the pause doubles up to _LAST_LOOK
_LAST_LOOK = 2.0


def finished_delivery(delivery_id: UUID, seconds: float) -> Delivery | None:
    """The delivery as soon as it has succeeded or was given up; None when that does not happen within ``seconds``.

    Whoever records it sends word (:mod:`webhooks.guards.finished`). Word can be lost and Redis be away, so the row is
    looked at as well: after 0.1, 0.3, 0.7, 1.5, 3.1 and then every 2 seconds. Attack: many who wait for a receiver that
    does not answer; each holds a thread and a connection to Redis, and none of them one to the database.
    """
    give_up = time.monotonic() + seconds
    pause = _FIRST_LOOK
    while (left := give_up - time.monotonic()) > 0:
        _give_back()
        finished.hear(delivery_id, min(pause, left))
        pause = min(pause * 2, _LAST_LOOK)
        delivery = Delivery.objects.filter(pk=delivery_id, finished_at__isnull=False).first()
        if delivery is not None:
            return delivery
    return None


def _give_back() -> None:
    """The connection back to the pool."""
    if not connection.in_atomic_block:
        connection.close()
