"""``python -m shop.prepare RECEIVER_URL WEBHOOKS``: the tables, and webhooks to ``<receiver>/<n>`` for new orders."""

from __future__ import annotations

import sys

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django_webhook.models import Webhook, WebhookSecret, WebhookTopic, populate_topics_from_settings  # noqa: E402


def main(receiver: str, count: int) -> None:
    call_command("migrate", run_syncdb=True, verbosity=0)
    populate_topics_from_settings()  # done at each start of Django, here before the tables were there
    topic = WebhookTopic.objects.get(name="shop.Order/create")
    for n in range(count):
        webhook = Webhook.objects.create(url=f"{receiver}/{n}")
        webhook.topics.set([topic])
        WebhookSecret.objects.create(webhook=webhook, token=f"a secret of webhook {n}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
