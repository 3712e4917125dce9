"""Bodies and answers of the verbs of a webhook."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from webhooks.api.fields import Computed
from webhooks.api.serializers.webhook_shapes import SIGNING_KEYS
from webhooks.core import patterns
from webhooks.services import endpoints


class ConsentSerializer(serializers.Serializer[Any]):
    """Consent was taken."""

    status = Computed(
        lambda answer: answer["status"], {"type": "string", "const": "granted"}, read_only=True, help_text="`granted`."
    )


class RotateSecretSerializer(serializers.Serializer[Any]):
    """How to change the secret."""

    overlap_seconds = serializers.IntegerField(
        required=False,
        default=86_400,
        min_value=0,
        max_value=endpoints.MAX_OVERLAP,
        help_text="Seconds for which the old secret signs as well; 86400 (a day) when absent, at most a week.",
    )


class SecretSerializer(serializers.Serializer[Any]):
    """The new secret."""

    secret = serializers.CharField(read_only=True, help_text="Signing secret (`whsec_…`). It is not shown again.")
    signing_keys = Computed(
        lambda answer: answer["signing_keys"],
        SIGNING_KEYS,
        read_only=True,
        help_text="The ed25519 keys, the new one first; empty when the webhook has none.",
    )
    overlap_seconds = serializers.IntegerField(
        read_only=True, min_value=0, help_text="Seconds for which the old secret signs as well."
    )


class ReasonSerializer(serializers.Serializer[Any]):
    """Why."""

    reason = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=200,
        help_text="One sentence of printable text, shown as `disabled_reason`.",
    )


class TestEventSerializer(serializers.Serializer[Any]):
    """What to send."""

    event_type = serializers.CharField(
        required=False,
        default="webhook.test",
        max_length=patterns.MAX_LENGTH,
        help_text="Type of the test event; `webhook.test` when absent.",
    )


class TestSentSerializer(serializers.Serializer[Any]):
    """A test on its way."""

    event_id = serializers.CharField(read_only=True, help_text="Id of the test event.")
    delivery_id = serializers.CharField(read_only=True, help_text="Id of its delivery.")
