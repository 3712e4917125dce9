"""``manage.py up``: the whole of Clarion on this machine."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    help = (
        "Start PostgreSQL and Valkey (unless DATABASE_URL, REDIS_URL and CELERY_BROKER_URL name others), "
        "web, workers, beat, Flower and a demonstration receiver; restart what crashes; stop all on Ctrl-C."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--bare", action="store_true", help="no demo tenant, no receiver, production defaults")
        parser.add_argument(
            "--port-base",
            type=int,
            metavar="N",
            help="web on N, Flower N+1, receiver N+2, PostgreSQL N+3, Valkey N+4; 0: any free ports",
        )
        parser.add_argument("--data-dir", type=Path, default=settings.DATA_DIR, metavar="DIR")
        parser.add_argument("--host", default="127.0.0.1", help="address web listens on (default: %(default)s)")

    def handle(self, *_: Any, **options: Any) -> None:
        # Heavy and needed by this command alone.
        from webhooks.management.stack.plan import Options
        from webhooks.management.stack.service import StackFailure
        from webhooks.management.stack.stack import Stack
        from webhooks.management.stack.state import State

        logging.getLogger("circus").setLevel(logging.CRITICAL)  # the stack tells of starts and ends itself
        wanted = Options(
            data_dir=options["data_dir"].absolute(),
            project_dir=settings.BASE_DIR,
            host=options["host"],
            port_base=options["port_base"],
            bare=options["bare"],
        )
        try:
            with State(wanted.data_dir) as state:
                stack = Stack(wanted, state)
                asyncio.run(stack.run())
        except StackFailure as failure:
            self.stderr.write(str(failure))
            raise SystemExit(1) from None
        except KeyboardInterrupt:  # before there was anything to stop
            raise SystemExit(130) from None
