"""Broker and guards' Redis: reachable, new enough, never evicting, with room; and what workers say over it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

from celery import current_app
from kombu import Connection
from kombu.exceptions import ChannelError
from kombu.exceptions import OperationalError as BrokerError
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from webhooks.conf import conf
from webhooks.services.health.finding import Finding, failed, graded, ok, warning

_TIMEOUT = 2  # seconds for a connection or an answer
_REPLIES = 2.0  # seconds that workers have to answer: an event loop may be busy for one
_OLDEST_REDIS = (6, 2)
_MEMORY = (0.8, 0.95)  # of maxmemory: with noeviction a full broker refuses every doorbell
_REDIS = ("redis", "rediss", "valkey", "valkeys")
# What goes wrong between this process and a broker, whichever it is.
UNREACHABLE = (BrokerError, RedisError, OSError, ChannelError)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the broker told. ``consumers``: worker -> its queues; None where workers cannot be asked (SQS).

    ``waiting``: messages in each queue, as far as it can be counted.
    """

    finding: Finding
    reachable: bool = False
    consumers: dict[str, list[str]] | None = None
    waiting: dict[str, int] = field(default_factory=dict)
    server: str = ""  # tells two addresses of one Redis from two servers


def broker(queues: Iterable[str]) -> Seen:
    """Ask the broker itself, and by it the workers."""
    url = current_app.conf.broker_write_url or current_app.conf.broker_url or ""
    shown = _shown(url)
    try:
        with current_app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=2 * _TIMEOUT)
            finding, server = _redis("broker", url) if _is_redis(url) else (_other(connection, shown), "")
            waiting = _waiting(connection, queues)
            return Seen(finding, True, _consumers(connection), waiting, server)
    except UNREACHABLE as error:
        advice = "Events are accepted and wait in the database. Start the broker, or correct CELERY_BROKER_URL."
        return Seen(failed("broker", f"{shown} does not answer ({_why(error)})", advice))


def guards(broker_server: str) -> Finding:
    """The Redis of breakers, rates and slots; everything works without it, and nothing is limited."""
    try:
        finding, server = _redis("guards", conf.REDIS_URL)
    except (RedisError, ValueError) as error:
        found = f"{_shown(conf.REDIS_URL)} does not answer ({_why(error)})"
        return failed("guards", found, "Nothing is limited meanwhile. Start that Redis, or correct REDIS_URL.")
    if server and server == broker_server and not finding.advice:
        return ok("guards", f"{_shown(conf.REDIS_URL)}, the same server as the broker")
    return finding


def _redis(check: str, url: str) -> tuple[Finding, str]:
    once = Retry(NoBackoff(), 0)
    url = url.replace("valkey", "redis", 1) if url.startswith("valkey") else url
    with Redis.from_url(url, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT, retry=once) as client:
        info = cast(dict[str, Any], client.info())
    version = str(info.get("valkey_version") or info.get("redis_version") or "")
    name = "Valkey" if "valkey_version" in info else "Redis"
    found = f"{name} {version} at {_shown(url)}"
    return _judged(check, found, info), str(info.get("run_id", ""))


def _judged(check: str, found: str, info: dict[str, Any]) -> Finding:
    compatible = tuple(int(part) for part in str(info.get("redis_version", "0")).split(".")[:2])
    if compatible < _OLDEST_REDIS:
        return failed(check, found, "Clarion needs Redis 6.2 or newer, or Valkey.")
    policy = info.get("maxmemory_policy", "noeviction")
    if check == "broker" and policy != "noeviction":
        advice = "It throws messages away when it is full: set maxmemory-policy to noeviction."
        return warning(check, f"{found}, evicts by {policy}", advice)
    limit = int(info.get("maxmemory") or 0)
    if not limit:
        return ok(check, found)
    part = int(info["used_memory"]) / limit
    return graded(check, part, _MEMORY, f"{found}, {part:.0%} of maxmemory", "Raise maxmemory, or give it a server.")


def _other(connection: Connection, shown: str) -> Finding:
    properties = getattr(connection.connection, "server_properties", {}) or {}
    named = " ".join(str(properties[name]) for name in ("product", "version") if name in properties)
    return ok("broker", f"{named} at {shown}" if named else shown)


def _consumers(connection: Connection) -> dict[str, list[str]] | None:
    if "fanout" not in connection.transport.implements.exchange_type:
        return None
    inspect = current_app.control.inspect(timeout=_REPLIES, connection=connection)
    try:
        replies = inspect.active_queues() or {}
    except UNREACHABLE:  # it takes no question: full, or not allowed to
        return None
    return {worker: [queue["name"] for queue in told] for worker, told in replies.items()}


def _waiting(connection: Connection, queues: Iterable[str]) -> dict[str, int]:
    counts = {}
    for queue in queues:
        try:
            channel: Any
            with connection.channel() as channel:
                counts[queue] = int(channel.queue_declare(queue=queue, passive=True).message_count)
        except UNREACHABLE:  # there is no such queue yet: nobody has sent anything to it
            counts[queue] = 0
    return counts


def _is_redis(url: str) -> bool:
    return urlsplit(url.split(";")[0]).scheme in _REDIS


def _shown(url: str) -> str:
    """A URL without its credentials."""
    parts = urlsplit(url.split(";")[0])
    try:
        where = f"{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
    except ValueError:
        where = "?"
    return f"{parts.scheme}://{where}{parts.path}"


def _why(error: BaseException) -> str:
    return str(error).splitlines()[0][:120] if str(error) else type(error).__name__
