"""Publishing to queues: what :mod:`webhooks.net.client` is for URLs, with results of the same kind.

A message that the broker has taken is status 202 (AMQP, Redis) or the status AWS answered with. A failure has an error
class and a sentence; what the broker itself said is the result's body, for it is a peer's text like any answer.
"""

from __future__ import annotations

import logging
from collections.abc import Hashable, Mapping
from functools import lru_cache
from time import monotonic
from typing import TYPE_CHECKING

from webhooks.core.broker_urls import USUAL_PORTS
from webhooks.core.destinations import Destination, QueueDestination
from webhooks.core.headers import clean_stored
from webhooks.net import outbound
from webhooks.net.connections import Trace
from webhooks.net.deadline import Deadline
from webhooks.net.pool import ConnectionPool
from webhooks.net.reach import Place
from webhooks.net.refusal import refused
from webhooks.net.result import ErrorClass, ExchangeFailed, HttpResult, Unreachable

if TYPE_CHECKING:
    from webhooks.net.brokers import Link

ACCEPTED = 202  # the status of a message that a broker has taken, for those that have no statuses
MAX_IDLE = 64  # links of one process that wait for their next message
MAX_IDLE_PER_QUEUE = 4
NO_BOTO = "boto3 is not installed in this process; the operator installs it with pip install 'clarion-webhooks[aws]'."
MAX_SAID = 2048  # characters kept of what a broker said

logger = logging.getLogger(__name__)


def send(
    destination: Destination, body: bytes, headers: Mapping[str, str], *, timeout: float, pool_key: Hashable = None
) -> HttpResult:
    """Publish one message within ``timeout`` seconds; never raises for anything the network or the broker does.

    ``headers``: of the message; ``Content-Type`` is its content type. ``pool_key``: who may share warm links (the
    endpoint's id, the source's id), None to keep none: a link is never shared by two tenants.
    """
    if isinstance(destination, QueueDestination) and destination.url.scheme != "sqs":
        return _publish(destination, body, headers, timeout, pool_key)
    try:
        from webhooks.net import aws  # boto3 is an extra, and takes half a second to load
    except ImportError:
        return HttpResult(error=ErrorClass.INTERNAL_ERROR, detail=NO_BOTO)
    return aws.send(destination, body, headers, timeout=timeout, pool_key=pool_key)


def why_unreachable(destination: Destination, timeout: float = 5.0) -> str:
    """The cause that tenants are not told; empty when the addresses may be connected to. Nothing is connected to."""
    if not isinstance(destination, QueueDestination) or destination.url.scheme == "sqs":
        try:
            from webhooks.net import aws
        except ImportError:
            return NO_BOTO
        return aws.why_unreachable(destination, timeout)
    url = destination.url
    try:
        outbound.reach().answers(Place(url.host, url.port, USUAL_PORTS[url.scheme]), Deadline(timeout))
    except Unreachable as refusal:
        return refusal.cause
    except ExchangeFailed as failure:
        return failure.detail
    return ""


@lru_cache(maxsize=1)
def links() -> ConnectionPool[Link]:
    """The idle links of this process."""
    return ConnectionPool(max_per_key=MAX_IDLE_PER_QUEUE, max_total=MAX_IDLE)


def _publish(
    destination: QueueDestination, body: bytes, headers: Mapping[str, str], timeout: float, pool_key: Hashable
) -> HttpResult:
    trace, started, deadline = Trace(), monotonic(), Deadline(timeout)
    try:
        result = _exchange(destination, body, headers, deadline, trace, pool_key)
    except Unreachable as refusal:
        logger.warning(
            "unreachable target: key=%s host=%s cause=%s", pool_key, destination.url.authority, refusal.cause
        )
        return refused(refusal, monotonic() - started, min(outbound.reach().connect_timeout, timeout))
    except ExchangeFailed as failure:
        result = HttpResult(error=failure.error, detail=failure.detail, timings_ms=trace.timings, address=trace.address)
    except Exception as error:
        result = _failed(error, trace, deadline)
    trace.timings.total = (monotonic() - started) * 1000
    return result


def _exchange(
    destination: QueueDestination, body: bytes, headers: Mapping[str, str], deadline: Deadline, trace: Trace,
    pool_key: Hashable,
) -> HttpResult:  # fmt: skip
    """Over a warm link when there is one. A message whose first byte may have left is not sent a second time here."""
    from webhooks.net.brokers import Link  # kombu's transports are loaded by those who use queues

    key = (pool_key, destination)
    link = links().take(key) if pool_key is not None else None
    reused = link is not None
    if link is None:
        link = Link(destination, deadline, trace)
    keep = False
    try:
        sent_at = monotonic()
        trace.address = link.address
        link.publish(body, headers, deadline)
        trace.timings.first_byte = (monotonic() - sent_at) * 1000
        keep = pool_key is not None
    finally:
        if keep:
            links().put(link, key)
        else:
            link.close()
    return HttpResult(status=ACCEPTED, timings_ms=trace.timings, address=trace.address, reused=reused)


def _failed(error: Exception, trace: Trace, deadline: Deadline) -> HttpResult:
    from webhooks.net.broker_errors import classify

    kind, detail = classify(error, late=deadline.remaining() <= 0)
    if kind is ErrorClass.INTERNAL_ERROR:
        logger.error("publishing failed inside Clarion", exc_info=error)
    said = clean_stored(str(error), MAX_SAID) if kind in _SPOKEN else ""
    return HttpResult(error=kind, detail=detail, body=said.encode(), timings_ms=trace.timings, address=trace.address)


# Failures in which the broker has said something itself.
_SPOKEN = frozenset(
    {ErrorClass.ACCESS_REFUSED, ErrorClass.NO_SUCH_QUEUE, ErrorClass.BROKER_REFUSED, ErrorClass.UNACCEPTABLE_MESSAGE}
)
