"""``manage.py demo``: see every kind of delivery happen, and have it proved."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

_DEADLINE = 180  # seconds; four times what two idle cores need


class Command(BaseCommand):
    """Exit status 0: every delivery arrived, verified, byte-identical, once. 1: not so. 130: Ctrl-C."""

    help = (
        "Start Clarion on free ports, publish real GitHub events to six endpoints (healthy, slow, flaky, "
        "broken, subscribed to a few types, gone), wait until all is settled and check every delivery."
    )
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--data-dir",
            type=Path,
            help="Folder for the data, kept afterwards (default: a temporary one).",
        )
        parser.add_argument("--events", type=_positive, help="Events to publish (default: each payload once).")
        parser.add_argument(
            "--deadline",
            type=float,
            default=_DEADLINE,
            help="Seconds from the first publication until all has to be settled (default: %(default)s).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # Heavy, and in part from the extra "demo", which other commands can do without.
        try:
            from rich.console import Console

            from webhooks.management.demo.run import Options, demonstrate
            from webhooks.management.demo.stack_run import DemoFailure
        except ModuleNotFoundError as error:
            raise CommandError(
                f"{error.name} is missing: run pip install 'clarion-webhooks[embedded,demo]'."
            ) from error
        signal.signal(signal.SIGTERM, _interrupt)
        console = Console(file=sys.stdout, emoji=False, highlight=False)
        if not console.is_terminal:
            console.width = 120
        data_dir, temporary = _folder(options["data_dir"])
        keep = True  # after a failure, for whoever looks into it
        good = False
        try:
            wanted = Options(settings.BASE_DIR, data_dir, options["events"], options["deadline"])
            good = demonstrate(wanted, console)
            keep = not good
        except (DemoFailure, FileNotFoundError) as failure:
            self.stderr.write(str(failure))
        except KeyboardInterrupt:
            keep = False
            self.stderr.write("stopped")
            raise SystemExit(130) from None
        finally:
            if temporary and not keep:
                shutil.rmtree(data_dir, ignore_errors=True)
        if not good:
            raise SystemExit(1)


def _folder(wanted: Path | None) -> tuple[Path, bool]:
    if wanted is not None:
        wanted.mkdir(parents=True, exist_ok=True)
        return wanted.absolute(), False
    folder = Path(tempfile.mkdtemp(prefix="clarion-demo-"))
    folder.chmod(0o711)  # when root runs it, PostgreSQL's own account has to pass through
    return folder, True


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
