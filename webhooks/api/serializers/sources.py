"""Sources: who sends webhooks to us, and how he is verified."""

from __future__ import annotations

from typing import Any

import msgspec
from rest_framework import serializers

from webhooks.api.fields import Computed, Moment, PublicId, nullable
from webhooks.api.serializers.destination_shapes import DESTINATION
from webhooks.api.shown import Shown
from webhooks.conf import conf
from webhooks.core import destinations, headers, ids, inbound
from webhooks.core.inbound.options import MAX_ITEMS, MAX_TEXT
from webhooks.models import Source
from webhooks.models.sources import DEFAULT_MAX_BYTES, DEFAULT_TOLERANCE
from webhooks.services import source_fields, source_lookup, sources
from webhooks.services.endpoint_fields import MAX_PERIOD, MAX_RATE
from webhooks.services.endpoints import MAX_OVERLAP

_TEXT = {"type": "string"}
_SECRET = {"type": "string", "minLength": source_fields.MIN_SECRET, "maxLength": source_fields.MAX_SECRET}
_SECRETS = {
    "type": "array",
    "maxItems": source_fields.MAX_SECRETS,
    "items": _SECRET,
    "examples": [[headers.MASK]],
}
_ADDRESSES = {
    "type": "array",
    "maxItems": source_fields.MAX_NETWORKS,
    "items": {**_TEXT, "maxLength": 49},
    "default": [],
    "examples": [["192.0.2.0/24", "2001:db8::/32"]],
}
_RATE_LIMIT = {
    "title": "SourceRateLimit",
    "description": "How many requests are taken.",
    "type": "object",
    "required": ["limit"],
    "additionalProperties": False,
    "properties": {
        "limit": {"type": "integer", "minimum": 1, "maximum": MAX_RATE, "description": "Requests in each period."},
        "period": {
            "type": "number", "minimum": 1, "maximum": MAX_PERIOD, "default": 1, "description": "Seconds.",
        },
    },
    "examples": [{"limit": 600, "period": 60}],
}  # fmt: skip
# The options of all providers, each with an example; those in _LISTS take one text or several.
_EXAMPLES: dict[str, Any] = {
    "header": "X-Signature", "prefix": "sha256=", "algorithm": "sha256", "encoding": "hex",
    "template": "{timestamp}.{body}", "timestamp_header": "X-Timestamp", "secret_encoding": "text",
    "type_header": "X-Event", "type_pointer": "/event/type", "id_header": "X-Event-Id", "id_pointer": "/event/id",
    "auth": "api_key", "jwks_url": "https://login.example.com/.well-known/jwks.json",
    "issuer": "https://login.example.com", "audience": ["clarion"], "scope": "events", "subject": ["billing"],
    "format": "fingerprint", "verified_header": "X-Client-Verify", "verified_value": "SUCCESS",
    "expected": ["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
}  # fmt: skip
_LISTS = ("audience", "subject", "expected")
_OPTION = {"type": "string", "maxLength": MAX_TEXT}


def _options() -> dict[str, Any]:
    """Every option of every provider, with the providers that know it."""
    described: dict[str, dict[str, Any]] = {}
    for provider in inbound.PROVIDERS.values():
        for name, option in provider.options.items():
            one = described.setdefault(
                name, {**_kind(name), "description": option.help, "examples": [_EXAMPLES[name]], "for": []}
            )
            one["for"].append(provider.name)
    for one in described.values():
        one["description"] += f" For: {', '.join(one.pop('for'))}."
    return described


def _kind(name: str) -> dict[str, Any]:
    """In a request, null is the same as no such option."""
    if name not in _LISTS:
        return nullable(_OPTION)
    return {"anyOf": [_OPTION, {"type": "array", "maxItems": MAX_ITEMS, "items": _OPTION}, {"type": "null"}]}


_VERIFICATION = {
    "type": "object",
    "additionalProperties": False,
    "properties": _options(),
    "default": {},
}
_JSON_SCHEMA = {"type": ["object", "boolean", "null"], "additionalProperties": True, "examples": [{"type": "object"}]}


def _schema(source: Source) -> Any:
    return None if source.schema is None else msgspec.Raw(source.schema.encode())


class SourceSerializer(Shown[Any]):
    """Somebody who sends webhooks to us."""

    id = PublicId(ids.SOURCE, help_text="Id of the source.")
    url = serializers.SerializerMethodField(help_text="Where the provider has to send to. It is not guessable.")
    name = serializers.CharField(max_length=source_fields.MAX_NAME, help_text="For people, such as Stripe (live).")
    provider = Computed(
        lambda source: source.provider,
        {"type": "string", "enum": list(inbound.PROVIDERS), "examples": ["github"]},
        help_text="Who signs, and how. "
        + " ".join(f"`{name}`: {known.summary}." for name, known in inbound.PROVIDERS.items()),
    )
    secrets = Computed(
        lambda source: [headers.MASK for _ in source_lookup.in_force(source.secrets)],
        _SECRETS,
        required=False,
        help_text="What the provider signs with, newest first; several while one is changed. Answers show masks, and a "
        "mask that is sent back keeps the secret at its place. Absent: Clarion makes one where the provider lets you "
        "choose it.",
    )
    verification = Computed(
        lambda source: source.verification,
        _VERIFICATION,
        required=False,
        help_text="What the provider needs besides secrets; see docs/receiving.md.",
    )
    allowed_ips = Computed(
        lambda source: source.allowed_ips,
        _ADDRESSES,
        required=False,
        help_text="Networks the provider sends from; anybody else is answered 403. Empty: from anywhere.",
    )
    rate_limit = Computed(
        lambda source: source.rate_limit,
        nullable(_RATE_LIMIT),
        required=False,
        help_text="Requests taken in a period; more are answered 429 with Retry-After. null: any number.",
    )
    schema = Computed(
        _schema,
        _JSON_SCHEMA,
        required=False,
        help_text="JSON Schema (2020-12) of the content; what fails it is answered 422 and kept as rejected. At most "
        "64 KiB; null: none.",
    )
    max_bytes = serializers.IntegerField(
        required=False, default=DEFAULT_MAX_BYTES, min_value=1, max_value=conf.MAX_RECEIVED_BYTES,
        help_text="Bytes of a body; a larger one is answered 413.",
    )  # fmt: skip
    tolerance = serializers.IntegerField(
        required=False, default=DEFAULT_TOLERANCE, min_value=1, max_value=source_fields.MAX_TOLERANCE,
        help_text="Seconds that a signed time may be off, before or after, such as 300.",
    )  # fmt: skip
    event_type = serializers.CharField(
        required=False,
        max_length=128,
        help_text="Type of the events that messages become; {type} is the provider's own, such as github.{type}.",
    )
    forward = serializers.BooleanField(
        required=False, default=True, help_text="Whether a verified message becomes an event, which webhooks deliver."
    )
    forward_to = Computed(
        lambda source: destinations.shown(source.forward_to) if source.forward_to else None,
        nullable(DESTINATION),
        required=False,
        help_text="A queue that messages go to as well, as they came; secrets masked. null: none.",
    )
    active = serializers.BooleanField(
        required=False, default=True, help_text="false: whoever sends is answered 404, as if there were no source."
    )
    refused_lately = Computed(
        lambda source: None,
        {"type": ["integer", "null"], "minimum": 0, "examples": [3]},
        read_only=True,
        help_text="Requests refused for their address or signature in this hour and the one before. A few of them are "
        "kept with the reason. null: nobody knows.",
    )
    tenant_id = PublicId(ids.TENANT, help_text="The tenant it belongs to.")
    created_at = Moment(read_only=True, help_text="When it was made.")
    updated_at = Moment(read_only=True, help_text="When it was changed last.")

    def get_url(self, source: Source) -> str:
        return f"{conf.PUBLIC_URL}/in/{source.public_id}"

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return super().to_representation(instance) | {"refused_lately": self.context["refused"].get(instance.id)}


class CreatedSourceSerializer(SourceSerializer):
    """A source with the secret that Clarion has made for it: the only answer that shows it."""

    secret = Computed(
        lambda source: None,
        nullable(_TEXT | {"examples": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]}),
        read_only=True,
        help_text="The secret to put in at the provider's. It is not shown again. null: you have sent your own.",
    )

    def to_representation(self, instance: Any) -> dict[str, Any]:
        return super().to_representation(instance) | {"secret": self.context["secret"] or None}


class RotateSourceSecretSerializer(serializers.Serializer[Any]):
    """How to change the secret."""

    secret = serializers.CharField(
        required=False, allow_null=True,
        min_length=source_fields.MIN_SECRET, max_length=source_fields.MAX_SECRET,
        help_text="The new secret, when the provider has made it. Absent or null: Clarion makes one.",
    )  # fmt: skip
    overlap_seconds = serializers.IntegerField(
        required=False, default=sources.DEFAULT_OVERLAP, min_value=0, max_value=MAX_OVERLAP,
        help_text="Seconds for which the old ones count as well; 86400 (a day) when absent, at most a week.",
    )  # fmt: skip


class SourceSecretSerializer(serializers.Serializer[Any]):
    """The new secret."""

    secret = serializers.CharField(read_only=True, help_text="The secret. It is not shown again.")
    overlap_seconds = serializers.IntegerField(
        read_only=True, min_value=0, help_text="Seconds for which the old ones count as well."
    )
