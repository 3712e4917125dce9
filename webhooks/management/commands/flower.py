"""``manage.py flower``: Flower with a login in front of everything it shows."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from celery import current_app
from django.core.management.base import BaseCommand, CommandError

_NO = ("", "0", "false", "no", "off", "n", "f")


class Command(BaseCommand):
    help = (
        "Start Flower. Its login is FLOWER_BASIC_AUTH=user:password; it does not start without one. Every other option "
        "of Flower's is an environment variable as well (FLOWER_…)."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--address", default="127.0.0.1", help="where it listens (default 127.0.0.1)")
        parser.add_argument("--port", type=int, default=5555, help="default 5555")

    def handle(self, *args: Any, **options: Any) -> None:
        _require_login()
        close_metrics()
        place = [f"--address={options['address']}", f"--port={options['port']}"]
        current_app.start(argv=["-q", "--skip-checks", "flower", *place])


def _require_login() -> None:
    """Attack: tasks can be started and workers be stopped from Flower's pages and API."""
    if os.environ.get("FLOWER_UNAUTHENTICATED_API", "").strip().lower() not in _NO:
        raise CommandError("FLOWER_UNAUTHENTICATED_API opens Flower's API to everybody: unset it.")
    if not (os.environ.get("FLOWER_BASIC_AUTH") or os.environ.get("FLOWER_AUTH")):
        raise CommandError("Flower needs a login: set FLOWER_BASIC_AUTH=user:password.")


def close_metrics() -> None:
    """Flower 2.2 asks for the login everywhere but on /metrics, which names workers and tasks, and on /healthcheck,
    which says OK. Upstream: flower/views/monitor.py has no ``authenticated``; test_flower.py tells when it has."""
    from flower.views.monitor import Metrics
    from tornado.web import authenticated

    if not hasattr(Metrics.get, "__wrapped__"):
        Metrics.get = authenticated(Metrics.get)
