"""One Redis client for each channel of kombu.

kombu 5.7 makes a new client object for every publish, acknowledgement and look. Making one takes redis-py 8 about as
long as the command itself: a tenth of all the time that a delivery worker spent in Python. A client over a pool is
thread-safe, and kombu only ever uses it as one, so a channel can keep it as long as its pool is the same.
"""

from __future__ import annotations

from typing import Any


def install() -> bool:
    """Let kombu's Redis channels keep their client; False when there is no such transport, or nothing to be kept."""
    try:
        from kombu.transport import redis as transport
    except ImportError:  # another broker, without redis-py
        return False
    channel: Any = transport.Channel
    original = getattr(channel, "_create_client", None)
    if original is None or getattr(channel, "_clarion_client", False):
        return original is not None

    def _create_client(self: Any, asynchronous: bool = False) -> Any:
        if asynchronous:
            return original(self, asynchronous=True)
        pool, kept = self.pool, self.__dict__.get("_clarion_kept")
        if kept is None or kept[0] is not pool:
            kept = self.__dict__["_clarion_kept"] = (pool, original(self))
        return kept[1]

    channel._create_client = _create_client
    channel._clarion_client = True
    return True
