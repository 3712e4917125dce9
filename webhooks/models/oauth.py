"""OAuth 2.0 clients and the access tokens they were given."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from webhooks.core import ids
from webhooks.models.scoping import TenantQuerySet
from webhooks.models.tenants import Tenant


class OAuthClient(models.Model):
    """A program that fetches its own short-lived tokens; without a tenant it is a platform client.

    Its ``client_id`` is its shown id. A stolen table gives neither secrets nor tokens: both are random and hashed.
    Until ``previous_until`` the secret before the last rotation counts as well.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, null=True, blank=True, related_name="oauth_clients",
        help_text="Empty: a platform client, which may act for every tenant.",
    )  # fmt: skip
    name = models.CharField(max_length=200)
    secret_hash = models.BinaryField(max_length=32, editable=False)  # SHA-256 of 256 random bits
    previous_hash = models.BinaryField(max_length=32, null=True, editable=False)
    previous_until = models.DateTimeField(null=True, blank=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=32), default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)
        verbose_name = "OAuth client"

    def __str__(self) -> str:
        return self.name

    @property
    def public_id(self) -> str:
        return ids.show(ids.OAUTH_CLIENT, self.id)


class OAuthToken(models.Model):
    """An access token that was issued and not revoked. Written by :mod:`webhooks.services.oauth_tokens` alone."""

    digest = models.BinaryField(primary_key=True, max_length=32)  # SHA-256 of the token, which has 256 random bits
    client = models.ForeignKey(OAuthClient, on_delete=models.CASCADE, related_name="tokens")
    scopes = ArrayField(models.CharField(max_length=32))
    expires_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["expires_at"], name="oauthtoken_expired"),  # prune
        ]

    def __str__(self) -> str:
        return bytes(self.digest).hex()[:12]
