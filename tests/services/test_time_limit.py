"""Calls that do not end in time: the caller goes on, Python code is interrupted, the rest is counted."""

from __future__ import annotations

import threading
from contextvars import ContextVar
from typing import Any

import pytest
import structlog
from django.db import connection, connections

from tests.services.overtime import LONG, Overtime
from tests.waiting import eventually
from webhooks.services import time_limit
from webhooks.services.time_limit import Interrupted, TookTooLong, abandoned, call

_said: ContextVar[str] = ContextVar("said", default="")


def test_it_returns_what_the_function_returns_in_the_callers_context() -> None:
    _said.set("hello")
    with structlog.contextvars.bound_contextvars(run="r"):
        seen = call(lambda _: (_said.get(), structlog.contextvars.get_contextvars()), LONG)
    assert seen == ("hello", {"run": "r"})


@pytest.mark.parametrize("kind", [ValueError, SystemExit, KeyboardInterrupt])
def test_it_raises_what_the_function_raises(kind: type[BaseException]) -> None:
    def fail(_: Any) -> None:
        raise kind("no")

    with pytest.raises(kind, match="no"):
        call(fail, LONG)


def test_a_loop_without_end_is_interrupted(overtime: Overtime) -> None:
    ended: list[BaseException] = []

    def spin(this: time_limit.Call[None]) -> None:
        with this.interruptible():
            try:
                overtime.strike()
                while True:
                    pass
            except BaseException as error:
                ended.append(error)
                raise

    with pytest.raises(TookTooLong):
        call(spin, LONG)
    assert [type(error) for error in ended] == [Interrupted]
    assert abandoned() == 0


def test_handlers_for_all_errors_do_not_swallow_the_interruption(overtime: Overtime) -> None:
    def stubborn(this: time_limit.Call[None]) -> None:
        with this.interruptible():
            overtime.strike()
            while True:
                try:
                    while True:
                        pass
                except Exception:  # noqa: S110 - as in code that wants to go on whatever happens
                    pass

    with pytest.raises(TookTooLong):
        call(stubborn, LONG)
    assert abandoned() == 0


def test_what_python_cannot_interrupt_is_abandoned_and_counted_until_it_ends(overtime: Overtime) -> None:
    release, overtime.grace = threading.Event(), 0.05
    threads: list[threading.Thread] = []

    def wait(this: time_limit.Call[None]) -> None:
        threads.append(threading.current_thread())
        with this.interruptible():
            overtime.strike()
            release.wait()  # a lock: C code

    before = abandoned()
    with pytest.raises(TookTooLong):
        call(wait, LONG)
    assert abandoned() == before + 1
    release.set()
    threads[0].join(LONG)
    assert abandoned() == before


def test_nothing_strikes_outside_the_interruptible_part(overtime: Overtime) -> None:
    release, overtime.grace = threading.Event(), 0.05
    steps: list[str] = []

    def commit(this: time_limit.Call[None]) -> None:
        with this.interruptible():
            steps.append("work")
        overtime.strike()
        release.wait(LONG)
        steps.append("commit")

    with pytest.raises(TookTooLong):
        call(commit, LONG)
    release.set()
    eventually(lambda: not abandoned())
    assert steps == ["work", "commit"]


def test_work_is_not_begun_when_time_is_up(overtime: Overtime) -> None:
    release, overtime.grace = threading.Event(), 0.05
    begun: list[str] = []

    def late(this: time_limit.Call[None]) -> None:
        release.wait(LONG)
        with this.interruptible():
            begun.append("work")

    overtime.strike()
    with pytest.raises(TookTooLong):
        call(late, LONG)
    release.set()
    eventually(lambda: not abandoned())
    assert begun == []


@pytest.mark.django_db(transaction=True)
def test_the_calls_connection_is_given_back() -> None:
    backends: list[Any] = []

    def ask(_: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        backends.append(connections[connection.alias])  # the thread's own, not whoever asks

    call(ask, LONG)
    eventually(lambda: backends[0].connection is None)
