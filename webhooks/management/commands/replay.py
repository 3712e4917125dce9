"""``manage.py replay``: deliver again what was delivered, given up, cancelled or never routed."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import IO, Any, cast
from uuid import UUID

from django.core.management.base import CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from webhooks import doorbells
from webhooks.core import ids
from webhooks.errors import InvalidInput
from webhooks.management.acting import ActingCommand
from webhooks.models import Operation, Tenant
from webhooks.services.operations import creating, running
from webhooks.services.operations.replaying import STATUSES

_LOOK = 0.5  # seconds between looks at an operation of which somebody else does a step


class Command(ActingCommand):
    help = (
        "Deliver again: dead letters of a tenant, unless --status says otherwise. The same as an operation of type "
        "replay; this process does its steps itself, and workers help if there are any."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", required=True, help="slug or ten_… id")
        parser.add_argument("--webhook", action="append", metavar="wh_…", help="only to this webhook; may be repeated")
        parser.add_argument("--since", metavar="TIME", help="made at or after this time, such as 2025-09-10T15:30:45Z")
        parser.add_argument("--until", metavar="TIME", help="made before this time")
        parser.add_argument(
            "--status", action="append", choices=STATUSES, help="which deliveries; may be repeated (default dead)"
        )
        parser.add_argument("--event-type", action="append", metavar="PATTERN", help="such as order.*; may be repeated")
        parser.add_argument("--rate", type=int, metavar="N", help="deliveries a second at most")
        parser.add_argument("--dry-run", action="store_true", help="only count")

    def handle(self, *args: Any, **options: Any) -> None:
        asked = {
            "webhooks": options["webhook"], "since": options["since"], "until": options["until"],
            "status": options["status"], "event_types": options["event_type"], "rate": options["rate"],
            "dry_run": options["dry_run"],
        }  # fmt: skip
        params = {name: value for name, value in asked.items() if value is not None}
        try:
            created = creating.create(_tenant(options["tenant"]), Operation.Type.REPLAY, params, params_at="")
        except InvalidInput as error:
            raise CommandError("; ".join(f"{fault.pointer[1:]} {fault.detail}" for fault in error.errors)) from None
        console = Console(file=cast(IO[str], self.stdout), width=None if self.stdout.isatty() else 100)
        try:
            operation = _run(created.id, console)
        except KeyboardInterrupt:
            shown = ids.show(ids.OPERATION, created.id)
            raise CommandError(f"Workers go on with {shown}; cancel it by the API or in the admin.") from None
        if operation.status != Operation.Status.DONE:
            raise CommandError(f"The replay is {operation.status}. {operation.error}".strip())
        console.print(_table(operation, dry=options["dry_run"]))


def _tenant(text: str) -> UUID:
    key = ids.parse(ids.TENANT, text)
    tenants = Tenant.objects.filter(id=key) if key else Tenant.objects.filter(slug=text)
    if (found := tenants.values_list("id", flat=True).first()) is None:
        raise CommandError(f"There is no tenant {text}.")
    return found


def _run(operation_id: UUID, console: Console) -> Operation:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("looked at", total=None)
        while True:
            done = running.step(operation_id)
            doorbells.ring(done.bells)
            if done.published:
                doorbells.ring_fan_out()
            operation = Operation.objects.defer("input").get(id=operation_id)
            progress.update(bar, completed=operation.done, total=operation.total)
            if operation.finished:
                return operation
            time.sleep(_LOOK if done.again_in is None else done.again_in)


def _table(operation: Operation, *, dry: bool) -> Table:
    table = Table("status", "would be delivered" if dry else "deliveries", box=None)
    for status, count in operation.tally.get("by_status", {}).items():
        table.add_row(status, str(count))
    for why, count in operation.tally.get("skipped", {}).items():
        table.add_row(f"passed over: {why}", str(count))
    table.add_row("all", str(operation.tally.get("deliveries", 0)))
    return table
