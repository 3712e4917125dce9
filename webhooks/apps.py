"""The Django application ``webhooks``."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules

# The module of an installed application that registers its conversions with ``@webhooks.downgrade``.
CONVERSIONS_MODULE = "webhooks_versions"
# The one that registers what is done with received messages, with ``@webhooks.processor``.
PROCESSORS_MODULE = "processors"


class WebhooksConfig(AppConfig):
    name = "webhooks"
    verbose_name = "Webhooks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Importing them registers checks, and connects Celery's signals.
        from webhooks import checks, failure_queue, heartbeats, stand_in  # noqa: F401

        autodiscover_modules(CONVERSIONS_MODULE, PROCESSORS_MODULE)
        from webhooks.services import staff

        staff.connect()
