"""The project's Celery application without ``webhooks.net.celery_guard``, to test that it is needed."""

from webhooks.net import celery_guard

celery_guard.install = lambda: False

from project.celery import app  # noqa: E402

__all__ = ["app"]
