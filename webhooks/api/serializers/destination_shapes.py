"""JSON Schemas of a webhook's destination."""

from __future__ import annotations

from typing import Any

from webhooks.api.fields import nullable
from webhooks.core import broker_urls, destinations

_TITLES = {"queue": "QueueDestination", "sqs": "SqsDestination", "eventbridge": "EventBridgeDestination"}
_KINDS = {
    "queue": "A queue of an AMQP broker, a list of a Redis, or an SQS queue in kombu's format.",
    "sqs": "A queue of Amazon SQS; a message's body is the payload itself.",
    "eventbridge": "A bus of Amazon EventBridge; an entry's detail is the payload.",
}
# part -> longest text, example, description
_PARTS = {
    "url": (
        broker_urls.MAX_URL,
        "amqps://shop:s3cret@mq.example.com/shop",
        "amqp(s)://user:password@host:port/vhost, redis(s)://user:password@host:port/0 or "
        "sqs://key:secret@?region=eu-west-1. Without TLS only where the operator allows it.",
    ),
    "queue": (destinations.MAX_QUEUE, "orders", "Name of the queue, which has to exist; of Redis, the list's key."),
    "queue_url": (
        512,
        "https://sqs.eu-west-1.amazonaws.com/123456789012/orders",
        "https://sqs.<region>.amazonaws.com/<account>/<queue>; one that ends in .fifo keeps the order.",
    ),
    "region": (32, "eu-west-1", "The AWS region; of SQS that of queue_url when absent."),
    "access_key_id": (128, "AKIAIOSFODNN7EXAMPLE", "Of a user who may publish there, or assume the role."),
    "secret_access_key": (
        destinations.MAX_SECRET,
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "Its secret; comes back masked.",
    ),
    "role_arn": (600, "arn:aws:iam::123456789012:role/clarion", "A role to assume before publishing."),
    "endpoint_url": (256, "http://localstack:4566", "A stand-in for AWS, one of those that the operator allows."),
    "event_bus_name": (400, "shop", "Name or ARN of the event bus."),
    "source": (256, "shop.orders", f"Source of the entries; {destinations.DEFAULT_SOURCE} when absent."),
}


def _part(part: str) -> dict[str, Any]:
    name = part.rstrip("?")
    longest, example, description = _PARTS[name]
    shown = {"type": "string", "maxLength": longest, "examples": [example], "description": description}
    return nullable(shown) if part != name else shown  # null in a request is the same as no such part


DESTINATION = {
    "oneOf": [
        {
            "title": _TITLES[kind],
            "type": "object",
            "description": _KINDS[kind],
            "required": ["type", *(part for part in parts if not part.endswith("?"))],
            "additionalProperties": False,
            "properties": {"type": {"const": kind, "description": "The kind of destination."}}
            | {part.rstrip("?"): _part(part) for part in parts},
        }
        for kind, parts in destinations.PARTS.items()
    ]
}
