"""The outgoing request, as the ``webhooks`` section of the OpenAPI document shows it."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiResponse, OpenApiWebhook, extend_schema
from rest_framework import serializers

from webhooks.api.fields import Computed


class EnvelopeSerializer(serializers.Serializer[Any]):
    """The body of a delivery in `envelope` format."""

    id = serializers.CharField(help_text="Id of the event; the same on every retry. Also in `webhook-id`.")
    type = serializers.CharField(help_text="Type of the event.")
    created_at = serializers.DateTimeField(help_text="When it happened.")
    version = serializers.CharField(help_text="Version of the type.")
    data = Computed(  # type: ignore[assignment]  # a field called data
        lambda event: None, {}, help_text="The content, byte for byte as it was published."
    )
    metadata = Computed(
        lambda event: None,
        {"type": "object", "additionalProperties": True},
        help_text="What the publisher said about it, with `correlation_id`, `tenant_id` and, if it has any, the "
        "tenant's own metadata as `tenant`.",
    )


class BatchSerializer(serializers.Serializer[Any]):
    """The body of a webhook with `batch`."""

    batch_id = serializers.CharField(help_text="Id of the batch; the same when it is sent again. Also in `webhook-id`.")
    created_at = serializers.DateTimeField(help_text="Time of its newest delivery.")
    event_count = serializers.IntegerField(min_value=1, help_text="Number of events.")
    events = EnvelopeSerializer(many=True, help_text="In the order in which they were accepted.")


HEADERS = {
    "webhook-id": "Id of the event: the same on every retry and replay. Use it to see repeats.",
    "webhook-timestamp": "Unix seconds of this attempt.",
    "webhook-signature": "`standard`: space-separated `v1,<base64>` (Standard Webhooks); `standard-ed25519`: "
    "`v1a,<base64>` beside them.",
    "X-Webhook-Signature": "`hex`: lower-case hex HMAC-SHA256 of the body, keyed with the whole secret string.",
    "X-Hub-Signature-256": "`github`: `sha256=` and the same in hex.",
    "Stripe-Signature": "`stripe`: `t=<unix seconds>,v1=<hex>`, a `v1` for each valid secret.",
    "Content-Digest": "`rfc9421`: SHA-256 of the body (RFC 9530).",
    "Signature-Input": "`rfc9421`: what each signature covers, when it was made and by which key (RFC 9421).",
    "Signature": "`rfc9421`: the signatures.",
    "X-Webhook-Event": "Type of the event.",
    "X-Webhook-Delivery": "Id of the delivery.",
    "X-Webhook-Attempt": "1 for the first attempt of the delivery.",
    "X-Correlation-ID": "Correlation id of the event.",
}

MAX_HEADER = 4096  # characters; the longest are signatures during a rotation
HEADER_EXAMPLES = {
    "webhook-id": "order-1001-created",
    "webhook-timestamp": "1757518245",
    "webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    "X-Webhook-Signature": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "X-Hub-Signature-256": "sha256=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "Stripe-Signature": "t=1757518245,v1=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "Content-Digest": "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:",
    "Signature-Input": 'sig1=("@method" "@target-uri" "content-digest");created=1757518245;keyid="sig_0199…"',
    "Signature": "sig1=:K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=:",
    "X-Webhook-Event": "order.created",
    "X-Webhook-Delivery": "dlv_019932c5a0e871d3b6f09a64e8c51b07",
    "X-Webhook-Attempt": "1",
    "X-Correlation-ID": "7b1c0de2f5a94c1e",
}

EVENT_DELIVERY = OpenApiWebhook(
    name="event",
    decorator=extend_schema(
        operation_id="event_delivery",
        summary="An event is delivered to your URL",
        description="Answer 2xx within the timeout. Anything else is tried again by the webhook's retry policy.",
        tags=["Deliveries to you"],
        request={"application/json": EnvelopeSerializer},
        responses={
            "2XX": OpenApiResponse(description="Received. The body is kept for the log and not read otherwise."),
            "410": OpenApiResponse(description="Gone: the webhook is disabled."),
        },
    ),
)

BATCH_DELIVERY = OpenApiWebhook(
    name="batch",
    decorator=extend_schema(
        operation_id="batch_delivery",
        summary="Several events are delivered to your URL",
        description="For webhooks with `batch`. 2xx takes all events; 207 settles each by itself; anything else is "
        "tried again as a whole.",
        tags=["Deliveries to you"],
        request={"application/json": BatchSerializer},
        responses={
            "2XX": OpenApiResponse(description="All events are received."),
            "207": OpenApiResponse(
                description='`{"results": [{"id", "status"}]}`: the status of each event; one that is not named comes '
                "again."
            ),
            "410": OpenApiResponse(description="Gone: the webhook is disabled."),
        },
    ),
)
