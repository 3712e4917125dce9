"""Task events, which Flower shows, a few times a second instead of after every turn of the worker's loop.

Celery publishes what has gathered whenever its event loop comes round: with doorbells, that is one publish for each
of them, a quarter of the time that a delivery worker spent in Python, before the delivery that it tells of.
"""

from __future__ import annotations

from typing import Any

from celery import bootsteps
from celery.worker.consumer.events import Events

INTERVAL = 0.25  # seconds; what Flower shows is that old, and at a hard kill that much of it is missing
_RUNNING = 0x1  # celery.bootsteps.RUN, which its type hints leave out
BUFFER = 500  # events that are published at once when there are more of them than the interval brings


class GatheredEvents(bootsteps.StartStopStep):
    """A step of a worker's consumer: publishes the gathered task events every :data:`INTERVAL` seconds."""

    requires = (Events,)
    _timer: Any = None

    def start(self, c: Any) -> None:
        """Take over from the loop. Without one (gevent, a transport that cannot wait in it) nothing is gathered."""
        if not c.hub or c.event_dispatcher is None:
            return
        c.event_dispatcher.on_send_buffered = None
        c.event_dispatcher.buffer_limit = BUFFER
        self._timer = c.timer.call_repeatedly(INTERVAL, c._flush_events)

    def stop(self, c: Any) -> None:
        """Tell how the last tasks of a worker that ends went; nothing is sent over a connection that is broken."""
        if self._timer is None:
            return
        self._timer.cancel()
        self._timer = None
        if c.blueprint.state != _RUNNING:
            c._flush_events()
