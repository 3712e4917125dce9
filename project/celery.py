"""The Celery application: ``celery -A project worker``."""

from __future__ import annotations

import os

from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

from webhooks.net import celery_client, celery_events, celery_guard

celery_guard.install()
celery_client.install()

app = Celery("clarion")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["consumer"].add(celery_events.GatheredEvents)


@signals.setup_logging.connect
def _keep_django_logging(**_: object) -> None:
    """Connecting this signal keeps Celery from replacing the handlers of settings.LOGGING."""
