"""What happened: events (the outbox) and the keys their publishers chose."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from webhooks.core import ids
from webhooks.models.scoping import TenantQuerySet
from webhooks.models.tenants import Tenant


class Event(models.Model):
    """An accepted event. ``fanned_out_at`` NULL marks it as still to be routed: this table is the outbox.

    Partitioned by day of the key; ``data`` holds the bytes as published and is never re-serialised.
    """

    class Origin(models.TextChoices):
        API = "api"
        LIBRARY = "library"
        INBOUND = "inbound"
        TEST = "test"
        OPERATIONAL = "operational"

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    tenant = models.ForeignKey(
        Tenant, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False
    )
    key = models.CharField(max_length=128, null=True, blank=True, help_text="The publisher's own id.")
    type = models.CharField(max_length=128)
    version = models.CharField(max_length=32, blank=True)
    data = models.BinaryField()
    metadata = models.JSONField(default=dict)
    channels = ArrayField(models.CharField(max_length=128), default=list)
    correlation_id = models.CharField(max_length=128, blank=True)
    origin = models.CharField(max_length=12, choices=Origin.choices, default=Origin.API)
    created_at = models.DateTimeField(help_text="When it happened, as the publisher says.")
    fanned_out_at = models.DateTimeField(null=True)
    matched = models.PositiveIntegerField(default=0, help_text="Deliveries made by the fan-out.")
    # [{"webhook": id, "reason": "filter|channel|version"}]: endpoints whose type pattern fitted and that
    # still got nothing. Matches are deliveries; every endpoint not named in either does not want the type.
    routing = models.JSONField(default=list)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        indexes = (
            # fan_out and sweep: the outbox, oldest first
            models.Index(fields=["id"], name="event_outbox", condition=models.Q(fanned_out_at=None)),
            # fan_out of a backlog: a few of each tenant. claim: what an ordered endpoint has to wait for
            models.Index(fields=["tenant", "id"], name="event_outbox_tenant", condition=models.Q(fanned_out_at=None)),
            # GET /api/events: newest first of one tenant
            models.Index(fields=["tenant", "-id"], name="event_tenant"),
            # GET /api/events?event_type=
            models.Index(fields=["tenant", "type", "-id"], name="event_tenant_type"),
            # GET /api/events?correlation_id= and ?search=, also of deliveries and dead letters. Of routed events: so
            # publishing does not write it, and routing once instead of twice
            models.Index(
                fields=["tenant", "correlation_id", "-id"],
                name="event_correlation",
                condition=models.Q(fanned_out_at__isnull=False),
            ),
            # GET /api/events?matched=0: the fan-out writes all that this depends on in one UPDATE
            models.Index(
                fields=["tenant", "-id"],
                name="event_unwanted",
                condition=models.Q(matched=0, fanned_out_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.type} {self.public_id}"

    @property
    def public_id(self) -> str:
        return self.key or ids.show(ids.EVENT, self.id)


class EventKey(models.Model):
    """The publisher's own event ids. A partitioned table cannot hold this unique constraint, so it stands here."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=128)
    event_id = models.UUIDField()
    # SHA-256 over type, version, created_at, data, metadata and channels: tells a repeat from a conflict
    fingerprint = models.BinaryField(max_length=32)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["tenant", "key"], name="event_key_once"),)
        indexes = (
            # prune: keys of expired events
            models.Index(fields=["event_id"], name="event_key_event"),
        )

    def __str__(self) -> str:
        return self.key
