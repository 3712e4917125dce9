"""Is the database away, or did it refuse what it was asked? The first passes by itself, the second is a fault."""

from __future__ import annotations

from django.db import InterfaceError, InternalError, OperationalError
from psycopg import errors
from psycopg_pool import PoolTimeout

# PostgreSQL Appendix A: 08 connection exceptions, 57P shutdown, crash, start-up; 53300 too many connections;
# 25006 a primary that has become a standby (a fail-over is under way).
_CLASSES = ("08", "57P", "53300", "25006")


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
