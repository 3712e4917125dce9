"""The web server's worker for tests that would have to wait for it."""

from __future__ import annotations

from project import webserver


class Worker(webserver.Worker):
    """Gives up early."""

    head_seconds = 1.5
    body_seconds = 1.5
