"""``manage.py demo_receiver``: show what arrives, and whether its signature is right."""

from __future__ import annotations

import argparse
import signal
from pathlib import Path
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """Runs until SIGINT or SIGTERM. ``manage.py up`` supervises it."""

    help = "Receive webhooks on 127.0.0.1, verify their signatures and print a line for each."
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--port", type=int, required=True, help="TCP port; 0 chooses a free one.")
        parser.add_argument(
            "--state-dir",
            type=Path,
            required=True,
            help="Folder of routes.json (secrets, behaviours) and received.ndjson (what has arrived).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            from webhooks.management.demo.receiver import DemoReceiver
        except ModuleNotFoundError as error:
            raise CommandError(f"{error.name} is missing: run pip install 'clarion-webhooks[demo]'.") from error
        try:
            receiver = DemoReceiver(options["state_dir"], options["port"], self._say)
        except OSError as error:
            raise CommandError(f"Port {options['port']} cannot be listened on: {error.strerror}.") from error
        signal.signal(signal.SIGTERM, _interrupt)
        self._say(f"receiving on http://127.0.0.1:{receiver.port}")
        try:
            receiver.serve()
        except KeyboardInterrupt:
            self._say("stopped")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
