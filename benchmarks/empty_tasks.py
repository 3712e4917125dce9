"""The yardstick: a Celery application whose one task does nothing."""

from __future__ import annotations

import os

from celery import Celery

app = Celery("empty", broker=os.environ["CELERY_BROKER_URL"])
app.conf.update(
    task_ignore_result=True, task_default_queue="parked", worker_prefetch_multiplier=4, task_serializer="json"
)


@app.task(name="empty.nothing")
def nothing() -> None:
    """Nothing."""
