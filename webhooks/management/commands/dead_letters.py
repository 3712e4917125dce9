"""``manage.py dead_letters list|replay|discard``: the failure queue from a terminal."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import IO, Any, cast
from uuid import UUID

from django.core.management.base import CommandError
from django.db.models import QuerySet
from rich.console import Console
from rich.table import Table

from webhooks import doorbells
from webhooks.core import ids
from webhooks.management.acting import ActingCommand
from webhooks.models import DeadLetter
from webhooks.services import dead_letters

_PIPE_WIDTH = 240  # columns: a pipe has no width, and ids must not be cut


class Command(ActingCommand):
    help = "List, replay or discard dead letters."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["list", "replay", "discard"])
        parser.add_argument("ids", nargs="*", metavar="dl_…", help="none: all open ones that the options name")
        parser.add_argument("--tenant", help="slug of a tenant")
        parser.add_argument("--webhook", metavar="wh_…", help="id of a webhook")
        parser.add_argument("--event-type", help="exact event type")
        parser.add_argument("--limit", type=int, default=100, help="at most this many, newest first (default 100)")
        parser.add_argument("--all", action="store_true", help="with list: resolved ones as well")

    def handle(self, *args: Any, **options: Any) -> None:
        action, found = options["action"], _selected(options)
        if action == "list":
            self._list(found)
            return
        keys = list(found.values_list("id", flat=True))
        if action == "replay":
            doorbells.ring(dead_letters.replay(keys))
        else:
            dead_letters.discard(keys)
        self.stdout.write(f"{len(keys)} dead letters {'replayed' if action == 'replay' else 'discarded'}.")

    def _list(self, found: QuerySet[DeadLetter]) -> None:
        table = Table("id", "tenant", "event type", "status", "attempts", "reason", "since", box=None)
        for letter in found.select_related("tenant"):
            table.add_row(
                letter.public_id, letter.tenant.slug, letter.event_type, str(letter.response_status or "-"),
                str(letter.attempt_count), letter.reason, f"{letter.created_at:%Y-%m-%d %H:%M:%S}",
            )  # fmt: skip
        shown = table if table.row_count else "No dead letters."
        width = None if self.stdout.isatty() else _PIPE_WIDTH
        Console(file=cast(IO[str], self.stdout), width=width).print(shown)


def _selected(options: dict[str, Any]) -> QuerySet[DeadLetter]:
    found = DeadLetter.objects.order_by("-id")
    if not options["all"] or options["action"] != "list":
        found = found.filter(resolution=DeadLetter.Resolution.OPEN)
    if options["ids"]:
        found = found.filter(id__in=[_key(ids.DEAD_LETTER, text) for text in options["ids"]])
    if options["tenant"]:
        found = found.filter(tenant__slug=options["tenant"])
    if options["webhook"]:
        found = found.filter(endpoint_id=_key(ids.WEBHOOK, options["webhook"]))
    if options["event_type"]:
        found = found.filter(event_type=options["event_type"])
    return found[: options["limit"]]


def _key(prefix: str, text: str) -> UUID:
    if key := ids.parse(prefix, text):
        return key
    raise CommandError(f"{text} is no id; it looks like {prefix}_ and 32 hexadecimal digits.")
