"""Webhooks: endpoints with their subscriptions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from webhooks.api.fields import Computed, Moment, PublicId, nullable
from webhooks.api.serializers.destination_shapes import DESTINATION
from webhooks.api.serializers.webhook_shapes import (
    ANY,
    AUTH,
    BATCH,
    CONSENT,
    RATE_LIMIT,
    RETRY_POLICY,
    SIGNING_KEYS,
    TEXT,
    texts,
)
from webhooks.api.shown import Shown
from webhooks.conf import conf
from webhooks.core import destinations, headers, ids, patterns, signatures, urls
from webhooks.core.envelope import timestamp
from webhooks.models import Endpoint, SigningKey
from webhooks.services import backlog, endpoint_auth, endpoint_fields


def _consent(endpoint: Endpoint) -> dict[str, Any] | None:
    row = getattr(endpoint, "consent", None) if endpoint.validation else None
    if row is None:
        return None
    moments = {"asked_at": row.asked_at, "answered_at": row.answered_at, "next_try_at": row.due_at}
    return {
        "status": row.status,
        "detail": row.detail or None,
        "granted_rate": row.granted_rate,
        **{name: timestamp(moment) if moment else None for name, moment in moments.items()},
    }


def shown_keys(keys: Iterable[SigningKey]) -> list[dict[str, Any]]:
    """The public halves, as answers show them."""
    return [
        {
            "id": key.public_id,
            "public_key": key.public_key,
            "valid_until": timestamp(key.valid_until) if key.valid_until else None,
        }
        for key in keys
    ]


_URL = nullable({"type": "string", "maxLength": urls.MAX_URL_LENGTH})


def _url(endpoint: Endpoint) -> str | None:
    return None if endpoint.destination else endpoint.url


def _event_types(endpoint: Endpoint) -> list[str]:
    return [subscription.pattern for subscription in endpoint.subscriptions.all()]


def _first(name: str) -> Any:
    def take(endpoint: Endpoint) -> Any:
        return next((getattr(one, name) for one in endpoint.subscriptions.all()), None)

    return take


class WebhookSerializer(Shown[Endpoint]):
    """A webhook: where the events of some types go, and how they are delivered."""

    # Context of an answer: ``breakers`` (id -> word) and ``pending`` (id -> number).

    id = PublicId(ids.WEBHOOK, help_text="Id of the webhook.")
    url = Computed(
        _url,
        _URL,
        required=False,
        help_text="Where deliveries are sent: https, a public host, in canonical form. `{version}` and "
        "`{event_type}` may stand in the path. null: there is a `destination`.",
    )
    webhook_url = Computed(_url, _URL, required=False, help_text="The same as `url`; accepted for it.")
    destination = Computed(
        lambda endpoint: destinations.shown(endpoint.destination) if endpoint.destination else None,
        nullable(DESTINATION),
        required=False,
        help_text="A queue in place of the URL: of an AMQP broker or a Redis (`queue`), of Amazon SQS (`sqs`), or an "
        "Amazon EventBridge bus (`eventbridge`). Secret parts come back masked; sending the mask keeps them.",
    )
    event_types = Computed(
        _event_types,
        texts(patterns.MAX_LENGTH) | {"minItems": 1, "maxItems": conf.MAX_SUBSCRIPTIONS},
        help_text="Types or patterns: `order.created`, `order.*` (one segment), `order.**` (any depth), `*` (all).",
    )
    version = Computed(
        lambda endpoint: endpoint.version or None,
        nullable({"type": "string", "maxLength": 32}),
        required=False,
        help_text="Only events of this version of their type; null: of every version.",
    )
    active = Computed(
        lambda endpoint: endpoint.state == Endpoint.State.ACTIVE,
        {"type": "boolean"},
        required=False,
        help_text="False holds deliveries until it is true again. Absent from PUT: unchanged.",
    )
    description = serializers.CharField(
        required=False, allow_blank=True, max_length=endpoint_fields.MAX_DESCRIPTION, help_text="For people."
    )
    metadata = Computed(
        lambda endpoint: endpoint.metadata, ANY, required=False, help_text="Your own data, at most 16 KiB."
    )
    channels = Computed(
        lambda endpoint: _first("channels")(endpoint) or [],
        texts(128) | {"maxItems": endpoint_fields.MAX_CHANNELS},
        required=False,
        help_text="Only events in one of these channels; empty: in any or none.",
    )
    filter = Computed(
        _first("filter"),
        nullable(ANY),
        required=False,
        help_text='At most 16 KiB. Only events with this content, such as `{"data.amount": {"$gte": 100}}`. Operators: '
        "$eq $ne $gt $gte $lt $lte $in $nin $exists $prefix $suffix $or $and $not.",
    )
    payload_format = Computed(
        lambda endpoint: endpoint.payload_format,
        {"type": "string", "enum": Endpoint.Format.values, "default": "envelope"},
        required=False,
        help_text="`envelope`: id, type, data and metadata; `data`: only the data as it was published; `cloudevents`: "
        "a CloudEvent in JSON (structured mode, an array for batches); `cloudevents-binary`: the data, with the "
        "attributes in `ce-` headers.",
    )
    content_type = serializers.CharField(
        required=False,
        max_length=100,
        help_text="Content-Type of deliveries: application/json or a type that ends in +json. The format `cloudevents` "
        "has types of its own and takes none.",
    )
    signature_schemes = Computed(
        lambda endpoint: endpoint.signature_schemes,
        {
            "type": "array",
            "minItems": 1,
            "maxItems": len(signatures.SCHEMES),
            "items": {"type": "string", "enum": list(signatures.SCHEMES)},
        },
        required=False,
        help_text=f"How deliveries are signed; {' and '.join(signatures.DEFAULT)} when absent. "
        + "; ".join(f"`{scheme.name}`: {scheme.summary}" for scheme in signatures.SCHEMES.values())
        + ".",
    )
    headers = Computed(
        lambda endpoint: headers.mask_headers(endpoint.headers),
        {
            "type": "object",
            "maxProperties": headers.MAX_HEADERS,
            "additionalProperties": texts(headers.MAX_VALUE_LENGTH)["items"],
        },
        required=False,
        help_text="Sent with every delivery. Values that look like secrets come back masked.",
    )
    auth = Computed(
        lambda endpoint: endpoint_auth.shown_auth(endpoint.auth),
        AUTH,
        required=False,
        help_text="How to log in at the receiver. Secret parts come back masked; sending the mask keeps them.",
    )
    retry_policy = Computed(
        lambda endpoint: endpoint.retry_policy,
        RETRY_POLICY,
        required=False,
        help_text="`default` (20 minutes), `fast` (31 s), `standard` (75 h), `none`, or a schedule of your own.",
    )
    retry_client_errors = serializers.BooleanField(
        required=False, help_text="Retry 3xx and 4xx answers as well, not only those that promise to pass."
    )
    timeout = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=conf.MAX_TIMEOUT,
        help_text="Seconds for the whole request.",
    )
    rate_limit = Computed(
        lambda endpoint: endpoint.rate_limit,
        nullable(RATE_LIMIT),
        required=False,
        help_text="At most so many requests in a period; null: no limit.",
    )
    max_in_flight = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=endpoint_fields.MAX_IN_FLIGHT,
        help_text="Parallel requests at most.",
    )
    ordered = serializers.BooleanField(
        required=False,
        help_text="One delivery at a time, in the order of events; a failing one holds the others.",
    )
    batch = Computed(
        lambda endpoint: endpoint.batch,
        nullable(BATCH),
        required=False,
        help_text="Several events in one request: as soon as `max_events` wait, or one has waited for `max_wait` "
        "seconds. null: one event a request.",
    )
    validation = Computed(
        lambda endpoint: endpoint.validation or None,
        nullable({"type": "string", "enum": [Endpoint.Validation.CLOUDEVENTS.value]}),
        required=False,
        help_text="`cloudevents`: the receiver has to consent by the handshake of CloudEvents' HTTP 1.1 Web Hooks "
        "before anything is sent, and again when the URL changes. null: nobody is asked.",
    )
    consent = Computed(
        _consent,
        nullable(CONSENT),
        read_only=True,
        help_text="State of that handshake; null without `validation`. The webhook is paused while it is `pending`.",
    )
    status = Computed(
        lambda endpoint: endpoint.state,
        {"type": "string", "enum": Endpoint.State.values},
        read_only=True,
        help_text="`paused` and `disabled` hold deliveries; `disabled` is also what Clarion does to a dead endpoint.",
    )
    disabled_reason = Computed(
        lambda endpoint: endpoint.disabled_reason or None,
        nullable(TEXT),
        read_only=True,
        help_text="Why it is paused or disabled; null while it is active.",
    )
    breaker = serializers.SerializerMethodField(
        help_text="`open`: after failures in a row nothing is sent for a while; `half_open`: one probe is due."
    )
    next_due_at = Computed(
        lambda endpoint: timestamp(due) if (due := endpoint.mailbox.next_due_at) else None,
        nullable({"type": "string", "format": "date-time"}),
        read_only=True,
        help_text="When Clarion looks at this webhook next; null: nothing waits.",
    )
    pending = serializers.SerializerMethodField(
        help_text=f"Deliveries that are not finished. Counting stops at {backlog.COUNT_LIMIT}."
    )
    signing_keys = Computed(
        lambda endpoint: shown_keys(endpoint.signing_keys.all()),
        SIGNING_KEYS,
        read_only=True,
        help_text="The ed25519 keys that sign its deliveries, newest first; several during a rotation. Also at "
        "`/.well-known/jwks.json?webhook=<id>`. Empty until it asks for `standard-ed25519` or `rfc9421`.",
    )
    tenant_id = PublicId(ids.TENANT, help_text="The tenant it belongs to.")
    created_at = Moment(read_only=True, help_text="When it was made.")
    updated_at = Moment(read_only=True, help_text="When it was changed last.")

    @extend_schema_field({"type": "string", "enum": ["closed", "open", "half_open"]})
    def get_breaker(self, endpoint: Endpoint) -> str:
        return str(self.context["breakers"].get(endpoint.id, "closed"))

    @extend_schema_field({"type": "integer", "minimum": 0, "maximum": backlog.COUNT_LIMIT})
    def get_pending(self, endpoint: Endpoint) -> int:
        return int(self.context["pending"].get(endpoint.id, 0))


class CreatedWebhookSerializer(WebhookSerializer):
    """A new webhook, with its secret: the only answer that shows it."""

    secret = serializers.SerializerMethodField(help_text="Signing secret (`whsec_…`). Keep it: it is not shown again.")

    def get_secret(self, endpoint: Endpoint) -> str:
        return str(self.context["secret"])
