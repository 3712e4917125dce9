"""The Celery application: ``celery -A project worker``."""

from __future__ import annotations

import os

from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

from webhooks.net import celery_guard

celery_guard.install()

app = Celery("clarion")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.setup_logging.connect
def _keep_django_logging(**_: object) -> None:
    """Connecting this signal keeps Celery from replacing the handlers of settings.LOGGING."""
