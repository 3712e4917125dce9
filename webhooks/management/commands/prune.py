"""``manage.py prune``: partitions now, rather than when beat comes round."""

from __future__ import annotations

from typing import Any

from webhooks.conf import conf
from webhooks.management.acting import ActingCommand
from webhooks.services import audit_chain, idempotency, oauth_tokens, partitions
from webhooks.services.operations import files


class Command(ActingCommand):
    help = "Make the partitions of the coming days, drop those whose retention is over, and old audit entries."

    def handle(self, *args: Any, **options: Any) -> None:
        made, dropped = partitions.make_ahead(), partitions.drop_expired()
        idempotency.prune()
        oauth_tokens.prune()
        self.stdout.write(
            f"{len(made)} partitions made, {len(dropped)} dropped (retention {conf.RETENTION_DAYS} days)."
        )
        for name in dropped:
            self.stdout.write(f"  dropped {name}")
        self.stdout.write(f"Files of {files.prune()} operations deleted.")
        audit_chain.seal()
        self.stdout.write(f"{audit_chain.prune()} audit entries removed (retention {conf.AUDIT_RETENTION_DAYS} days).")
