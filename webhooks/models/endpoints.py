"""Where events go: endpoints (the API says *webhook*), their secrets, subscriptions and mailboxes."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from webhooks.core import ids, signatures
from webhooks.models.fields import EncryptedJSONField, EncryptedTextField
from webhooks.models.scoping import TenantQuerySet
from webhooks.models.tenants import Tenant


def default_schemes() -> list[str]:
    return list(signatures.DEFAULT)


def default_policy() -> str:
    return "default"


def no_auth() -> dict[str, str]:
    return {"type": "none"}


class EndpointQuerySet(TenantQuerySet["Endpoint"]):
    def existing(self) -> EndpointQuerySet:
        """The webhooks that tenants have. Deleted ones stay as rows, because attempts and dead letters name them; what
        carries the callback of an operation is nobody's webhook."""
        return self.filter(deleted_at__isnull=True, purpose=Endpoint.Purpose.WEBHOOK)


class Endpoint(models.Model):
    """One URL or queue of one tenant, with the policy for reaching it."""

    class State(models.TextChoices):
        ACTIVE = "active"
        PAUSED = "paused"
        DISABLED = "disabled"

    class Format(models.TextChoices):
        ENVELOPE = "envelope", "Envelope (id, type, data, metadata)"
        DATA = "data", "Only the data"
        CLOUDEVENTS = "cloudevents", "CloudEvents, structured"
        CLOUDEVENTS_BINARY = "cloudevents-binary", "CloudEvents, binary"

    class Purpose(models.TextChoices):
        WEBHOOK = "", "A tenant's webhook"
        CALLBACK = "callback", "Callback of an operation"

    class Validation(models.TextChoices):
        NONE = "", "None"
        CLOUDEVENTS = "cloudevents", "CloudEvents handshake"

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="endpoints")
    url = models.TextField(
        max_length=2048, verbose_name="URL",
        help_text="https, unless http is allowed. With a destination: its label, which is no https URL.",
    )  # fmt: skip
    destination = EncryptedJSONField(null=True, blank=True, help_text="A queue in place of the URL.")
    description = models.CharField(max_length=500, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    disabled_reason = models.CharField(max_length=200, blank=True)
    version = models.CharField(
        max_length=32, blank=True, help_text="Pins the endpoint to a version of its event types."
    )
    payload_format = models.CharField(max_length=24, choices=Format.choices, default=Format.ENVELOPE)
    content_type = models.CharField(max_length=100, default="application/json")
    signature_schemes = ArrayField(models.CharField(max_length=24), default=default_schemes)
    headers = EncryptedJSONField(default=dict, blank=True)
    auth = EncryptedJSONField(default=no_auth, blank=True)
    retry_policy = models.JSONField(
        default=default_policy, help_text='A name, or {"schedule": [10, 60], "jitter": 0.1}.'
    )
    retry_client_errors = models.BooleanField(default=False, help_text="Retry 3xx and 4xx as well.")
    timeout = models.PositiveSmallIntegerField(default=15, help_text="Seconds for the whole request.")
    rate_limit = models.JSONField(null=True, blank=True, help_text='{"limit": 100, "period": 1}; empty: none.')
    max_in_flight = models.PositiveSmallIntegerField(default=8, help_text="Parallel requests at most.")
    ordered = models.BooleanField(default=False, help_text="One at a time, in the order of events.")
    batch = models.JSONField(null=True, blank=True)
    validation = models.CharField(
        max_length=12, blank=True, choices=Validation.choices, default=Validation.NONE,
        help_text="The receiver has to consent before anything is sent.",
    )  # fmt: skip
    # db_default: an older process that still runs inserts rows without it
    purpose = models.CharField(
        max_length=8, blank=True, choices=Purpose.choices, default=Purpose.WEBHOOK, db_default="", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    state_changed_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = EndpointQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        verbose_name = "endpoint"
        permissions = (
            ("operate_endpoint", "Can pause, resume, enable, disable, test and replay endpoints"),
            ("reveal_endpoint", "Can see a new signing secret: make and rotate them"),
        )
        indexes = (
            # GET /api/webhooks: newest first of one tenant
            models.Index(fields=["tenant", "-id"], name="endpoint_tenant", condition=models.Q(deleted_at=None)),
        )

    def __str__(self) -> str:
        return self.url

    @property
    def public_id(self) -> str:
        return ids.show(ids.WEBHOOK, self.id)


class EndpointSecret(models.Model):
    """A signing secret. During a rotation several are valid and all of them sign."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="secrets")
    value = EncryptedTextField(editable=False)  # "whsec_" + base64 of 32 random bytes
    valid_from = models.DateTimeField(default=timezone.now)
    valid_until = models.DateTimeField(null=True, blank=True, help_text="Empty: until it is rotated.")

    class Meta:
        ordering = ("-valid_from",)

    def __str__(self) -> str:
        return f"secret of {self.endpoint_id}"


class SigningKeyQuerySet(models.QuerySet["SigningKey"]):
    def in_force(self) -> SigningKeyQuerySet:
        """Keys that sign now, newest first, without their private half."""
        valid = self.filter(models.Q(valid_until=None) | models.Q(valid_until__gt=Now()))
        return valid.defer("private_key").order_by("-valid_from", "-id")


class SigningKey(models.Model):
    """An ed25519 key of an endpoint, made when it first asks for a scheme that needs one.

    The public half is in clear: answers and the JWKS show it without a decryption.
    """

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="signing_keys")
    private_key = EncryptedTextField(editable=False)  # "whsk_" + base64 of seed and public key
    public_key = models.CharField(max_length=64, editable=False)  # "whpk_" + base64 of 32 bytes
    valid_from = models.DateTimeField(default=timezone.now)
    valid_until = models.DateTimeField(null=True, blank=True, help_text="Empty: until it is rotated.")

    objects = SigningKeyQuerySet.as_manager()

    class Meta:
        ordering = ("-valid_from",)

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return ids.show(ids.SIGNING_KEY, self.id)


class Subscription(models.Model):
    """Which events an endpoint wants: a type pattern, a filter on the content, channels."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, editable=False, related_name="+")
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="subscriptions")
    pattern = models.CharField(
        max_length=160, help_text="order.created, order.* (one segment), order.** (any depth) or * (all)."
    )
    filter = models.JSONField(null=True, blank=True, help_text='Such as {"data.amount": {"$gte": 100}}.')
    channels = ArrayField(
        models.CharField(max_length=128), default=list, blank=True, help_text="Empty: events of every channel."
    )

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["endpoint", "pattern"], name="subscription_once"),)
        indexes = (
            # fan_out: the subscriptions of a tenant that match one of an event's candidate patterns
            models.Index(fields=["tenant", "pattern"], name="subscription_match"),
        )

    def __str__(self) -> str:
        return self.pattern

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.tenant_id = self.endpoint.tenant_id
        super().save(*args, **kwargs)


class Mailbox(models.Model):
    """The queue's view of one endpoint: when something is due, and how the endpoint has been behaving.

    Invariant: while an endpoint has a pending delivery due at t, ``next_due_at`` is not null and not later
    than max(t, blocked_until). Whoever inserts or re-schedules a delivery updates this row in the same
    transaction; whoever clears ``next_due_at`` locks the row first and looks again with a fresh snapshot.
    """

    endpoint = models.OneToOneField(Endpoint, on_delete=models.CASCADE, primary_key=True, related_name="mailbox")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    next_due_at = models.DateTimeField(null=True, blank=True)
    blocked_until = models.DateTimeField(
        null=True, blank=True, help_text="Nothing is sent before: breaker open, rate limit or Retry-After."
    )
    blocked_reason = models.CharField(max_length=24, blank=True)
    # No unfinished delivery has a smaller key: the lower bound that lets claims skip old partitions.
    oldest_pending_id = models.UUIDField(null=True, blank=True)
    # Deliveries still have to follow a change of the endpoint's state (hold, release, cancel).
    unsettled = models.BooleanField(default=False)
    latency_ms = models.FloatField(default=0.0, help_text="Exponential average of the total request time.")
    consecutive_failures = models.PositiveIntegerField(default=0)
    last_success_at = models.DateTimeField(null=True, blank=True)
    last_failure_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True, help_text="First failure since the last success.")

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "mailboxes"
        indexes = (
            # sweep: endpoints with something due, earliest first
            models.Index(fields=["next_due_at"], name="mailbox_due", condition=models.Q(next_due_at__isnull=False)),
            # sweep: endpoints whose deliveries have to follow a change of state
            models.Index(fields=["endpoint"], name="mailbox_unsettled", condition=models.Q(unsettled=True)),
        )

    def __str__(self) -> str:
        return f"mailbox of {self.endpoint_id}"
