"""Processors of tests: what was called with which message, and what it should do then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models.functions import Now

from webhooks.core import processors
from webhooks.core.processors import Message
from webhooks.models import ProcessorRun, ReceivedMessage
from webhooks.services.processing import process
from webhooks.services.processor_runs import run, runs_of
from webhooks.services.sweep import sweep

SOON = {"schedule": [0, 0, 0], "jitter": 0}  # a backoff whose retries are due at once


class Calls(list[Message]):
    """The messages a processor was called with; ``then`` is what it does after it has noted one."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.then: Callable[[Message], Any] = lambda message: None

    def __call__(self, message: Message) -> Any:
        self.append(message)
        return self.then(message)


def register(name: str, pattern: str = "*", **options: Any) -> Calls:
    """A processor of this test; the fixture ``no_processors`` takes it away again."""
    calls = Calls(name)

    def function(message: Message) -> Any:
        return calls(message)

    function.__qualname__ = name
    processors.processor(pattern, name=name, **{"backoff": SOON, **options})(function)
    return calls


def words(*runs: UUID) -> list[str]:
    """Run each of them once."""
    return [run(key, worker="tests").word for key in runs]


def handled(message: ReceivedMessage) -> ReceivedMessage:
    """Process a message and run what is due until nothing is, as worker and sweep would; the message as it is then."""
    process(message.id)
    while due := sweep().runs:
        for key in due:
            run(key, worker="tests")
    message.refresh_from_db()
    return message


def only_run(message: ReceivedMessage) -> ProcessorRun:
    """The one run of a message."""
    found: ProcessorRun = runs_of(message.id).get()
    return found


def expire(*runs: UUID) -> None:
    """Let the leases of these runs be over."""
    ProcessorRun.objects.filter(id__in=runs).update(due_at=Now())
