"""Broker and guards' Redis: reachable, new enough, never evicting, with room; and what workers say over it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from celery import current_app
from kombu import Connection
from kombu.exceptions import ChannelError
from kombu.exceptions import OperationalError as BrokerError
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from webhooks.conf import conf
from webhooks.services.health.finding import Finding, failed, graded, ok, warning

_TIMEOUT = 2  # seconds for a connection or an answer
_REPLIES = 2.0  # seconds that workers have to answer: an event loop may be busy for one
_OLDEST_REDIS = (6, 2)
_MEMORY = (0.8, 0.95)  # of maxmemory: with noeviction a full broker refuses every doorbell
_REDIS = "redis"  # what kombu calls the driver of Redis, Valkey and Sentinel
# What goes wrong between this process and a broker that it has reached.
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
    shown = _shown(_address())
    try:
        with current_app.connection_for_write(transport_options=_short()) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=2 * _TIMEOUT)
            finding, server = _server(connection, shown)
            if "fanout" not in connection.transport.implements.exchange_type:  # SQS: a look would make the queue
                return Seen(finding, True, server=server)
            return Seen(finding, True, _consumers(connection), _waiting(connection, queues), server)
    except Exception as error:  # each transport has exceptions of its own, also for an address that it cannot read
        advice = "Events are accepted and wait in the database. Start the broker, or correct CELERY_BROKER_URL."
        return Seen(failed("broker", f"{shown} does not answer ({_why(error)})", advice))


def guards(broker_server: str) -> Finding:
    """The Redis of breakers, rates and slots; everything works without it, and nothing is limited."""
    shown = _shown(conf.REDIS_URL)
    once = Retry(NoBackoff(), 0)
    try:
        with Redis.from_url(
            conf.REDIS_URL, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT, retry=once
        ) as client:
            finding, server = _redis("guards", client, shown)
    except RedisError as error:
        found = f"{shown} does not answer ({_why(error)})"
        return failed("guards", found, "Nothing is limited meanwhile. Start that Redis, or correct REDIS_URL.")
    except ValueError as error:
        found = f"{shown} is no address of a Redis ({_why(error)})"
        return failed("guards", found, "Nothing is delivered until REDIS_URL is redis://…, rediss://… or unix://….")
    if server and server == broker_server and not finding.advice:
        return ok("guards", f"{shown}, the same server as the broker")
    return finding


def _address() -> str:
    """The broker's; of several that stand in for each other the first."""
    given: Any = current_app.conf.broker_write_url or current_app.conf.broker_url or ""
    addresses = given.split(";") if isinstance(given, str) else list(given)
    return str(addresses[0]) if addresses else ""


def _short() -> dict[str, Any]:
    """A Redis that hangs is given up soon, whatever the project's own workers would wait for."""
    is_redis = urlsplit(_address()).scheme in ("redis", "rediss", "sentinel")
    return {"socket_timeout": _TIMEOUT, "socket_connect_timeout": _TIMEOUT} if is_redis else {}


def _server(connection: Connection, shown: str) -> tuple[Finding, str]:
    """What the server says of itself, by the connection that Celery would use, with its TLS."""
    if connection.transport.driver_type != _REDIS:
        return _other(connection, shown), ""
    channel: Any
    with connection.channel() as channel:
        return _redis("broker", channel.client, shown)


def _redis(check: str, client: Redis, shown: str) -> tuple[Finding, str]:
    try:
        info = client.info()
    except ResponseError as error:  # it answers: an ACL without INFO takes nothing from Clarion
        return ok(check, f"{shown}; its version and memory cannot be seen ({_why(error)})"), ""
    version = str(info.get("valkey_version") or info.get("redis_version") or "")
    name = "Valkey" if "valkey_version" in info else "Redis"
    return _judged(check, f"{name} {version} at {shown}", info), str(info.get("run_id", ""))


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


def _shown(url: str) -> str:
    """A URL without its credentials."""
    parts = urlsplit(url)
    try:
        where = f"{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
    except ValueError:
        where = "?"
    return f"{parts.scheme}://{where}{parts.path}"


def _why(error: BaseException) -> str:
    return str(error).splitlines()[0][:120] if str(error) else type(error).__name__
