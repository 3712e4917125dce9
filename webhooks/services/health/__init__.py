"""The checks of ``manage.py doctor``: what runs, what waits, what is about to break, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from django.db import Error, connection, transaction

from webhooks.errors import ClarionError
from webhooks.services.backlog import Backlog, total
from webhooks.services.health import backlog, broker, configuration, database, processes
from webhooks.services.health.finding import Finding, Status, failed, skipped
from webhooks.services.health.processes import Process
from webhooks.services.outage import is_outage

__all__ = ["Finding", "Status", "examine"]

_TIMEOUT = 10_000  # milliseconds for one statement: a check must not hang with what it checks
Checks = dict[str, Callable[[], Finding]]

_DATABASE: Checks = {
    "migrations": database.migrated,
    "connections": database.connections,
    "transactions": database.transactions,
    "clock": database.clock,
    "encryption keys": database.encryption,
    "partitions": database.partitions_ahead,
    "default partitions": database.default_partitions,
}


def examine(queues: Sequence[str]) -> Iterator[Finding]:
    """Everything, in the order in which one thing explains the next. ``queues``: those that need a worker."""
    findings = [_answers()]
    yield findings[0]
    away = findings[0].status is Status.FAILED
    for name, check in _DATABASE.items():
        findings.append(_AWAY(name) if away else _tried(name, check, findings))
        yield findings[-1]
    seen = broker.broker(queues)
    yield seen.finding
    yield broker.guards(seen.server)
    for name, check in _deliveries(queues, seen).items():
        yield _AWAY(name) if away else _tried(name, check, findings)
    yield from configuration.settings()


_AWAY = partial(skipped, because="the database does not answer")


def _answers() -> Finding:
    try:
        return database.answers()
    except Error as error:
        why = database.refusal() if is_outage(error) else _first(error)
        advice = "Nothing is accepted or delivered meanwhile. Start PostgreSQL, or correct DATABASE_URL."
        return failed("database", f"{database.where()} does not answer ({why})", advice)


def _deliveries(queues: Sequence[str], seen: broker.Seen) -> Checks:
    """The checks of what runs and what waits; several look at the same rows, which are read once."""
    read: list[Process] = []
    counted: list[Backlog] = []

    def known() -> list[Process]:
        read[:] = read or processes.known()
        return read

    def now() -> Backlog:
        counted[:] = counted or [total()]
        return counted[0]

    return {
        "workers": lambda: processes.workers(known(), seen),
        "queues": lambda: processes.queues(queues, known(), seen),
        "versions": lambda: processes.versions(known()),
        "beat": lambda: processes.beat(known()),
        "sweep": processes.sweep,
        "clocks of workers": lambda: processes.clocks(known()),
        "due deliveries": lambda: backlog.due(now()),
        "unrouted events": lambda: backlog.outbox(now()),
        "unprocessed messages": lambda: backlog.inbox(now()),
        "dead runs": lambda: backlog.dead_runs(now()),
        "expired leases": backlog.leases,
        "failed tasks": backlog.failures,
        "dead letters": lambda: backlog.dead_letters(now()),
        "destinations": configuration.aws,
    }


def _tried(name: str, check: Callable[[], Finding], before: Sequence[Finding]) -> Finding:
    """A check that breaks is a finding too: a doctor that falls over helps nobody."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(_TIMEOUT)])
            return check()
    except (Error, ClarionError) as error:
        if any(finding.check == "migrations" and finding.status is Status.FAILED for finding in before):
            return skipped(name, "the database is not migrated")
        return failed(name, f"cannot be looked at ({_first(error)})", "Try again, then look at PostgreSQL's log.")


def _first(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
