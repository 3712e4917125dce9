"""Calls that do not end in time: the caller goes on, Python code is interrupted, the rest is counted."""

from __future__ import annotations

import threading
from contextvars import ContextVar
from typing import Any

import pytest
import structlog
from django.db import connection, connections

from tests.waiting import eventually
from webhooks.services import time_limit
from webhooks.services.time_limit import Interrupted, TookTooLong, abandoned, call

LIMIT = 0.05
LONG = 30.0
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


def test_a_loop_without_end_is_interrupted() -> None:
    ended: list[BaseException] = []

    def spin(this: time_limit.Call[None]) -> None:
        with this.interruptible():
            try:
                while True:
                    pass
            except BaseException as error:
                ended.append(error)
                raise

    with pytest.raises(TookTooLong):
        call(spin, LIMIT)
    assert [type(error) for error in ended] == [Interrupted]
    assert abandoned() == 0


def test_handlers_for_all_errors_do_not_swallow_the_interruption() -> None:
    def stubborn(this: time_limit.Call[None]) -> None:
        with this.interruptible():
            while True:
                try:
                    while True:
                        pass
                except Exception:  # noqa: S110 - as in code that wants to go on whatever happens
                    pass

    with pytest.raises(TookTooLong):
        call(stubborn, LIMIT)


def test_what_python_cannot_interrupt_is_abandoned_and_counted_until_it_ends() -> None:
    release = threading.Event()
    threads: list[threading.Thread] = []

    def wait(this: time_limit.Call[None]) -> None:
        threads.append(threading.current_thread())
        with this.interruptible():
            release.wait()  # a lock: C code

    before = abandoned()
    with pytest.raises(TookTooLong):
        call(wait, LIMIT)
    assert abandoned() == before + 1
    release.set()
    threads[0].join(LONG)
    assert abandoned() == before


def test_nothing_strikes_outside_the_interruptible_part() -> None:
    over, release = threading.Event(), threading.Event()
    steps: list[str] = []

    def commit(this: time_limit.Call[None]) -> None:
        with this.interruptible():
            steps.append("work")
        over.set()
        release.wait(LONG)
        steps.append("commit")

    ended: list[BaseException] = []

    def caller() -> None:
        try:
            call(commit, LIMIT)
        except TookTooLong as error:
            ended.append(error)

    calling = threading.Thread(target=caller)
    calling.start()
    assert over.wait(LONG)
    calling.join(LONG)  # it has given up by now
    release.set()
    while abandoned():
        pass
    assert (steps, len(ended)) == (["work", "commit"], 1)


def test_work_is_not_begun_when_time_is_up() -> None:
    release = threading.Event()
    begun: list[str] = []

    def late(this: time_limit.Call[None]) -> None:
        release.wait(LONG)
        with this.interruptible():
            begun.append("work")

    with pytest.raises(TookTooLong):
        call(late, LIMIT)
    release.set()
    while abandoned():
        pass
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
