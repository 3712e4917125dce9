"""``sqs://``: messages in kombu's own format, as Celery and other consumers by kombu read them from SQS."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from typing import Any

import kombu
from kombu.transport import SQS as kombu_sqs

from webhooks.core.destinations import AwsAccess, QueueDestination
from webhooks.net.aws import fifo
from webhooks.net.aws_clients import client
from webhooks.net.brokers import encoding

_SQS: Any = kombu_sqs  # its stubs know a part of it only
MAX_KNOWN = 256  # queues whose URL a process remembers

_known: OrderedDict[Hashable, str] = OrderedDict()
_lock = threading.Lock()


def publish(
    destination: QueueDestination, access: AwsAccess, body: bytes, headers: Mapping[str, str], pool_key: Hashable
) -> None:
    """Put one message into a queue that exists. Raises what :mod:`webhooks.net.aws` expects."""
    sqs = client("sqs", access)
    url = _url(sqs, destination, pool_key)
    order: dict[str, Any] = fifo(body, headers) if destination.queue.endswith(".fifo") else {}
    options = {"made_client": sqs, "queue_url": url}
    with kombu.Connection(transport=_Transport, hostname="sqs", transport_options=options) as connection:
        kombu.Producer(connection.channel(), auto_declare=False).publish(
            body,
            exchange="",
            routing_key=destination.queue,
            content_type=headers.get("Content-Type", "application/octet-stream"),
            content_encoding=encoding(body),
            headers={name: value for name, value in headers.items() if name != "Content-Type"},
            retry=False,
            **order,
        )


def _url(sqs: Any, destination: QueueDestination, pool_key: Hashable) -> str:
    key = (pool_key, destination)
    with _lock:
        known = _known.get(key)
    if known is None:
        known = str(sqs.get_queue_url(QueueName=destination.queue)["QueueUrl"])
        with _lock:
            _known[key] = known
            while len(_known) > MAX_KNOWN:
                _known.popitem(last=False)
    return known


class _Channel(_SQS.Channel):  # type: ignore[misc]
    """Lists no queues, makes none, and calls AWS by the client it is given."""

    def _update_queue_cache(self, queue_name_prefix: str) -> None:
        pass

    def _new_queue(self, queue: str, **_: Any) -> str:
        return str(self.connection.client.transport_options["queue_url"])

    def sqs(self, queue: str | None = None) -> Any:
        return self.connection.client.transport_options["made_client"]


class _Transport(_SQS.Transport):  # type: ignore[misc]
    Channel = _Channel
