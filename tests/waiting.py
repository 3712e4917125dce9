"""Waiting for what cannot be awaited: rows that another process changes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PAUSE = 0.02  # seconds between looks; a row says nothing when it changes


def eventually(look: Callable[[], T], timeout: float = 90.0) -> T:
    """The first true value of ``look()``. AssertionError with the last one after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not (value := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"still {value!r} after {timeout} s")
        time.sleep(PAUSE)
    return value
