"""Who did what: an append-only log, chained by hashes."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils import timezone

from webhooks.core import ids
from webhooks.core.chain import Link
from webhooks.models.scoping import TenantQuerySet
from webhooks.models.tenants import Tenant

PREFIX = "aud"  # of the shown ids
MAX_OBJECTS = 100  # ids that an entry about many objects names; it counts all of them


class AuditEntry(models.Model):
    """One change, replay, reveal of a secret or login.

    Invariants: an entry is inserted in the transaction of what it records, without a place in the chain, so no two
    writers ever wait for each other. :func:`webhooks.services.audit_chain.seal` gives it ``sequence``, ``previous``
    and ``hash`` soon after the commit. A trigger refuses any other update, and deletion but by retention.
    ``sequence`` runs from 1 without gaps and is the order of the chain; ``id`` is the order of time.
    """

    class Actor(models.TextChoices):
        API_KEY = "api_key", "API key"
        PLATFORM_KEY = "platform_key", "platform key"
        OAUTH = "oauth", "OAuth client"
        PLATFORM_APP = "platform_app", "platform OAuth client"
        PORTAL = "portal", "portal visitor"
        STAFF = "staff"
        COMMAND = "command"
        SYSTEM = "system"
        ANONYMOUS = "anonymous", "nobody known"

    # Whose names and addresses a tenant may see: its own, not those of the people who run Clarion.
    OF_TENANTS = (Actor.API_KEY, Actor.OAUTH, Actor.PORTAL)

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    at = models.DateTimeField(default=timezone.now)
    tenant = models.ForeignKey(
        Tenant, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, null=True, related_name="+"
    )
    actor_kind = models.CharField(max_length=12, choices=Actor.choices)
    actor_id = models.CharField(max_length=64, blank=True)
    actor_label = models.CharField(max_length=200, blank=True)
    action = models.CharField(max_length=64)
    object_kind = models.CharField(max_length=32, blank=True)
    objects_named = ArrayField(models.CharField(max_length=160), default=list)
    object_label = models.CharField(max_length=200, blank=True)
    count = models.PositiveIntegerField(default=1, help_text="Objects that it was about.")
    # {"url": {"before": …, "after": …}, "auth": "changed"}: of a secret only that it was changed
    changes = models.JSONField(default=dict)
    detail = models.JSONField(default=dict)
    request_id = models.CharField(max_length=128, blank=True)
    address = models.GenericIPAddressField(null=True)
    sequence = models.BigIntegerField(null=True, unique=True)
    previous = models.BinaryField(max_length=32, null=True)
    hash = models.BinaryField(max_length=32, null=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        verbose_name = "audit entry"
        verbose_name_plural = "audit entries"
        default_permissions = ("view",)
        indexes = (
            # GET /api/audit of one tenant, newest first
            models.Index(fields=["tenant", "-id"], name="audit_tenant"),
            # the same by action and by actor
            models.Index(fields=["action", "-id"], name="audit_action"),
            models.Index(fields=["actor_id", "-id"], name="audit_actor"),
            # what happened to one object
            GinIndex(fields=["objects_named"], name="audit_object"),
            # entries that wait for their place in the chain
            models.Index(fields=["id"], name="audit_unsealed", condition=models.Q(sequence=None)),
        )

    def __str__(self) -> str:
        return f"{self.action} by {self.actor_label or self.actor_kind}"

    @property
    def public_id(self) -> str:
        return ids.show(PREFIX, self.id)

    @property
    def object_id(self) -> str:
        """The id of the object; empty when the entry is about none or about several."""
        return self.objects_named[0] if len(self.objects_named) == 1 and self.count == 1 else ""

    def content(self) -> dict[str, Any]:
        """What the hash covers: everything but the place in the chain."""
        return {
            "id": self.public_id,
            "at": self.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "tenant": ids.show(ids.TENANT, self.tenant_id) if self.tenant_id else None,
            "actor": [self.actor_kind, self.actor_id, self.actor_label],
            "action": self.action,
            "object": [self.object_kind, self.objects_named, self.object_label, self.count],
            "changes": self.changes,
            "detail": self.detail,
            "request": [self.request_id, self.address],
        }

    def link(self) -> Link:
        """The sealed entry as a link of the chain."""
        return Link(self.sequence or 0, bytes(self.previous or b""), bytes(self.hash or b""), self.content())
