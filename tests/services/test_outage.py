"""A database that is away is told from one that refused what it was asked."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.db import (
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    connection,
    transaction,
)
from psycopg import errors
from psycopg_pool import ConnectionPool, PoolTimeout

from webhooks.api import problems
from webhooks.services import outage
from webhooks.services.outage import is_outage


def raised(kind: type[Exception], cause: Exception | None) -> Exception:
    error = kind("it failed")
    error.__cause__ = cause
    return error


AWAY = [
    raised(OperationalError, errors.OperationalError("connection refused")),
    raised(OperationalError, errors.AdminShutdown("terminating connection due to administrator command")),
    raised(OperationalError, errors.CannotConnectNow("the database system is starting up")),
    raised(OperationalError, errors.TooManyConnections("sorry, too many clients already")),
    raised(OperationalError, PoolTimeout("couldn't get a connection after 3.00 sec")),
    raised(InterfaceError, errors.InterfaceError("the connection is closed")),
    raised(InternalError, errors.ReadOnlySqlTransaction("cannot execute INSERT in a read-only transaction")),
]
REFUSED = [
    raised(OperationalError, errors.QueryCanceled("canceling statement due to statement timeout")),
    raised(OperationalError, errors.DeadlockDetected("deadlock detected")),
    raised(OperationalError, errors.DiskFull("could not extend file")),
    raised(InternalError, errors.InFailedSqlTransaction("current transaction is aborted")),
    raised(DataError, errors.InvalidTextRepresentation("invalid input syntax")),
    raised(IntegrityError, errors.UniqueViolation("duplicate key")),
    ValueError("nothing to do with a database"),
]


@pytest.mark.parametrize("error", AWAY, ids=lambda error: type(error.__cause__).__name__)
def test_it_is_away(error: Exception) -> None:
    assert is_outage(error)
    described = problems.describe(error)
    assert described is not None
    assert described.status == 503
    assert "Retry-After" in described.headers


@pytest.mark.parametrize("error", REFUSED, ids=lambda error: type(error.__cause__).__name__)
def test_it_is_there_and_refused(error: Exception) -> None:
    assert not is_outage(error)


def test_no_error_is_no_outage() -> None:
    assert not is_outage(None)


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_postgresql_ended_is_an_outage() -> None:
    with pytest.raises(OperationalError) as caught, connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    connection.close()
    assert is_outage(caught.value)


@pytest.mark.django_db(transaction=True)
def test_a_statement_that_took_too_long_is_none() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        # Of this transaction only: the connection goes back to the pool.
        cursor.execute("SELECT set_config('statement_timeout', '10', true)")
        with pytest.raises(OperationalError) as caught:
            cursor.execute("SELECT pg_sleep(5)")
        transaction.set_rollback(True)
    assert not is_outage(caught.value)


@pytest.mark.django_db
def test_connections_that_died_with_the_database_are_not_tried_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = connection.settings_dict
    address = {"host": settings["HOST"], "port": settings["PORT"], "user": settings["USER"], "dbname": settings["NAME"]}
    kwargs = {**address, "password": settings["PASSWORD"], "application_name": "dies", "autocommit": True}
    check = ConnectionPool.check_connection
    with ConnectionPool(kwargs=kwargs, min_size=6, check=check, timeout=30, open=True) as pool:
        pool.wait(30)
        monkeypatch.setattr(outage, "connection", SimpleNamespace(pool=pool))
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dies'")
            assert len(cursor.fetchall()) >= 6

        outage.forget_connections()

        with pool.connection() as alive:
            alive.execute("SELECT 1")
        assert pool.get_stats().get("connections_lost", 0) == 0
