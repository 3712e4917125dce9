"""Who publishes and subscribes: tenants and their API keys."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from webhooks.core import ids
from webhooks.models.scoping import TenantQuerySet

# scope -> what it allows
SCOPE_DESCRIPTIONS = {
    "events:write": "Publish events; register event types.",
    "events:read": "See events, deliveries, attempts and dead letters.",
    "webhooks:write": "Make, change, test and delete webhooks.",
    "webhooks:read": "See webhooks and event types.",
    "operations": "Retry, cancel and replay deliveries; run bulk operations.",
    "sources:write": "Make, change and delete sources of received webhooks.",
    "sources:read": "See sources and what they received.",
    "tenants": "See and make tenants; for platform credentials only.",
    "keys": "See, make and revoke API keys and OAuth clients; see the audit log.",
}
SCOPES = tuple(SCOPE_DESCRIPTIONS)


class TenantsQuerySet(TenantQuerySet["Tenant"]):
    """A tenant belongs to itself."""

    tenant_column = "id"


class Tenant(models.Model):
    """A customer of the product that runs Clarion. Everything below belongs to exactly one."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    slug = models.SlugField(max_length=64, unique=True, help_text="Short name used in URLs and headers.")
    name = models.CharField(max_length=200)
    metadata = models.JSONField(
        default=dict, blank=True, help_text="Sent with each delivery under metadata.tenant; no secrets here."
    )
    active = models.BooleanField(default=True, help_text="Off: the tenant's API keys stop working.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TenantsQuerySet.as_manager()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def public_id(self) -> str:
        return ids.show(ids.TENANT, self.id)


class ApiKey(models.Model):
    """A hashed bearer token ``clk_<prefix>_<secret>``; without a tenant it is a platform key."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, null=True, blank=True, related_name="api_keys",
        help_text="Empty: a platform key, which may act for every tenant.",
    )  # fmt: skip
    name = models.CharField(max_length=200)
    prefix = models.CharField(max_length=16, unique=True, editable=False)
    secret_hash = models.BinaryField(max_length=32, editable=False)  # SHA-256 of 256 random bits
    scopes = ArrayField(models.CharField(max_length=32), default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.name} (clk_{self.prefix}_…)"

    @property
    def public_id(self) -> str:
        return ids.show(ids.API_KEY, self.id)
