"""The yardstick: a Celery application whose one task does nothing. Celery's own defaults but for the results."""

from __future__ import annotations

import os

from celery import Celery

WAITING = "empty.waiting"  # where the tasks lie until the clock starts
PARKED = "empty.parked"  # what a worker listens to until then

app = Celery("empty", broker=os.environ["CELERY_BROKER_URL"])
app.conf.update(task_ignore_result=True, broker_connection_retry_on_startup=True)


@app.task(name="empty.nothing")
def nothing() -> None:
    """Nothing."""
