"""``manage.py audit_verify``: whether the audit log is what was recorded."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from webhooks.core.chain import Head
from webhooks.services import audit_chain

_HEAD = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})\Z")


class Command(BaseCommand):
    help = (
        "Walk through the audit log's chain of hashes: exit status 0 when it is whole, 1 with the first fault. "
        "Changes nothing. Keep the head that it prints elsewhere, and give it with --head the next time."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--head", type=_head, metavar="SEQUENCE:HASH", help="a head from an earlier run that the chain must hold"
        )
        parser.add_argument("--print-head", action="store_true", help="print the head of the chain and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        found = audit_chain.verify(options["head"])
        if found.broken:
            raise CommandError(f"The audit log is broken. {found.broken.sentence}", returncode=1)
        if options["print_head"]:
            self.stdout.write(str(found.head))
            return
        first = f", from entry {found.first} on" if found.first > 1 else ""
        self.stdout.write(f"The audit log is whole: {found.count} entries{first}.")
        if found.waiting:
            self.stdout.write(f"{found.waiting} newer entries wait for their place in the chain.")
        if options["head"]:
            self.stdout.write(f"It holds the head {options['head']}.")
        self.stdout.write(f"head {found.head}")


def _head(text: str) -> Head:
    parts = _HEAD.match(text.strip())
    if not parts:
        raise ArgumentTypeError("is no head: it looks like 1234: and 64 hexadecimal digits, as this command prints it")
    return Head(int(parts[1]), bytes.fromhex(parts[2]))
