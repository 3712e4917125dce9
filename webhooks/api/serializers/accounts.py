"""Tenants and API keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rest_framework import serializers

from webhooks.api.fields import Computed, Moment, PublicId, id_schema, nullable
from webhooks.api.shown import Shown
from webhooks.core import ids
from webhooks.core.envelope import timestamp
from webhooks.models import SCOPES, ApiKey, OAuthClient, Tenant
from webhooks.services import oauth_clients
from webhooks.services.endpoints import MAX_OVERLAP

_MOMENT = {"type": "string", "format": "date-time"}
_OBJECT = {"type": "object", "additionalProperties": True}


def _moment(name: str) -> Callable[[Any], str | None]:
    def take(row: Any) -> str | None:
        value = getattr(row, name)
        return timestamp(value) if value else None

    return take


class TenantSerializer(Shown[Tenant]):
    """A customer of the product that runs Clarion."""

    id = PublicId(ids.TENANT, help_text="Id of the tenant.")
    name = serializers.CharField(max_length=200, help_text="For people.")
    slug = serializers.RegexField(
        r"^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$",
        required=False,
        allow_null=True,
        help_text="Short name, unique; made from the name when absent.",
    )
    metadata = Computed(
        lambda tenant: tenant.metadata,
        nullable(_OBJECT),
        required=False,
        help_text="Sent with each delivery as metadata.tenant; no secrets here. At most 4 KiB.",
    )
    active = serializers.BooleanField(read_only=True, help_text="False: its API keys do not work.")
    created_at = Moment(read_only=True, help_text="When it was made.")


class ApiKeySerializer(Shown[ApiKey]):
    """An API key. The token itself is stored nowhere."""

    id = PublicId(ids.API_KEY, help_text="Id of the key.")
    name = serializers.CharField(max_length=200, help_text="For people.")
    prefix = Computed(
        lambda key: f"clk_{key.prefix}",
        {"type": "string", "maxLength": 20},
        read_only=True,
        help_text="How its token begins.",
    )
    tenant_id = Computed(
        lambda key: ids.show(ids.TENANT, key.tenant_id) if key.tenant_id else None,
        nullable(id_schema(ids.TENANT)),
        read_only=True,
        help_text="The tenant it acts for; null: a platform key.",
    )
    scopes = Computed(
        lambda key: key.scopes,
        nullable({"type": "array", "maxItems": len(SCOPES), "items": {"type": "string", "enum": list(SCOPES)}}),
        required=False,
        help_text="What it may do; never more than the key that makes it. Absent: the same as that one.",
    )
    created_at = Moment(read_only=True, help_text="When it was made.")
    expires_at = Computed(
        _moment("expires_at"), nullable(_MOMENT), required=False, help_text="When it stops working; null: never."
    )
    revoked_at = Computed(
        _moment("revoked_at"), nullable(_MOMENT), read_only=True, help_text="When it was revoked; null: it was not."
    )
    last_used_at = Computed(
        _moment("last_used_at"), nullable(_MOMENT), read_only=True, help_text="When it was used last, to the minute."
    )


class CreatedApiKeySerializer(ApiKeySerializer):
    """A new API key, with its token: the only answer that shows it."""

    token = serializers.SerializerMethodField(help_text="The bearer token. Keep it: it is not shown again.")

    def get_token(self, key: ApiKey) -> str:
        return str(self.context["token"])


class OAuthClientSerializer(Shown[OAuthClient]):
    """A program that fetches its own access tokens. Neither its secret nor its tokens are stored."""

    id = PublicId(ids.OAUTH_CLIENT, help_text="Id of the client: its client_id.")
    name = serializers.CharField(max_length=200, help_text="For people.")
    tenant_id = Computed(
        lambda client: ids.show(ids.TENANT, client.tenant_id) if client.tenant_id else None,
        nullable(id_schema(ids.TENANT)),
        read_only=True,
        help_text="The tenant it acts for; null: a platform client.",
    )
    scopes = Computed(
        lambda client: client.scopes,
        nullable({"type": "array", "maxItems": len(SCOPES), "items": {"type": "string", "enum": list(SCOPES)}}),
        required=False,
        help_text="The most that its tokens may do; never more than the credential that makes it. Absent: the same as "
        "that one.",
    )
    created_at = Moment(read_only=True, help_text="When it was made.")
    expires_at = Computed(
        _moment("expires_at"), nullable(_MOMENT), required=False, help_text="When it stops working; null: never."
    )
    revoked_at = Computed(
        _moment("revoked_at"), nullable(_MOMENT), read_only=True, help_text="When it was revoked; null: it was not."
    )
    last_used_at = Computed(
        _moment("last_used_at"),
        nullable(_MOMENT),
        read_only=True,
        help_text="When one of its tokens was used last, to the minute.",
    )
    previous_secret_until = Computed(
        _moment("previous_until"),
        nullable(_MOMENT),
        read_only=True,
        help_text="Until when the secret before the last rotation counts, or counted; null: it ended at once.",
    )


class CreatedOAuthClientSerializer(OAuthClientSerializer):
    """A new OAuth client, with its secret: the only answer that shows it."""

    client_id = PublicId(
        ids.OAUTH_CLIENT, source="id", help_text="The same as id, under the name that OAuth has for it."
    )
    client_secret = serializers.SerializerMethodField(help_text="The secret. Keep it: it is not shown again.")

    def get_client_secret(self, client: OAuthClient) -> str:
        return str(self.context["secret"])


class RotateOAuthClientSecretSerializer(serializers.Serializer[Any]):
    """How to change the secret."""

    overlap_seconds = serializers.IntegerField(
        required=False, default=oauth_clients.DEFAULT_OVERLAP, min_value=0, max_value=MAX_OVERLAP,
        help_text="Seconds for which the old secret fetches tokens as well; 86400 (a day) when absent, at most a week. "
        "0: it ends at once, with all tokens of the client.",
    )  # fmt: skip


class OAuthClientSecretSerializer(serializers.Serializer[Any]):
    """The new secret."""

    client_id = serializers.CharField(read_only=True, help_text="Id of the client; it stays.")
    client_secret = serializers.CharField(read_only=True, help_text="The new secret. Keep it: it is not shown again.")
    overlap_seconds = serializers.IntegerField(
        read_only=True, min_value=0, help_text="Seconds for which the old secret fetches tokens as well."
    )
