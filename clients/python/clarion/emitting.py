"""``clarion.emit``: one line for a program that only publishes."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from clarion._generated.models import Published
from clarion._sync.client import Client

_lock = threading.Lock()
_shared: Client | None = None


def emit(
    type: str,
    data: Any,
    *,
    id: str | None = None,
    version: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    channels: Sequence[str] | None = None,
) -> Published:
    """Publish an event to the Clarion at CLARION_URL with CLARION_API_KEY; see ``Client.events.publish``.

    All threads of the process share one client, which is made by the first call.
    """
    return _client().events.publish(type, data, id=id, version=version, metadata=metadata, channels=channels)


def _client() -> Client:
    global _shared
    with _lock:
        if _shared is None:
            _shared = Client()
        return _shared


def _forget() -> None:
    """Two processes on one connection would read each other's answers; the lock may be held by no thread of ours."""
    global _lock, _shared
    _lock, _shared = threading.Lock(), None


os.register_at_fork(after_in_child=_forget)
