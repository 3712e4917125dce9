"""The project's Celery application on a machine whose clock is 90 seconds behind."""

from datetime import UTC, datetime, timedelta

import time_machine

BEHIND = 90.0  # seconds

time_machine.travel(datetime.now(UTC) - timedelta(seconds=BEHIND)).start()

from project.celery import app  # noqa: E402

__all__ = ["app"]
