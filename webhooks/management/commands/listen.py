"""``manage.py listen --secret whsec_… --forward-to http://127.0.0.1:8000/webhooks``"""

from __future__ import annotations

import argparse
import json
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, Any, cast
from urllib.parse import SplitResult

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console

from webhooks.core.signatures import SCHEMES
from webhooks.management.demo.stack_run import DemoFailure
from webhooks.management.listening import report, steps
from webhooks.management.listening.forward import parse_target
from webhooks.management.listening.listener import Listener, Orders
from webhooks.management.listening.temporary import temporary_webhook
from webhooks.receive import TOLERANCE, BadSecret
from webhooks.receive.keys import Keys, Secret

_SECRET, _API_KEY = "WEBHOOK_SECRET", "CLARION_API_KEY"  # variables of the environment


class Command(BaseCommand):
    """Needs no database and no broker. Runs until Ctrl-C, SIGTERM or ``--once`` requests."""

    help = "Receive webhooks on this machine: show and verify them, fail on purpose, forward to your own server."
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        add = parser.add_argument
        add("--host", default="127.0.0.1", help="address to listen at; only this machine reaches the default")
        add("--port", type=int, default=8042, help="TCP port; 0 chooses a free one")
        add(
            "--secret",
            action="append",
            default=[],
            help=f"whsec_…, whpk_… (a public key), or @FILE with one of them or a JWKS document; may be repeated. "
            f"{_SECRET} in the environment serves as well, and other users cannot see it",
        )
        add("--scheme", action="append", choices=tuple(SCHEMES), help="look at this scheme only; may be repeated")
        add("--tolerance", type=float, default=TOLERANCE, help="seconds that a timestamp may be off")
        add("--public-url", default="", help="the URL of the webhook, where a tunnel leads here (for rfc9421)")
        add(
            "--fail",
            type=_steps,
            default=(),
            metavar="STEPS",
            help="answer in turn with statuses (503, 503:10 with Retry-After), timeout, close, slow:SECONDS; "
            "the last one stays: 500,timeout,200",
        )
        add("--forward-to", type=_target, metavar="URL", help="pass what is not failed on to this URL, byte for byte")
        add("--json", action="store_true", help="one line of JSON for each request")
        add("--once", type=int, default=0, metavar="N", help="end after N requests; status 1 unless all are verified")
        add("--api-url", default="", help="make a webhook in this Clarion, such as http://127.0.0.1:8000/api")
        add("--api-key", default="", help=f"API key for it, or @FILE; better {_API_KEY} in the environment")
        add("--events", default="*", help="event types of that webhook, with commas between")

    def handle(self, *args: Any, **options: Any) -> None:
        orders = _orders(options)
        self._console = Console(file=cast(IO[str], self.stdout), highlight=False, emoji=False, soft_wrap=True)
        self._as_json: bool = options["json"]
        try:
            listener = Listener(orders, options["host"], options["port"], report=self._show, failed=self._notice)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise CommandError(f"{options['host']}:{options['port']} cannot be listened at: {reason}.") from error
        before = signal.signal(signal.SIGTERM, _interrupt)
        url = options["public_url"] or _url(options["host"], listener.port)
        try:
            with self._registered(listener, url, options):
                self._notice(f"listening at {url}")
                listener.serve()
        except KeyboardInterrupt:
            pass
        finally:
            signal.signal(signal.SIGTERM, before)
            listener.close()
        self._notice(f"received {listener.received}, verified {listener.verified}")
        if orders.once and listener.orders.secrets and listener.verified < listener.received:
            raise CommandError("Not every request was verified.")

    @contextmanager
    def _registered(self, listener: Listener, url: str, options: dict[str, Any]) -> Iterator[None]:
        if not options["api_url"]:
            yield
            return
        key = _content(options["api_key"] or os.environ.get(_API_KEY, ""), "--api-key")
        if not key:
            raise CommandError(f"--api-url needs --api-key, or {_API_KEY} in the environment.")
        types = [word.strip() for word in options["events"].split(",")]
        schemes = options["scheme"] or ("standard", "hex")
        try:
            with temporary_webhook(options["api_url"], key, url, types, schemes) as (webhook_id, secrets):
                listener.trust(secrets)
                self._notice(f"webhook {webhook_id} leads here until this ends")
                yield
        except DemoFailure as failure:
            raise CommandError(str(failure)) from failure

    def _show(self, found: report.Report) -> None:
        if self._as_json:
            self.stdout.write(report.as_json(found))
        else:
            report.show(self._console, found)
        self.stdout.flush()

    def _notice(self, sentence: str) -> None:
        """Beside the lines of JSON, not among them."""
        stream = self.stderr if self._as_json else self.stdout
        stream.write(sentence, self.style.NOTICE)
        stream.flush()


def _orders(options: dict[str, Any]) -> Orders:
    given = options["secret"] or [text for text in [os.environ.get(_SECRET, "")] if text]
    return Orders(
        secrets=[_secret(text) for text in given],
        schemes=options["scheme"] or tuple(SCHEMES),
        tolerance=options["tolerance"],
        fail=options["fail"],
        forward_to=options["forward_to"],
        public_url=options["public_url"],
        once=options["once"],
    )


def _secret(text: str) -> Secret:
    """Attack: an empty --secret "$SECRET" of a variable that is not set must not verify anything."""
    content = _content(text, "--secret")
    try:
        secret: Secret = json.loads(content) if content.startswith("{") else content
        Keys.parse(secret, decode=False)
    except (BadSecret, ValueError) as error:
        raise CommandError(f"--secret: {error}") from error
    return secret


def _content(text: str, option: str) -> str:
    if not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{option}: {text[1:]} cannot be read: {error}.") from error


def _steps(text: str) -> Sequence[steps.Step]:
    try:
        return steps.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _target(text: str) -> SplitResult:
    try:
        return parse_target(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
