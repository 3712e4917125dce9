"""Keep a worker alive when its Redis broker dies under an un-acknowledged message.

Celery 5.7.0 closes the broken connection twice. The second close asks a channel for connection parameters
although its connection no longer has a client; the AttributeError is not a connection error to anybody,
so the worker exits. This makes such a channel answer with the parameters it last had, or with a connection
error that Celery knows. ``tests/workers`` kills a broker under load: delete this module when that test
passes without it.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

_AFFECTED = "5.7."


def install() -> bool:
    """Patch kombu's Redis channel once; False when this kombu or transport does not need it."""
    if not version("kombu").startswith(_AFFECTED):
        return False
    try:
        from kombu.transport import redis as transport
    except ImportError:  # another broker, without redis-py
        return False
    channel: Any = transport.Channel
    if getattr(channel, "_clarion_guard", False):
        return True
    original = channel._connparams

    def _connparams(self: Any, asynchronous: bool = False) -> dict[str, Any]:
        remembered = self.__dict__.setdefault("_clarion_connparams", {})
        if self.connection is None or self.connection.client is None:
            if asynchronous not in remembered:
                raise transport.get_redis_ConnectionError()("the connection of this channel is closed")
            return dict(remembered[asynchronous])
        params: dict[str, Any] = original(self, asynchronous)
        remembered[asynchronous] = dict(params)
        return params

    channel._connparams = _connparams
    channel._clarion_guard = True
    return True
