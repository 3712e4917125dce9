"""``/healthz``: this process is alive. ``/readyz``: it can also reach the database and the cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse
from redis.exceptions import RedisError

from webhooks.guards import store


def healthz(request: HttpRequest) -> HttpResponse:
    """200 ``{"status": "alive"}``; asks nobody, so a restart is never caused by somebody else's outage."""
    return _reply({"status": "alive"}, 200)


def readyz(request: HttpRequest) -> HttpResponse:
    """200 ``{"status": "ready", "database": "ok", "cache": "ok"}``, or 503 with the part that is missing."""
    parts = {"database": _asked(_database), "cache": _asked(_cache)}
    ready = all(word == "ok" for word in parts.values())
    return _reply({"status": "ready" if ready else "not ready", **parts}, 200 if ready else 503)


CHECKS: dict[str, Callable[[HttpRequest], HttpResponse]] = {"/healthz": healthz, "/readyz": readyz}


def _asked(question: Callable[[], object]) -> str:
    try:
        question()
    except (Error, RedisError):
        return "unreachable"
    return "ok"


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _cache() -> None:
    store.client().ping()


def _reply(body: dict[str, Any], status: int) -> HttpResponse:
    response = HttpResponse(msgspec.json.encode(body), content_type="application/json", status=status)
    response["Cache-Control"] = "no-store"
    return response
