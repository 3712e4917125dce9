"""What others send us: inbound sources, the messages they sent, and the ids by which repeats are known."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from webhooks.core import ids
from webhooks.models.fields import EncryptedJSONField
from webhooks.models.scoping import TenantQuerySet
from webhooks.models.tenants import Tenant

DEFAULT_MAX_BYTES = 1_048_576  # 1 MiB: what SQS takes; most providers stay far below
DEFAULT_TOLERANCE = 300  # seconds either way, as Stripe, Slack and Standard Webhooks have it


class SourceQuerySet(TenantQuerySet["Source"]):
    def existing(self) -> SourceQuerySet:
        """Deleted sources stay as rows, because messages name them."""
        return self.filter(deleted_at__isnull=True)


class Source(models.Model):
    """A provider that sends webhooks to ``/in/<id>``."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="sources")
    name = models.CharField(max_length=200)
    provider = models.CharField(max_length=24, help_text="Who signs, and how: one of core.inbound.PROVIDERS.")
    # Newest first: texts, or {"secret": text, "until": unix seconds} while a rotation overlaps
    secrets = EncryptedJSONField(default=list, blank=True)
    # What the provider needs besides secrets: header, algorithm, jwks_url, audience, subject ...
    verification = EncryptedJSONField(default=dict, blank=True)
    allowed_ips = models.JSONField(default=list, blank=True, help_text="Networks; empty: from anywhere.")
    rate_limit = models.JSONField(null=True, blank=True, help_text='{"limit": 600, "period": 60}; empty: none.')
    schema = models.TextField(null=True, blank=True, help_text="JSON Schema of the body; empty: none.")
    max_bytes = models.PositiveIntegerField(default=DEFAULT_MAX_BYTES)
    tolerance = models.PositiveIntegerField(default=DEFAULT_TOLERANCE, help_text="Seconds of a signed time, both ways.")
    event_type = models.CharField(max_length=128, blank=True, help_text="Template, such as github.{type}.")
    forward = models.BooleanField(default=True, help_text="A verified message becomes an event.")
    # A destination as core/destinations.py reads it, with its credentials
    forward_to = EncryptedJSONField(null=True, blank=True)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = SourceQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        permissions = (
            ("operate_source", "Can send samples to sources"),
            ("reveal_source", "Can see a new secret: make and rotate them"),
        )
        indexes = (
            # GET /api/sources: newest first of one tenant
            models.Index(fields=["tenant", "-id"], name="source_tenant", condition=models.Q(deleted_at=None)),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def public_id(self) -> str:
        return ids.show(ids.SOURCE, self.id)


class ReceivedMessage(models.Model):
    """One inbound message, stored as it came. Partitioned by day of the key.

    ``processed_at`` NULL marks it as still to be processed: this table is the inbox, as ``Event`` is the outbox.
    """

    class Status(models.TextChoices):
        RECEIVED = "received"  # accepted, and not processed yet
        PROCESSED = "processed"  # handed on, and nobody who got it has given up
        FAILED = "failed"  # one of those who got it has given up, see its runs
        REJECTED = "rejected"  # genuine, but its content fails the source's schema
        REFUSED = "refused"  # not let in: address or signature. A few are kept, so that the owner can see why

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    tenant = models.ForeignKey(
        Tenant, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False
    )
    source = models.ForeignKey(
        Source, on_delete=models.DO_NOTHING, db_constraint=False, related_name="messages", db_index=False
    )
    key = models.CharField(max_length=128, blank=True, help_text="The provider's id of the message.")
    type = models.CharField(max_length=200, blank=True, help_text="The provider's own name of what happened.")
    event_type = models.CharField(max_length=128, blank=True, help_text="The type of the event it becomes.")
    headers = models.JSONField(default=list, help_text="Pairs in the order they came; secrets masked.")
    content_type = models.CharField(max_length=200, blank=True)
    body = models.BinaryField(default=bytes)
    remote_address = models.GenericIPAddressField(null=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RECEIVED)
    verification = models.CharField(max_length=16, blank=True, help_text="How the check of its origin went.")
    reason = models.CharField(max_length=500, blank=True, help_text="Why it was refused or rejected, or what failed.")
    event_id = models.UUIDField(null=True, help_text="The event made of it.")
    answer = models.JSONField(default=dict, help_text='{"status": 202, "body": {...}}: repeats get the same.')
    received_at = models.DateTimeField(default=timezone.now)
    processed_at = models.DateTimeField(null=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        indexes = (
            # process and sweep: the inbox, oldest first
            models.Index(fields=["id"], name="received_inbox", condition=models.Q(processed_at=None)),
            # GET /api/received: newest first of one tenant
            models.Index(fields=["tenant", "-id"], name="received_tenant"),
            # GET /api/received?status=failed, the admin's start page
            models.Index(fields=["-id"], name="received_failed", condition=models.Q(status="failed")),
            # GET /api/received?source=
            models.Index(fields=["source", "-id"], name="received_source"),
        )

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return ids.show(ids.RECEIVED, self.id)


class ReceivedKeyQuerySet(TenantQuerySet["ReceivedKey"]):
    tenant_column = "source__tenant_id"


class ReceivedKey(models.Model):
    """The provider's ids of messages. A partitioned table cannot hold this unique constraint, so it stands here."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=128)
    received_id = models.UUIDField()
    fingerprint = models.BinaryField(max_length=32, help_text="SHA-256 of the body.")

    objects = ReceivedKeyQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["source", "key"], name="received_key_once"),)
        indexes = (
            # prune: keys of expired messages
            models.Index(fields=["received_id"], name="received_key_message"),
        )

    def __str__(self) -> str:
        return self.key
