"""Webhooks: endpoints with their subscriptions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rest_framework import serializers

from webhooks.api.fields import Computed, Moment, PublicId, nullable
from webhooks.conf import conf
from webhooks.core import backoff, headers, ids, oauth2, signatures
from webhooks.models import Consent, Endpoint, SigningKey
from webhooks.services import backlog, endpoint_auth, endpoint_fields

_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}
_ANY = {"type": "object", "additionalProperties": True}

_AUTH_TEXTS = {
    "token_url": "Where access tokens are asked for: https, a public host.",
    "scope": "Scopes to ask for, with blanks between them.",
    "token_endpoint_auth_method": "How the client says who it is (RFC 7591): by HTTP Basic, or in the body.",
    "certificate": "PEM: the client's certificate, and below it those of the authorities between.",
    "private_key": "PEM: the certificate's private key, not encrypted.",
}


def _auth_part(kind: str, part: str) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "type": "string",
        "description": _AUTH_TEXTS.get(part, f"{part.replace('_', ' ').capitalize()} of {kind} auth."),
    }
    if part == "token_endpoint_auth_method":
        shown |= {"enum": list(oauth2.METHODS), "default": oauth2.BASIC}
    return shown


_AUTH = {
    "oneOf": [
        {
            "type": "object",
            "title": kind,
            "required": ["type", *(part for part in parts if part not in endpoint_auth.OPTIONAL_PARTS)],
            "additionalProperties": False,
            "properties": {"type": {"const": kind, "description": "The kind of auth."}}
            | {part: _auth_part(kind, part) for part in parts},
        }
        for kind, parts in endpoint_auth.AUTH_PARTS.items()
    ]
}
_RETRY_POLICY = {
    "oneOf": [
        {"type": "string", "enum": list(backoff.POLICIES)},
        {
            "type": "object",
            "required": ["schedule"],
            "additionalProperties": False,
            "properties": {
                "schedule": {
                    "type": "array",
                    "maxItems": backoff.MAX_STEPS,
                    "items": {"type": "number", "minimum": 0, "maximum": backoff.MAX_STEP},
                    "description": "Seconds before each retry.",
                },
                "jitter": {
                    "type": "number",
                    "minimum": 0,
                    "maximum": 1,
                    "default": backoff.JITTER,
                    "description": "At most this share is added to each delay.",
                },
            },
        },
    ]
}
_BATCH = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "max_events": {
            "type": "integer",
            "minimum": 1,
            "maximum": endpoint_fields.MAX_BATCH,
            "default": endpoint_fields.DEFAULT_BATCH,
            "description": "Events of one request.",
        },
        "max_wait": {
            "type": "number",
            "minimum": 0,
            "maximum": endpoint_fields.MAX_WAIT,
            "default": endpoint_fields.DEFAULT_WAIT,
            "description": "Seconds an event waits for others.",
        },
    },
}
_RATE_LIMIT = {
    "type": "object",
    "required": ["limit"],
    "additionalProperties": False,
    "properties": {
        "limit": {
            "type": "integer",
            "minimum": 1,
            "maximum": endpoint_fields.MAX_RATE,
            "description": "Requests in each period.",
        },
        "period": {
            "type": "number",
            "minimum": 1,
            "maximum": endpoint_fields.MAX_PERIOD,
            "default": 1,
            "description": "Seconds.",
        },
    },
}


_CONSENT = {
    "type": "object",
    "required": ["status", "detail", "granted_rate", "asked_at", "answered_at", "next_try_at"],
    "properties": {
        "status": {"type": "string", "enum": Consent.Status.values, "description": "Deliveries wait while pending."},
        "detail": nullable(_TEXT | {"description": "What came of the last request, in a sentence."}),
        "granted_rate": nullable({"type": "integer", "description": "Requests a minute; null: any number."}),
        "asked_at": nullable({"type": "string", "format": "date-time", "description": "The last request."}),
        "answered_at": nullable({"type": "string", "format": "date-time", "description": "When consent was given."}),
        "next_try_at": nullable(
            {"type": "string", "format": "date-time", "description": "When the receiver is asked again, if it is."}
        ),
    },
}


_SIGNING_KEYS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["id", "public_key", "valid_until"],
        "properties": {
            "id": {"type": "string", "description": "`kid` of the JWKS and `keyid` of `rfc9421`."},
            "public_key": {"type": "string", "description": "`whpk_` and the base64 of the key (32 bytes)."},
            "valid_until": nullable(
                {"type": "string", "format": "date-time", "description": "When it stops to sign; null: it stays."}
            ),
        },
    },
}


def _consent(endpoint: Endpoint) -> dict[str, Any] | None:
    row = getattr(endpoint, "consent", None) if endpoint.validation else None
    if row is None:
        return None
    moments = {"asked_at": row.asked_at, "answered_at": row.answered_at, "next_try_at": row.due_at}
    return {
        "status": row.status,
        "detail": row.detail or None,
        "granted_rate": row.granted_rate,
        **{name: Moment().to_representation(moment) if moment else None for name, moment in moments.items()},
    }


def shown_keys(keys: Iterable[SigningKey]) -> list[dict[str, Any]]:
    """The public halves, as answers show them."""
    return [
        {
            "id": key.public_id,
            "public_key": key.public_key,
            "valid_until": Moment().to_representation(key.valid_until) if key.valid_until else None,
        }
        for key in keys
    ]


def _event_types(endpoint: Endpoint) -> list[str]:
    return [subscription.pattern for subscription in endpoint.subscriptions.all()]


def _first(name: str) -> Any:
    def take(endpoint: Endpoint) -> Any:
        return next((getattr(one, name) for one in endpoint.subscriptions.all()), None)

    return take


class WebhookSerializer(serializers.Serializer[Endpoint]):
    """A webhook: where the events of some types go, and how they are delivered.

    Context of an answer: ``breakers`` (id -> word) and ``pending`` (id -> number).
    """

    id = PublicId(ids.WEBHOOK, help_text="Id of the webhook.")
    url = serializers.CharField(
        max_length=2048,
        help_text="Where deliveries are sent: https, a public host, in canonical form. `{version}` and "
        "`{event_type}` may stand in the path.",
    )
    webhook_url = serializers.CharField(source="url", required=False, help_text="The same as `url`; accepted for it.")
    event_types = Computed(
        _event_types,
        _TEXTS | {"minItems": 1, "maxItems": conf.MAX_SUBSCRIPTIONS},
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
        lambda endpoint: endpoint.metadata, _ANY, required=False, help_text="Your own data, at most 16 KiB."
    )
    channels = Computed(
        lambda endpoint: _first("channels")(endpoint) or [],
        _TEXTS | {"maxItems": endpoint_fields.MAX_CHANNELS},
        required=False,
        help_text="Only events in one of these channels; empty: in any or none.",
    )
    filter = Computed(
        _first("filter"),
        nullable(_ANY),
        required=False,
        help_text='Only events with this content, such as `{"data.amount": {"$gte": 100}}`. Operators: $eq $ne '
        "$gt $gte $lt $lte $in $nin $exists $prefix $suffix $or $and $not.",
    )
    payload_format = Computed(
        lambda endpoint: endpoint.payload_format,
        {"type": "string", "enum": Endpoint.Format.values, "default": "envelope"},
        required=False,
        help_text="`envelope`: id, type, data and metadata; `data`: only the data as it was published.",
    )
    content_type = serializers.CharField(
        required=False,
        max_length=100,
        help_text="Content-Type of deliveries: application/json or a type that ends in +json.",
    )
    signature_schemes = Computed(
        lambda endpoint: endpoint.signature_schemes,
        {"type": "array", "minItems": 1, "items": {"type": "string", "enum": list(signatures.SCHEMES)}},
        required=False,
        help_text=f"How deliveries are signed; {' and '.join(signatures.DEFAULT)} when absent. "
        + "; ".join(f"`{scheme.name}`: {scheme.summary}" for scheme in signatures.SCHEMES.values())
        + ".",
    )
    headers = Computed(
        lambda endpoint: headers.mask_headers(endpoint.headers),
        {"type": "object", "maxProperties": headers.MAX_HEADERS, "additionalProperties": _TEXT},
        required=False,
        help_text="Sent with every delivery. Values that look like secrets come back masked.",
    )
    auth = Computed(
        lambda endpoint: endpoint_auth.shown_auth(endpoint.auth),
        _AUTH,
        required=False,
        help_text="How to log in at the receiver. Secret parts come back masked; sending the mask keeps them.",
    )
    retry_policy = Computed(
        lambda endpoint: endpoint.retry_policy,
        _RETRY_POLICY,
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
        nullable(_RATE_LIMIT),
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
        nullable(_BATCH),
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
        nullable(_CONSENT),
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
        nullable(_TEXT),
        read_only=True,
        help_text="Why it is paused or disabled; null while it is active.",
    )
    breaker = serializers.SerializerMethodField(
        help_text="`open`: after failures in a row nothing is sent for a while; `half_open`: one probe is due."
    )
    next_due_at = Computed(
        lambda endpoint: Moment().to_representation(due) if (due := endpoint.mailbox.next_due_at) else None,
        nullable({"type": "string", "format": "date-time"}),
        read_only=True,
        help_text="When Clarion looks at this webhook next; null: nothing waits.",
    )
    pending = serializers.SerializerMethodField(
        help_text=f"Deliveries that are not finished. Counting stops at {backlog.COUNT_LIMIT}."
    )
    signing_keys = Computed(
        lambda endpoint: shown_keys(endpoint.signing_keys.all()),
        _SIGNING_KEYS,
        read_only=True,
        help_text="The ed25519 keys that sign its deliveries, newest first; several during a rotation. Also at "
        "`/.well-known/jwks.json?webhook=<id>`. Empty until it asks for `standard-ed25519` or `rfc9421`.",
    )
    tenant_id = PublicId(ids.TENANT, help_text="The tenant it belongs to.")
    created_at = Moment(read_only=True, help_text="When it was made.")
    updated_at = Moment(read_only=True, help_text="When it was changed last.")

    def get_breaker(self, endpoint: Endpoint) -> str:
        return str(self.context["breakers"].get(endpoint.id, "closed"))

    def get_pending(self, endpoint: Endpoint) -> int:
        return int(self.context["pending"].get(endpoint.id, 0))


class CreatedWebhookSerializer(WebhookSerializer):
    """A new webhook, with its secret: the only answer that shows it."""

    secret = serializers.SerializerMethodField(help_text="Signing secret (`whsec_…`). Keep it: it is not shown again.")

    def get_secret(self, endpoint: Endpoint) -> str:
        return str(self.context["secret"])


class ConsentSerializer(serializers.Serializer[Any]):
    """Consent was taken."""

    status = serializers.CharField(read_only=True, help_text="`granted`.")


class RotateSecretSerializer(serializers.Serializer[Any]):
    """How to change the secret."""

    overlap_seconds = serializers.IntegerField(
        required=False,
        default=86_400,
        min_value=0,
        help_text="Seconds for which the old secret signs as well; 86400 (a day) when absent, at most a week.",
    )


class SecretSerializer(serializers.Serializer[Any]):
    """The new secret."""

    secret = serializers.CharField(read_only=True, help_text="Signing secret (`whsec_…`). It is not shown again.")
    signing_keys = Computed(
        lambda answer: answer["signing_keys"],
        _SIGNING_KEYS,
        read_only=True,
        help_text="The ed25519 keys, the new one first; empty when the webhook has none.",
    )
    overlap_seconds = serializers.IntegerField(
        read_only=True, help_text="Seconds for which the old secret signs as well."
    )


class ReasonSerializer(serializers.Serializer[Any]):
    """Why."""

    reason = serializers.CharField(
        required=False, max_length=200, help_text="One sentence, shown as `disabled_reason`."
    )


class TestEventSerializer(serializers.Serializer[Any]):
    """What to send."""

    event_type = serializers.CharField(
        required=False,
        default="webhook.test",
        help_text="Type of the test event; `webhook.test` when absent.",
    )


class TestSentSerializer(serializers.Serializer[Any]):
    """A test on its way."""

    event_id = serializers.CharField(read_only=True, help_text="Id of the test event.")
    delivery_id = serializers.CharField(read_only=True, help_text="Id of its delivery.")
