"""``manage.py emit order.created --tenant demo --data @order.json``"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

import webhooks
from webhooks.errors import ClarionError, InvalidInput


class Command(BaseCommand):
    help = "Publish one event, with the bytes of the given JSON as its data."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("type", help="the event type, such as order.created")
        parser.add_argument("--tenant", required=True, help="slug or id of the tenant")
        parser.add_argument("--data", default="{}", help="JSON text, @FILE, or @- for standard input")
        parser.add_argument("--id", help="your own id of the event: publishing it twice is one event")
        parser.add_argument("--event-version", help="the version of the event type, such as v2")
        parser.add_argument("--channel", action="append", default=[], help="may be repeated")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            event_id = webhooks.emit(
                options["type"],
                _read(options["data"]),
                tenant=options["tenant"],
                id=options["id"],
                version=options["event_version"],
                channels=options["channel"],
            )
        except InvalidInput as error:
            faults = "\n".join(f"  {fault.pointer or '/'}: {fault.detail}" for fault in error.errors)
            raise CommandError(f"The event was not published:\n{faults}") from error
        except ClarionError as error:
            raise CommandError(f"The event was not published: {error}") from error
        self.stdout.write(event_id)


def _read(text: str) -> bytes:
    if not text.startswith("@"):
        return text.encode()
    if text == "@-":
        return sys.stdin.buffer.read().strip()
    try:
        return Path(text[1:]).read_bytes().strip()
    except OSError as error:
        raise CommandError(f"{text[1:]} cannot be read: {error.strerror}.") from error
