"""The real services of a test run: one PostgreSQL and one Valkey, shared by all its processes.

The process that the user started (the xdist controller, or the only one) runs them; xdist workers inherit
their addresses through the environment. DATABASE_URL or REDIS_URL in the environment are used instead.
Each process has its own database (pytest-django names it) and its own pair of Valkey databases.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

import pytest
import redis

from webhooks.management.stack.embedded import Postgres, StackFailure, Valkey

VALKEY_DATABASES = 64  # two for each xdist worker: 32 workers
# Fixed and known to everyone, because nothing they protect outlives the test run.
SECRET_KEY = "tests-" + "0123456789abcdef" * 3
ENCRYPTION_KEY = "Y2xhcmlvbi10ZXN0cy1vbmx5LW5vdC1hLXNlY3JldCE="


class TestValkey(Valkey):
    """A throw-away Valkey with room for every xdist worker."""

    __test__ = False  # not a test class, whatever its name looks like

    def __init__(self, data_dir: Path, *, port: int | None = None, persist: bool = False) -> None:
        super().__init__(data_dir, port=port, persist=persist)

    def command(self) -> list[str]:
        return [*super().command(), "--databases", str(VALKEY_DATABASES)]


class Services:
    """What this run has started. ``start()`` sets the environment; ``stop()`` may be called at any moment."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()

    def start(self) -> None:
        """Start what the environment does not name, and point the environment at it."""
        signal.signal(signal.SIGTERM, _interrupt)
        folder = Path(tempfile.mkdtemp(prefix="clarion-tests-"))
        folder.chmod(0o711)  # PostgreSQL may run under another account when root runs the tests
        self._stack.callback(shutil.rmtree, folder, ignore_errors=True)
        try:
            if not os.environ.get("DATABASE_URL"):
                os.environ["DATABASE_URL"] = self._postgres(folder)
            if not os.environ.get("REDIS_URL"):
                valkey = self._stack.enter_context(TestValkey(folder / "valkey"))
                os.environ["REDIS_URL"] = valkey.url
        except BaseException as error:
            self.stop()
            if isinstance(error, StackFailure):
                raise pytest.UsageError(str(error)) from error
            raise
        # A developer's own settings and running stack must not change what the tests see.
        for name in [name for name in os.environ if name.startswith("WEBHOOKS_")]:
            del os.environ[name]
        os.environ |= {
            "CLARION_DATA_DIR": str(folder / "clarion"),
            "SECRET_KEY": SECRET_KEY,
            "DEBUG": "0",
            "WEBHOOKS_ENCRYPTION_KEYS": ENCRYPTION_KEY,
            "WEBHOOKS_PUBLIC_URL": "http://testserver",
            "WEBHOOKS_ALLOW_HTTP": "1",
            "WEBHOOKS_ALLOWED_CIDRS": "127.0.0.0/8:*",
        }

    def stop(self) -> None:
        """Stop what was started and delete its data."""
        self._stack.close()

    def _postgres(self, folder: Path) -> str:
        # Without autovacuum: statistics that appear in the middle of a test change the plans that it looks at.
        postgres = Postgres(folder / "postgres", durable=False, settings={"autovacuum": "off"})
        self._stack.callback(postgres.remove)
        return self._stack.enter_context(postgres).url


def choose_valkey_databases(worker: int) -> None:
    """Give process number ``worker`` (0, 1, ...) its own broker (2k) and guards (2k + 1) databases.

    Attack: tests empty these databases, and a REDIS_URL in the environment may name a server with somebody's
    data. Raises UsageError when a database is not empty, or cannot be reached.
    """
    base = os.environ["REDIS_URL"]
    for name, number in (("CELERY_BROKER_URL", 2 * worker), ("REDIS_URL", 2 * worker + 1)):
        url = urlsplit(base)._replace(path=f"/{number}").geturl()
        try:
            with redis.Redis.from_url(url) as client:
                keys = client.dbsize()
        except redis.RedisError as error:
            raise pytest.UsageError(f"Database {number} of the Redis in REDIS_URL: {error}") from error
        if keys:
            raise pytest.UsageError(
                f"Database {number} of the Redis in REDIS_URL is not empty and the tests would empty it: "
                "flush it, or unset REDIS_URL to let the tests start their own."
            )
        os.environ[name] = url


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """SIGTERM ends the run as Ctrl-C does: fixtures are torn down and the services stop."""
    raise KeyboardInterrupt
