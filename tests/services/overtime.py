"""The time limit of a call, struck by an event: what a clock would do depends on how busy the machine is."""

from __future__ import annotations

import threading

import pytest

from tests.waiting import eventually
from webhooks.services.time_limit import Call

LONG = 30.0  # seconds


class Overtime:
    """Until :meth:`strike` no call of this process is over its time; then one is."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.grace = LONG  # seconds that a call has to end once its time is up
        self._struck = threading.Event()
        monkeypatch.setattr(Call, "_ends_within", lambda call, seconds: self._ends(call))

    def strike(self) -> None:
        """Time is up. To be called by the function that is called, or about it."""
        self._struck.set()

    def _ends(self, call: Call[object]) -> bool:
        if call._over:
            return call._done.wait(self.grace)
        eventually(lambda: call._done.is_set() or self._struck.is_set(), LONG)
        self._struck.clear()
        return call._done.is_set()
