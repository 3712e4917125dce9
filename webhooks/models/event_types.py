"""The catalogue of event types, and the versions of what they carry."""

from __future__ import annotations

from django.db import models

from webhooks.core import ids
from webhooks.models.scoping import TenantQuerySet
from webhooks.models.tenants import Tenant


class EventType(models.Model):
    """A registered type such as ``order.created``; without a tenant it is known to all of them."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, null=True, blank=True, related_name="event_types",
        help_text="Empty: known to all tenants that have none of their own with this name.",
    )  # fmt: skip
    name = models.CharField(max_length=128)
    description = models.TextField(blank=True)
    version = models.CharField(max_length=32, default="v1", help_text="Given to events published without one.")
    deprecated_at = models.DateTimeField(null=True, blank=True)
    deprecation_message = models.CharField(max_length=500, blank=True, help_text="What to use instead.")
    # {version: check_id} of the versions that are checked, a copy: publishing looks up this one row and no other
    checks = models.JSONField(default=dict, editable=False)
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


class EventTypeVersion(models.Model):
    """What events of a type carry. Inside a version a schema changes only in ways that break nobody.

    ``schema`` and ``example`` are JSON text, because a column of JSON would lose how numbers are spelled.
    ``check_id`` names what publishing has to check: it is new with each change of the schema or of how it is
    enforced, and NULL while there is nothing to check. So whoever knows the id knows the schema, for ever.
    """

    class Enforcement(models.TextChoices):
        OFF = "off", "Off: the schema is documentation"
        WARN = "warn", "Warn: accept the event and say what is wrong"
        BLOCK = "block", "Block: refuse the event"

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    event_type = models.ForeignKey(EventType, on_delete=models.CASCADE, related_name="versions")
    name = models.CharField(max_length=32, help_text="Such as v2.")
    description = models.TextField(blank=True)
    schema = models.TextField(null=True, blank=True, help_text="JSON Schema 2020-12 of the data.")
    example = models.TextField(null=True, blank=True, help_text="JSON that test events of this type carry.")
    enforcement = models.CharField(max_length=8, choices=Enforcement.choices, default=Enforcement.BLOCK)
    check_id = models.UUIDField(null=True, editable=False)
    warned = models.PositiveBigIntegerField(
        default=0, editable=False, help_text="Events accepted although they fail the schema."
    )
    last_warned_at = models.DateTimeField(null=True, editable=False)
    deprecated_at = models.DateTimeField(null=True, blank=True)
    deprecation_message = models.CharField(max_length=500, blank=True, help_text="What to use instead.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("event_type", "id")
        verbose_name = "event type version"
        constraints = (models.UniqueConstraint(fields=["event_type", "name"], name="event_type_version_once"),)
        indexes = (
            # ingest: the schema that a check names, and its count of warnings
            models.Index(fields=["check_id"], name="event_type_check", condition=models.Q(check_id__isnull=False)),
        )

    def __str__(self) -> str:
        return f"{self.event_type} {self.name}"
