"""Calling functions of others for no longer than agreed, in worker threads, which have no time limit of their own.

The call runs in a thread beside the caller's, so that the caller goes on when the time is up whatever the call does.
What is still running then is interrupted: Python raises an exception in it as soon as it executes Python code again. A
call that waits inside C code (a socket without timeout, a lock) goes on until that returns. Nothing can end it but the
end of the process, so its thread is counted: see :func:`abandoned`.

Invariant: an interruption strikes only inside :meth:`Call.interruptible`, so never the code around it that takes a
database connection, commits or gives it back.
"""

from __future__ import annotations

import contextvars
import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from django.db import connections

T = TypeVar("T")

_GRACE = 0.5  # seconds that an interrupted call has to clean up before it counts as abandoned
_set_async_exception = ctypes.pythonapi.PyThreadState_SetAsyncExc

_abandoned: set[threading.Thread] = set()
_lock = threading.Lock()


class TookTooLong(Exception):
    """The call has not returned in time."""


class Interrupted(BaseException):
    """Raised inside a call whose time is up. No ``Exception``, so that handlers for all errors let it pass."""


def abandoned() -> int:
    """How many calls of this process go on although their time is up."""
    with _lock:
        _abandoned.difference_update([thread for thread in _abandoned if not thread.is_alive()])
        return len(_abandoned)


class Call(Generic[T]):
    """One call. The function gets the call, for :meth:`interruptible`; it runs in the caller's context variables."""

    def __init__(self, function: Callable[[Call[T]], T]) -> None:
        self._function = function
        self._inside = False
        self._over = False  # time is up
        self._guard = threading.Lock()
        self._value: T | None = None
        self._error: BaseException | None = None
        self._done = threading.Event()

    def run(self, seconds: float) -> T:
        """The function's result, or what it raised. Raises :class:`TookTooLong` after ``seconds``."""
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(self._body,), name="processor", daemon=True)
        thread.start()
        if not self._ends_within(seconds):
            self._interrupt(thread)
            if not self._ends_within(_GRACE):
                with _lock:
                    _abandoned.add(thread)
                raise TookTooLong
        if isinstance(self._error, Interrupted):
            raise TookTooLong from self._error
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # without an error there is one

    def _ends_within(self, seconds: float) -> bool:
        return self._done.wait(seconds)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Only what is done in the block can be interrupted; it is not begun when time is up already."""
        with self._guard:
            if self._over:
                raise Interrupted
            self._inside = True
        try:
            yield
        finally:
            self._leave()

    def _leave(self) -> None:
        """From here on nothing strikes any more, not even what was on its way."""
        try:
            self._close_gate()
        except Interrupted:
            self._close_gate()  # there is one interruption at most, and this was it
            raise

    def _close_gate(self) -> None:
        with self._guard:
            self._inside = False
            _set_async_exception(ctypes.c_ulong(threading.get_ident()), None)

    def _interrupt(self, thread: threading.Thread) -> None:
        with self._guard:
            self._over = True
            if self._inside:
                _set_async_exception(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(Interrupted))

    def _body(self) -> None:
        try:
            self._value = self._function(self)
        except BaseException as error:
            self._error = error
        finally:
            connections.close_all()
            self._done.set()


def call(function: Callable[[Call[Any]], Any], seconds: float) -> Any:
    """``function(call)`` in a thread of its own, see :class:`Call`."""
    return Call(function).run(seconds)
