"""What others send us: inbound sources and the messages they sent."""

from __future__ import annotations

from django.db import models

from webhooks.core import ids
from webhooks.models.fields import EncryptedJSONField
from webhooks.models.scoping import TenantQuerySet
from webhooks.models.tenants import Tenant


class Source(models.Model):
    """A provider that sends webhooks to ``/in/<id>``."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="sources")
    name = models.CharField(max_length=200)
    provider = models.CharField(max_length=24)
    secrets = EncryptedJSONField(default=list)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class ReceivedMessage(models.Model):
    """One inbound request, stored as it came. Partitioned by day of the key."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    tenant = models.ForeignKey(
        Tenant, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False
    )
    source = models.ForeignKey(
        Source, on_delete=models.DO_NOTHING, db_constraint=False, related_name="messages", db_index=False
    )
    key = models.CharField(max_length=128, blank=True, help_text="The provider's id of the message.")
    headers = models.JSONField(default=list, help_text="Secrets masked.")
    body = models.BinaryField(default=bytes)
    status = models.CharField(max_length=10, default="received")
    received_at = models.DateTimeField()

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        indexes = (
            # GET /api/received: newest first of one source
            models.Index(fields=["source", "-id"], name="received_source"),
        )

    def __str__(self) -> str:
        return ids.show(ids.RECEIVED, self.id)
