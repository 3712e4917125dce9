"""``/healthz``: this process is alive. ``/readyz``: it can also reach the database."""

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
    """Whether requests should come here: 503 ``{"status": "not ready", "database": "unreachable", ...}`` without
    the database; 200 ``ready``, or ``degraded`` without the cache.

    Without Redis events are accepted all the same and nothing is limited: a balancer that took every process out
    because of it would turn a delay into an outage.
    """
    parts = {"database": _asked(_database), "cache": _asked(_cache)}
    if parts["database"] != "ok":
        return _reply({"status": "not ready", **parts}, 503)
    return _reply({"status": "ready" if parts["cache"] == "ok" else "degraded", **parts}, 200)


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
