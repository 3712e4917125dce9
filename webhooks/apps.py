"""The Django application ``webhooks``."""

from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "webhooks"
    verbose_name = "Webhooks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Importing them registers checks, and connects Celery's signals.
        from webhooks import checks, failure_queue, heartbeats  # noqa: F401
        from webhooks.services import staff

        staff.connect()
