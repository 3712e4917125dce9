"""Workers and beat say each ten seconds that they live, by a thread of their own; a sweep says so when it ends.

The thread waits on nothing but its own time: the event loop of a worker is not held up by a slow database, and
a worker that is busy is not taken for dead. Wired by Celery's signals.
"""

from __future__ import annotations

import atexit
import os
import socket
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import structlog
from celery import signals
from django.db import Error as AnyDatabaseError
from django.db import connection

from webhooks.models import Heartbeat
from webhooks.models.heartbeats import INTERVAL
from webhooks.services import heartbeats

log = structlog.get_logger(__name__)

_SWEEP_TASK = "webhooks.sweep"


class Pulse(threading.Thread):
    """Tells the database that this process lives until :meth:`stop`."""

    def __init__(self, name: str, kind: Heartbeat.Kind, queues: Sequence[str] = ()) -> None:
        super().__init__(name="clarion-heartbeat", daemon=True)
        self._who = name
        self._kind = kind
        self._queues = sorted(queues)
        self._started_at = datetime.now(UTC)
        self._ending = threading.Event()
        self._silent = False

    def run(self) -> None:
        self._try(heartbeats.forget)
        while not self._ending.is_set():
            self._try(self._tell)
            self._ending.wait(INTERVAL)
        self._try(self._end)

    def stop(self) -> None:
        """End, and delete the row. Waits for it no longer than for two refused connections."""
        self._ending.set()
        self.join(INTERVAL)

    def _tell(self) -> None:
        heartbeats.tell(self._who, self._kind, os.getpid(), self._started_at, self._queues)

    def _end(self) -> None:
        heartbeats.end(self._who, os.getpid())

    def _try(self, call: Any) -> None:
        try:
            call()
            self._silent = False
        except AnyDatabaseError as error:
            if not self._silent:  # one line for an outage, however long
                log.warning("heartbeat_lost", process=self._who, error=type(error).__name__)
            self._silent = True
        finally:
            connection.close()  # back to the pool


_pulse: Pulse | None = None


def _begin(name: str, kind: Heartbeat.Kind, queues: Sequence[str] = ()) -> None:
    global _pulse
    if _pulse is None:  # a worker is ready again after each loss of its broker
        _pulse = Pulse(name, kind, queues)
        _pulse.start()


@signals.worker_ready.connect(dispatch_uid="webhooks.heartbeats")
def _on_worker_ready(sender: Any = None, **_: Any) -> None:
    _begin(sender.hostname, Heartbeat.Kind.WORKER, list(sender.app.amqp.queues.consume_from))


@signals.beat_init.connect(dispatch_uid="webhooks.heartbeats")
def _on_beat_init(**_: Any) -> None:
    _begin(f"beat@{socket.gethostname()}", Heartbeat.Kind.BEAT)
    atexit.register(_on_end)  # beat has no signal for its end


@signals.worker_shutdown.connect(dispatch_uid="webhooks.heartbeats")
def _on_end(**_: Any) -> None:
    global _pulse
    if _pulse is not None:
        _pulse.stop()
        _pulse = None


@signals.task_success.connect(dispatch_uid="webhooks.heartbeats")
def _on_success(sender: Any = None, **_: Any) -> None:
    if sender.name == _SWEEP_TASK:
        try:
            heartbeats.tell_sweep(os.getpid())
        except AnyDatabaseError as error:
            log.warning("heartbeat_lost", process=heartbeats.SWEEP, error=type(error).__name__)
