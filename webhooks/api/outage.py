"""While the database is away, requests are answered 503 at once instead of each waiting for it.

A request that finds no connection waits three seconds (the pool's timeout) with a thread of the server. With
eight threads that is fewer than three answers a second, and everybody else waits in the queue before them for
minutes. So after one has failed, the others are refused at once, and once a second one goes through to look.

Invariant: no thread waits for the database while another one already does. Each process finds out by itself.
"""

from __future__ import annotations

import threading
import time

from django.http import HttpRequest

from webhooks.services.outage import forget_connections, is_outage

PAUSE = 1.0  # seconds between two looks: also the time until a database that is back is used again
_LOOK = 15.0  # seconds after which a look that has not come back is given up and another may begin

_resting_until = 0.0  # monotonic seconds; 0: the database was there when last asked
_lock = threading.Lock()
_MARK = "_clarion_database_away"


def admits() -> bool:
    """Whether a request may try. During an outage True for one at a time."""
    global _resting_until
    if not _resting_until:
        return True
    with _lock:
        now = time.monotonic()
        if not _resting_until or now < _resting_until:
            return not _resting_until
        _resting_until = now + _LOOK
        return True


def noticed(request: HttpRequest, error: Exception) -> None:
    """An error that a request ended with; what tells of an outage closes the way for others."""
    global _resting_until
    if is_outage(error):
        setattr(request, _MARK, True)
        forget_connections()
        with _lock:
            _resting_until = time.monotonic() + PAUSE


def passed(request: HttpRequest) -> None:
    """A request has been answered; unless it found an outage, the way is open."""
    global _resting_until
    if _resting_until and not hasattr(request, _MARK):
        with _lock:
            _resting_until = 0.0
