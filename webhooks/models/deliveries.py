"""What is being done about it: deliveries, their attempts, and dead letters."""

from __future__ import annotations

from django.db import models

from webhooks.core import ids
from webhooks.models.endpoints import Endpoint
from webhooks.models.events import Event
from webhooks.models.scoping import TenantQuerySet
from webhooks.models.tenants import Tenant

FAILURE = 300  # HTTP status from which an answer is no success


class Trigger(models.TextChoices):
    EVENT = "event"
    RETRY = "retry"
    MANUAL = "manual"
    REPLAY = "replay"
    TEST = "test"
    CALLBACK = "callback"


class Delivery(models.Model):
    """One event on its way to one endpoint. Partitioned by day of the key.

    The key of a fan-out delivery is :func:`webhooks.core.ids.delivery_id`, so a repeated fan-out conflicts
    with itself; replays and tests have fresh keys. A worker owns a row only while ``state`` is *sending* and
    ``lease_token`` is its own: results are recorded under that condition, so a late result changes nothing.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        SENDING = "sending"
        SUCCEEDED = "succeeded"
        DEAD = "dead"
        CANCELLED = "cancelled"
        HELD = "held"

    UNFINISHED = (State.PENDING, State.SENDING, State.HELD)
    # Few rows among many, and none that a delivery passes through on its way to success: their indexes cost it
    # nothing but a comparison.
    INDEXED_STATES = (State.DEAD, State.CANCELLED, State.HELD)

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    tenant = models.ForeignKey(
        Tenant, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False
    )
    event = models.ForeignKey(
        Event, on_delete=models.DO_NOTHING, db_constraint=False, related_name="deliveries", db_index=False
    )
    endpoint = models.ForeignKey(
        Endpoint, on_delete=models.DO_NOTHING, db_constraint=False, related_name="deliveries", db_index=False
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    trigger = models.CharField(max_length=8, choices=Trigger.choices, default=Trigger.EVENT)
    attempt_count = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    lease_token = models.UUIDField(null=True)
    response_status = models.PositiveSmallIntegerField(null=True, help_text="Of the last attempt.")
    reason = models.CharField(max_length=200, blank=True, help_text="Why it is dead, held or cancelled.")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    dead_lettered_at = models.DateTimeField(null=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "deliveries"
        indexes = (
            # claim: what is due at one endpoint, longest waiting first
            models.Index(
                fields=["endpoint", "next_attempt_at", "id"], name="delivery_due", condition=models.Q(state="pending")
            ),
            # mailbox: the oldest unfinished delivery of one endpoint
            models.Index(
                fields=["endpoint", "id"],
                name="delivery_unfinished",
                condition=models.Q(state__in=["pending", "sending", "held"]),
            ),
            # sweep: leases that ran out
            models.Index(fields=["lease_until"], name="delivery_lease", condition=models.Q(state="sending")),
            # sweep: dead deliveries the dead-letter worker has not seen
            models.Index(fields=["id"], name="delivery_dead", condition=models.Q(state="dead", dead_lettered_at=None)),
            # GET /api/deliveries, also with ?webhook=: newest first
            models.Index(fields=["tenant", "-id"], name="delivery_tenant"),
            models.Index(fields=["endpoint", "-id"], name="delivery_endpoint"),
            # the same with ?status=dead|cancelled|held; the last one for the platform and the admin
            models.Index(
                fields=["tenant", "state", "-id"],
                name="delivery_tenant_state",
                condition=models.Q(state__in=["dead", "cancelled", "held"]),
            ),
            models.Index(
                fields=["endpoint", "state", "-id"],
                name="delivery_endpoint_state",
                condition=models.Q(state__in=["dead", "cancelled", "held"]),
            ),
            models.Index(
                fields=["state", "-id"],
                name="delivery_state",
                condition=models.Q(state__in=["dead", "cancelled", "held"]),
            ),
            # the same with ?response_status=, from 300
            models.Index(
                fields=["tenant", "response_status", "-id"],
                name="delivery_refused",
                condition=models.Q(response_status__gte=FAILURE),
            ),
            # the same with ?event_type=: the deliveries that are younger than their event
            models.Index(fields=["tenant", "-id"], name="delivery_repeated", condition=~models.Q(trigger="event")),
            # GET /api/events/{id}/deliveries
            models.Index(fields=["event"], name="delivery_event"),
        )

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return ids.show(ids.DELIVERY, self.id)


class Attempt(models.Model):
    """One HTTP request, as it was sent and answered. Partitioned by day of the key."""

    class Outcome(models.TextChoices):
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        LOST = "lost", "Lost (the worker died; the request may have arrived)"
        LATE = "late", "Late (the lease had run out; the result was not used)"

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    tenant = models.ForeignKey(
        Tenant, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False
    )
    delivery = models.ForeignKey(
        Delivery, on_delete=models.DO_NOTHING, db_constraint=False, related_name="attempts", db_index=False
    )
    endpoint = models.ForeignKey(
        Endpoint, on_delete=models.DO_NOTHING, db_constraint=False, related_name="attempts", db_index=False
    )
    number = models.PositiveSmallIntegerField()
    trigger = models.CharField(max_length=8, choices=Trigger.choices)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    started_at = models.DateTimeField()
    request_url = models.TextField(blank=True)
    request_headers = models.JSONField(default=dict, help_text="Secrets masked.")
    response_status = models.PositiveSmallIntegerField(null=True)
    response_headers = models.JSONField(default=list)
    response_body = models.BinaryField(default=bytes, help_text="The first 16 KiB.")
    error = models.CharField(max_length=32, blank=True, help_text="Error class.")
    detail = models.CharField(max_length=500, blank=True, help_text="The same in one sentence.")
    timings = models.JSONField(default=dict, help_text="Milliseconds: dns, connect, tls, first_byte, total.")
    address = models.CharField(max_length=45, blank=True, help_text="The address connected to.")
    worker = models.CharField(max_length=100, blank=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        indexes = (
            # GET /api/deliveries/{id}: its attempts
            models.Index(fields=["delivery"], name="attempt_delivery"),
            # GET /api/webhooks/{id}/attempts: newest first
            models.Index(fields=["endpoint", "-id"], name="attempt_endpoint"),
            # the same for ?status=failed|lost|late and ?response_status= from 300
            models.Index(
                fields=["endpoint", "-id"], name="attempt_unsuccessful", condition=~models.Q(outcome="succeeded")
            ),
        )

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return ids.show(ids.ATTEMPT, self.id)


class DeadLetter(models.Model):
    """A delivery that was given up, kept until somebody replays or discards it."""

    class Resolution(models.TextChoices):
        OPEN = "open"
        REPLAYED = "replayed"
        DISCARDED = "discarded"

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+", db_index=False)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="dead_letters", db_index=False)
    delivery = models.OneToOneField(
        Delivery, on_delete=models.DO_NOTHING, db_constraint=False, related_name="dead_letter"
    )
    event = models.ForeignKey(Event, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False)
    event_type = models.CharField(max_length=128)
    reason = models.CharField(max_length=200)
    response_status = models.PositiveSmallIntegerField(null=True)
    attempt_count = models.PositiveSmallIntegerField()
    resolution = models.CharField(max_length=10, choices=Resolution.choices, default=Resolution.OPEN)
    resolved_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        indexes = (
            # GET /api/dead-letters: newest first of one tenant
            models.Index(fields=["tenant", "-id"], name="dead_letter_tenant"),
            # the same for ?status=
            models.Index(fields=["tenant", "resolution", "-id"], name="dead_letter_tenant_state"),
            # admin: the open ones, counted on its start page
            models.Index(fields=["-id"], name="dead_letter_open", condition=models.Q(resolution="open")),
            # GET /api/dead-letters?webhook=
            models.Index(fields=["endpoint", "-id"], name="dead_letter_endpoint"),
        )

    def __str__(self) -> str:
        return f"{self.event_type}: {self.reason}"

    @property
    def public_id(self) -> str:
        return ids.show(ids.DEAD_LETTER, self.id)
