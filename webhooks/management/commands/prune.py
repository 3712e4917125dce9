"""``manage.py prune``: partitions now, rather than when beat comes round."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from webhooks.conf import conf
from webhooks.services import idempotency, partitions


class Command(BaseCommand):
    help = "Make the partitions of the coming days and drop those whose retention is over."

    def handle(self, *args: Any, **options: Any) -> None:
        made, dropped = partitions.make_ahead(), partitions.drop_expired()
        idempotency.prune()
        self.stdout.write(
            f"{len(made)} partitions made, {len(dropped)} dropped (retention {conf.RETENTION_DAYS} days)."
        )
        for name in dropped:
            self.stdout.write(f"  dropped {name}")
