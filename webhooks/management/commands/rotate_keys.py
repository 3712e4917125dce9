"""``manage.py rotate_keys``: what is stored, encrypted again with the first of WEBHOOKS_ENCRYPTION_KEYS."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from webhooks.services import key_rotation
from webhooks.services.key_rotation import Count

_TELL = 2.0  # seconds between two lines about a column that takes longer
_LISTED = 20  # unreadable values that are named


class Command(BaseCommand):
    help = (
        "Encrypt every stored secret that an older key was used for with the first key of WEBHOOKS_ENCRYPTION_KEYS. "
        "It may run beside everything else, be interrupted and be run again. "
        "Exit status 0: every value depends on the first key alone."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--check", "--dry-run", action="store_true", dest="check",
            help="change nothing; say how many values depend on which key",
        )  # fmt: skip
        parser.add_argument(
            "--batch", type=int, default=key_rotation.BATCH,
            help=f"values of one statement (default {key_rotation.BATCH})",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        if options["batch"] < 1:
            raise CommandError("--batch takes a number of values from 1 on.")
        work = key_rotation.check if options["check"] else key_rotation.rotate
        counts = work(options["batch"], self._teller())
        for count in counts:
            self.stdout.write(_line(count))
        self._conclude(counts, checked=options["check"])

    def _teller(self) -> key_rotation.Progress:
        last = time.monotonic()

        def tell(count: Count) -> None:
            nonlocal last
            if time.monotonic() - last > _TELL:
                last = time.monotonic()
                self.stderr.write(f"{count.column.place}: {count.looked_at} looked at, {count.written} written")

        return tell

    def _conclude(self, counts: list[Count], *, checked: bool) -> None:
        places = [place for count in counts for place in count.unreadable]
        unreadable = sum(count.unreadable_count for count in counts)
        if unreadable:
            named = "".join(f"\n  {place}" for place in places[:_LISTED])
            more = f"\n  and {unreadable - _LISTED} more" if unreadable > _LISTED else ""
            raise CommandError(
                f"{unreadable} values can be read with none of WEBHOOKS_ENCRYPTION_KEYS; "
                f"put the key back that they were written with:{named}{more}"
            )
        behind = sum(count.behind for count in counts)
        if behind and checked:
            self.stdout.write(f"{behind} values depend on older keys: `manage.py rotate_keys` before one is removed.")
        elif behind:
            self.stderr.write(
                f"{behind} values still depend on older keys: another process holds them, or writes with another "
                "first key. Restart every process with the same WEBHOOKS_ENCRYPTION_KEYS, then run this again."
            )
        else:
            self.stdout.write("Every value depends on the first key alone.")
        if behind:
            sys.exit(1)


def _line(count: Count) -> str:
    keys = range(1, max(key_rotation.number_of_keys(), 1) + 1)
    parts = [f"{count.keys[number]} with key {number}" for number in keys]
    parts += [f"{count.unreadable_count} with none"] if count.unreadable_count else []
    parts += [f"{count.written} written"] if count.written else []
    return f"{count.column.place}: {', '.join(parts)}"
