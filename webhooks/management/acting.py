"""Commands that change something do it under their own name."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from webhooks.services import actors


class ActingCommand(BaseCommand):
    """A command whose changes are recorded in the audit log as its own, with the account that runs it."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        name = type(self).__module__.rpartition(".")[2]
        with actors.acting_as(actors.command(name)):
            return super().execute(*args, **options)
