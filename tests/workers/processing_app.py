"""The project's Celery application with processors, as a host project would have them in a ``processors.py``."""

from __future__ import annotations

import threading

import webhooks
from project.celery import app
from webhooks.core.processors import Message

__all__ = ["app"]
SOON = {"schedule": [0], "jitter": 0}


@webhooks.processor("tests.hang", name="tests.hang", time_limit=2, backoff=SOON)
def hang(message: Message) -> str:
    """Does its work, and on its first try never comes to the end of it."""
    webhooks.emit("tests.worked", {"attempt": message.attempt}, tenant=message.tenant_id)
    if message.attempt == 1:
        threading.Event().wait()
    return f"attempt {message.attempt}"


@webhooks.processor("tests.count", name="tests.count", backoff=SOON)
def count(message: Message) -> int:
    """Fails once."""
    return 10 // (message.attempt - 1)
