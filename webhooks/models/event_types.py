"""The catalogue of event types."""

from __future__ import annotations

from django.db import models

from webhooks.core import ids
from webhooks.models.scoping import TenantQuerySet
from webhooks.models.tenants import Tenant


class EventType(models.Model):
    """A registered type such as ``order.created``; without a tenant it is known to all of them."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, null=True, blank=True, related_name="event_types")
    name = models.CharField(max_length=128)
    description = models.TextField(blank=True)
    version = models.CharField(max_length=32, default="v1", help_text="Given to events published without one.")
    deprecated_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(fields=["tenant", "name"], name="event_type_of_tenant"),
            models.UniqueConstraint(fields=["name"], name="event_type_global", condition=models.Q(tenant=None)),
        )

    def __str__(self) -> str:
        return self.name
