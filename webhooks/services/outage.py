"""Is the database away, or did it refuse what it was asked? The first passes by itself, the second is a fault."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import structlog
from django.db import InterfaceError, InternalError, OperationalError, connection
from psycopg import errors
from psycopg_pool import PoolTimeout

# PostgreSQL Appendix A: 08 connection exceptions, 57P shutdown, crash, start-up; 53300 too many connections;
# 25006 a primary that has become a standby (a fail-over is under way).
_CLASSES = ("08", "57P", "53300", "25006")
_PAUSES = (0.1, 0.2, 0.5, 1, 2, 2, 2, 2)  # seconds; a restart of PostgreSQL takes a few

T = TypeVar("T")

log = structlog.get_logger(__name__)


def persistently(write: Callable[[], T], until: float) -> T:
    """``write()``, again while the database is away and it is not ``until`` (time.monotonic()) yet.

    For what has been done already: without a record it would be done again.
    """
    for pause in _PAUSES:
        try:
            return write()
        except (OperationalError, InterfaceError) as error:
            if time.monotonic() + pause > until:
                raise
            log.warning("record_delayed", error=type(error).__name__, effect="tried again while the lease lasts")
            connection.close()
            time.sleep(pause)
    return write()


def forget_connections() -> None:
    """Let the pool connect anew.

    A restart of PostgreSQL leaves dead connections in it. Whoever wants one meets three of them in the time it may
    wait, so the dead of a large pool would make requests fail long after the database is back.
    """
    pool = connection.pool  # type: ignore[attr-defined]
    if pool is not None:
        pool.drain()


def is_outage(error: BaseException | None) -> bool:
    """Whether a repeat may succeed as soon as the database is back: nothing is wrong with what was asked."""
    if isinstance(error, InterfaceError):  # "the connection is closed"
        return True
    if not isinstance(error, OperationalError | InternalError):
        return False
    cause = error.__cause__
    if isinstance(cause, PoolTimeout):
        return True
    if isinstance(cause, errors.Error):
        state = cause.sqlstate or ""
        # Without a state the server never answered: refused, reset, timed out.
        return isinstance(error, OperationalError) if not state else state.startswith(_CLASSES)
    return isinstance(error, OperationalError) and cause is None
