"""Workers sweep themselves when nobody else does: beat is dead or hangs, or its messages get lost on their way.

A thread of each worker, apart from its heartbeat, which must not wait for a broker. Wired by Celery's signals.
"""

from __future__ import annotations

import os
import threading
from typing import Any

import structlog
from celery import signals
from django.db import connection

from webhooks.conf import conf
from webhooks.services import heartbeats
from webhooks.tasks import sweep

log = structlog.get_logger(__name__)

_LOOK = 5.0  # seconds between two looks at when the last sweep was
_EVERY = 1.0  # seconds between two sweeps of its own, as beat's


class StandIn(threading.Thread):
    """Looks whether sweeps run, and does them while they do not, until :meth:`stop`."""

    def __init__(self, name: str) -> None:
        super().__init__(name="clarion-stand-in", daemon=True)
        self._who = name
        self._ending = threading.Event()
        self._sweeping = self._failing = False

    def run(self) -> None:
        pause = conf.SWEEP_SILENCE  # beat may be about to begin, too
        while not self._ending.wait(pause):
            pause = _EVERY if self._turn() else min(_LOOK, conf.SWEEP_SILENCE)

    def stop(self) -> None:
        """End after the present sweep; nobody waits for it, because a worker that ends must end."""
        self._ending.set()

    def _turn(self) -> bool:
        """Sweep if it is this process's turn; whether it was."""
        try:
            taken = heartbeats.take_turn(os.getpid())
            if taken is not None:
                self._say_once()
                try:
                    sweep()
                finally:
                    heartbeats.end_turn(taken)
            self._sweeping, self._failing = taken is not None, False
            return taken is not None
        except Exception as error:  # whatever it is must not end the thread: it is the last one that sweeps
            if not self._failing:  # one line for an outage, however long
                log.warning("sweep_failed", process=self._who, error=type(error).__name__)
            self._failing = True
            return False
        finally:
            connection.close()  # back to the pool

    def _say_once(self) -> None:
        if not self._sweeping:
            log.warning("sweep_stand_in", process=self._who, reason="no sweep ran", advice="look at beat")


_stand_in: StandIn | None = None


@signals.worker_ready.connect(dispatch_uid="webhooks.stand_in")
def _on_worker_ready(sender: Any = None, **_: Any) -> None:
    global _stand_in
    if _stand_in is None:
        _stand_in = StandIn(sender.hostname)
        _stand_in.start()


@signals.worker_shutdown.connect(dispatch_uid="webhooks.stand_in")
def _on_worker_shutdown(**_: Any) -> None:
    global _stand_in
    if _stand_in is not None:
        _stand_in.stop()
        _stand_in = None
