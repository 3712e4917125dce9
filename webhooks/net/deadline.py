"""A point in time that bounds everything a request does, on the monotonic clock."""

from __future__ import annotations

import socket
from time import monotonic

# A socket's timeout may overrun the deadline by this much before it is set again: every settimeout is a
# system call, and most requests need none because the socket's last value still fits.
TOLERANCE = 0.05  # seconds


class Deadline:
    """``Deadline(15)`` passes in 15 seconds."""

    __slots__ = ("_at",)

    def __init__(self, seconds: float) -> None:
        self._at = monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left; zero or less when the deadline has passed."""
        return self._at - monotonic()

    def within(self, seconds: float) -> Deadline:
        """The earlier of this deadline and ``seconds`` from now."""
        return Deadline(min(seconds, self.remaining()))

    def arm(self, sock: socket.socket) -> None:
        """Let the next operation on ``sock`` end at the deadline; TimeoutError when it has passed.

        Attack: a socket's timeout bounds one receive, so a peer that sends a byte every few seconds is never
        timed out. Called before *every* operation, this bounds all of them together. (CPython itself keeps
        one deadline over a TLS handshake and over the records of one TLS read.)
        """
        remaining = self.remaining()
        if remaining <= 0:
            raise TimeoutError("deadline passed")
        current = sock.gettimeout()
        if current is None or not remaining <= current <= remaining + TOLERANCE:
            sock.settimeout(remaining)
