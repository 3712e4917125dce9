"""Clarion's HTTP API for Python: publish events, manage webhooks.

>>> import clarion
>>> with clarion.Client("clk_…", base_url="https://clarion.example.com") as client:
...     client.events.publish("order.created", {"order": 1001})
"""

from clarion._aio.client import AsyncClient
from clarion._sync.client import Client
from clarion.batches import BatchReport, RefusedEvent
from clarion.emitting import emit
from clarion.errors import (
    ApiError,
    BadRequest,
    BatchInterrupted,
    ClarionError,
    Conflict,
    ConnectionFailed,
    Forbidden,
    InvalidInput,
    NoResult,
    NotFound,
    ServerError,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    UnexpectedAnswer,
)

__all__ = [
    "ApiError",
    "AsyncClient",
    "BadRequest",
    "BatchInterrupted",
    "BatchReport",
    "ClarionError",
    "Client",
    "Conflict",
    "ConnectionFailed",
    "Forbidden",
    "InvalidInput",
    "NoResult",
    "NotFound",
    "RefusedEvent",
    "ServerError",
    "TooLarge",
    "TooManyRequests",
    "Unauthenticated",
    "UnexpectedAnswer",
    "emit",
]
