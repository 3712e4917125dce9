"""Publishing to Amazon SQS and EventBridge."""

from __future__ import annotations

import json
import logging
from collections.abc import Hashable, Mapping
from dataclasses import replace
from hashlib import sha256
from time import monotonic
from typing import Any

from botocore.exceptions import ClientError

from webhooks.core.destinations import (
    AwsAccess,
    Destination,
    EventBridgeDestination,
    QueueDestination,
    SqsDestination,
    sqs_endpoint,
)
from webhooks.core.headers import clean_stored
from webhooks.net import outbound
from webhooks.net.aws_clients import Call, calling, client, parse_url
from webhooks.net.aws_errors import NOT_AN_OBJECT, NOT_TEXT, classify, too_large
from webhooks.net.deadline import Deadline
from webhooks.net.result import ErrorClass, ExchangeFailed, HttpResult

MAX_MESSAGE = 1_048_576  # bytes (1 MiB) of an SQS message with its attributes, since August 2025
MAX_ENTRY = 1_048_576  # bytes of an EventBridge entry, since January 2026
MAX_DETAIL_TYPE = 128  # characters
MAX_CODE = 64  # characters of an error code that stand in a sentence
# Headers with an attribute of their own. SQS allows ten attributes, so all others share one, as JSON.
ATTRIBUTES = (
    "webhook-id", "webhook-timestamp", "webhook-signature", "X-Webhook-Signature", "X-Webhook-Event",
    "X-Webhook-Delivery", "X-Webhook-Attempt", "X-Correlation-ID", "Content-Type",
)  # fmt: skip
OTHERS = "Headers"

logger = logging.getLogger(__name__)


class _Unacceptable(ExchangeFailed):
    """Nothing of this message could be sent, now or later."""

    def __init__(self, detail: str) -> None:
        super().__init__(ErrorClass.UNACCEPTABLE_MESSAGE, detail)


def send(
    destination: Destination, body: bytes, headers: Mapping[str, str], *, timeout: float, pool_key: Hashable
) -> HttpResult:
    """See :func:`webhooks.net.queues.send`."""
    call, started = Call(Deadline(timeout), pool_key), monotonic()
    try:
        with calling(call):
            result = _send(destination, body, headers, call)
    except ExchangeFailed as failure:
        result = replace(call.result or HttpResult(), status=None, error=failure.error, detail=failure.detail)
    except ClientError as error:
        result = _refused(error, call)
    except Exception:
        logger.exception("publishing to AWS failed inside Clarion")
        detail = "Clarion failed while publishing; its log has the cause."
        result = HttpResult(error=ErrorClass.INTERNAL_ERROR, detail=detail)
    result.timings_ms.total = (monotonic() - started) * 1000
    return result


def why_unreachable(destination: Destination, timeout: float) -> str:
    """See :func:`webhooks.net.queues.why_unreachable`."""
    service = "events" if isinstance(destination, EventBridgeDestination) else "sqs"
    try:
        url = parse_url(access_of(destination).endpoint(service))
    except ExchangeFailed as failure:
        return failure.detail
    return outbound.client().why_unreachable(url, timeout)


def access_of(destination: Destination) -> AwsAccess:
    """Keys and region of a destination; of ``sqs://`` from its URL."""
    if not isinstance(destination, QueueDestination):
        return destination.access
    url = destination.url
    endpoint = sqs_endpoint(url, outbound.aws_endpoints()) if url.host else ""
    return AwsAccess(url.region, url.username, url.password, endpoint_url=endpoint)


def _send(destination: Destination, body: bytes, headers: Mapping[str, str], call: Call) -> HttpResult:
    if isinstance(destination, EventBridgeDestination):
        _put_event(destination, _text(body), headers)
    elif isinstance(destination, SqsDestination):
        _send_message(destination, _text(body), headers)
    else:
        from webhooks.net import kombu_sqs

        kombu_sqs.publish(destination, access_of(destination), body, headers, call.pool_key)
    return call.result or HttpResult()


def _text(body: bytes) -> str:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise _Unacceptable(NOT_TEXT) from None
    if not text:
        raise _Unacceptable("The queue takes no empty message.")
    return text


def _send_message(destination: SqsDestination, text: str, headers: Mapping[str, str]) -> None:
    attributes = _attributes(headers)
    weight = len(text.encode()) + sum(len(name) + 6 + len(value.encode()) for name, value in attributes.items())
    if weight > MAX_MESSAGE:
        raise _Unacceptable(too_large(weight, MAX_MESSAGE))
    order = fifo(text.encode(), headers) if destination.fifo else {}
    client("sqs", destination.access).send_message(
        QueueUrl=destination.queue_url,
        MessageBody=text,
        MessageAttributes={name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()},
        **order,
    )


def _attributes(headers: Mapping[str, str]) -> dict[str, str]:
    own = {name: headers[name] for name in ATTRIBUTES if headers.get(name)}
    others = {name: value for name, value in headers.items() if name not in own and value}
    return own | ({OTHERS: json.dumps(others, separators=(",", ":"))} if others else {})


def fifo(body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    """Group and deduplication id of a message for a FIFO queue: one group, and a delivery's retries are duplicates."""
    key = headers.get("X-Webhook-Delivery") or headers.get("webhook-id") or sha256(body).hexdigest()
    return {"MessageGroupId": "clarion", "MessageDeduplicationId": key[:128]}


def _put_event(destination: EventBridgeDestination, text: str, headers: Mapping[str, str]) -> None:
    kind = headers.get("X-Webhook-Event", "webhook")[:MAX_DETAIL_TYPE]
    weight = len(destination.source) + len(kind.encode()) + len(text.encode())
    if weight > MAX_ENTRY:
        raise _Unacceptable(too_large(weight, MAX_ENTRY))
    if not text.lstrip(" \t\r\n").startswith("{"):
        raise _Unacceptable(NOT_AN_OBJECT)
    answer = client("events", destination.access).put_events(
        Entries=[
            {
                "Source": destination.source,
                "DetailType": kind,
                "Detail": text,
                "EventBusName": destination.event_bus_name,
            }
        ]
    )
    if answer.get("FailedEntryCount"):
        raise ExchangeFailed(*classify(clean_stored(answer["Entries"][0].get("ErrorCode", ""), MAX_CODE)))


def _refused(error: ClientError, call: Call) -> HttpResult:
    """An error that AWS has answered with. A status that promises to pass counts as such."""
    result: HttpResult = call.result or HttpResult()
    if result.status is not None and (result.status >= 500 or result.status == 429):
        return result
    details: Any = error.response.get("Error", {})
    kind, detail = classify(clean_stored(str(details.get("Code", "")), MAX_CODE))
    return replace(result, status=None, error=kind, detail=detail)
