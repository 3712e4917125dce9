"""Warm links to message brokers, by kombu: its transports with sockets that lead to checked addresses only.

kombu speaks AMQP and writes Redis lists as its consumers (Celery among them) read them. It gets host, port and
credentials in parts, never a URL, and no retries of its own: the row of the delivery is what is tried again.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from contextlib import suppress
from typing import Any

import kombu
from amqp import transport as amqp_transport
from kombu.transport import pyamqp as kombu_pyamqp
from kombu.transport import redis as kombu_redis
from redis import Connection as RedisConnection
from redis.backoff import NoBackoff
from redis.retry import Retry

from webhooks.core.broker_urls import USUAL_PORTS
from webhooks.core.destinations import QueueDestination
from webhooks.net import outbound
from webhooks.net.connections import Trace
from webhooks.net.deadline import Deadline
from webhooks.net.reach import BoundedSocket, Bounds, Place

# Their stubs know a part of them only.
_amqp: Any = amqp_transport
_pyamqp: Any = kombu_pyamqp
_redis: Any = kombu_redis

MAX_SHORT = 255  # bytes of an AMQP short string, such as a message's id
PERSISTENT = 2  # delivery mode: kept on the broker's disk where the queue is durable


class Link:
    """A connection to the broker of one queue, in use by one thread or idle in a pool."""

    key: Hashable = None
    idle_until: float = 0.0

    def __init__(self, destination: QueueDestination, deadline: Deadline, trace: Trace) -> None:
        """Connect and log in. Raises :class:`ExchangeFailed` or what kombu's transport raises."""
        url = destination.url
        self.place = Place(url.host, url.port, USUAL_PORTS[url.scheme])
        self._bounds = Bounds(deadline)
        self._trace = trace
        self._amqp = url.scheme in ("amqp", "amqps")
        self._secure = url.scheme in ("amqps", "rediss")
        self._sock: BoundedSocket | None = None
        self._queue = destination.queue
        self._connection = kombu.Connection(
            transport=_TRANSPORTS[url.scheme],
            hostname=url.host,
            port=url.port,
            userid=url.username or None,
            password=url.password or None,
            virtual_host=url.path,
            connect_timeout=max(deadline.remaining(), 0.001),
            heartbeat=0,  # a link waits for less than brokers' heartbeats take
            transport_options={"link": self, **_OPTIONS.get(url.scheme, {})},
        )
        try:
            self._producer = kombu.Producer(self._connect(), auto_declare=False)
        except BaseException:
            self.close()
            raise

    @property
    def address(self) -> str | None:
        """The address connected to."""
        return self._trace.address

    @property
    def is_connected(self) -> bool:
        """Nothing waits to be read, and it is not closed."""
        return self._sock is not None and self._sock.idle

    def socket(self) -> BoundedSocket:
        """A new socket for the library that asks; only ever to a checked address."""
        context = outbound.broker_tls() if self._secure else None
        sock = outbound.reach().connect(self.place, self._bounds.deadline, self._trace, context)
        self._sock = BoundedSocket(sock, self._bounds)
        return self._sock

    def publish(self, body: bytes, headers: Mapping[str, str], deadline: Deadline) -> None:
        """Put a message into the queue; return when the broker has it."""
        self._bounds.renew(deadline)
        self._producer.publish(
            body,
            exchange="",
            routing_key=self._queue,
            content_type=headers.get("Content-Type", "application/octet-stream"),
            content_encoding=encoding(body),
            headers={name: value for name, value in headers.items() if name != "Content-Type"},
            delivery_mode=PERSISTENT,
            mandatory=True,
            retry=False,
            **_properties(headers),
        )

    def close(self) -> None:
        """Drop the connection, without words: the broker may be dead or hostile, and nothing is unconfirmed."""
        sock, self._sock = self._sock, None
        if sock is not None:
            with suppress(OSError):
                sock.close()
        with suppress(Exception):
            if self._amqp:
                self._connection.collect()
            else:
                self._connection.release()

    def _connect(self) -> Any:
        try:
            self._connection.ensure_connection(max_retries=0)
            return self._connection.channel()
        except kombu.exceptions.OperationalError as error:
            raise error.__cause__ or error from None


def encoding(body: bytes) -> str:
    """The content encoding by which kombu's consumers get text where the body is text."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return "binary"
    return "utf-8"


def _properties(headers: Mapping[str, str]) -> dict[str, Any]:
    """What brokers and their consoles show of a message, where it fits."""
    named = {
        "message_id": headers.get("webhook-id", ""),
        "correlation_id": headers.get("X-Correlation-ID", ""),
        "type": headers.get("X-Webhook-Event", ""),
    }
    return {name: value for name, value in named.items() if 0 < len(value.encode()) <= MAX_SHORT}


class _AmqpSocket(_amqp.TCPTransport):  # type: ignore[misc]
    """AMQP over a socket of the link, with TLS already on it."""

    link: Link

    def _connect(self, host: str, port: int, timeout: float | None) -> None:
        self.sock = self.link.socket()


class _AmqpConnection(_pyamqp.Connection):  # type: ignore[misc]
    def __init__(self, *, link: Link, **options: Any) -> None:
        super().__init__(**options)
        self._link = link

    def Transport(self, host: str, connect_timeout: float, *_: Any, **options: Any) -> _AmqpSocket:
        """py-amqp's factory of transports, hence its name."""
        transport = _AmqpSocket("guarded:1", connect_timeout=connect_timeout)
        transport.link = self._link
        return transport


class _AmqpTransport(_pyamqp.Transport):  # type: ignore[misc]
    Connection = _AmqpConnection


class _RedisChannel(_redis.Channel):  # type: ignore[misc]
    """Publishes only, over one connection: kombu would have a second one for consuming."""

    def _create_client(self, asynchronous: bool = False) -> Any:
        return super()._create_client(asynchronous=False)

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        params: dict[str, Any] = super()._connparams(asynchronous)
        link = self.connection.client.transport_options["link"]
        return params | {"connection_class": _RedisSocket, "link": link}


class _RedisSocket(RedisConnection):
    """Redis over a socket of the link, with TLS already on it. It tries nothing twice: a message could be doubled."""

    def __init__(self, *, link: Link, **options: Any) -> None:
        self._link = link
        super().__init__(  # type: ignore[no-untyped-call]
            **options | {"retry": Retry(NoBackoff(), 0), "retry_on_error": [], "retry_on_timeout": False}
        )

    def _connect(self) -> Any:
        return self._link.socket()


class _RedisTransport(_redis.Transport):  # type: ignore[misc]
    Channel = _RedisChannel


_TRANSPORTS: dict[str, type[Any]] = {
    "amqp": _AmqpTransport, "amqps": _AmqpTransport, "redis": _RedisTransport, "rediss": _RedisTransport,
}  # fmt: skip
# Without a confirmation a message that the broker drops (no such queue, too large, no space) would count as delivered.
_OPTIONS: dict[str, dict[str, Any]] = {"amqp": {"confirm_publish": True}, "amqps": {"confirm_publish": True}}
