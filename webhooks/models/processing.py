"""What was done with received messages: a run for each message and each processor that wants it."""

from __future__ import annotations

from django.db import models

from webhooks.core import ids
from webhooks.models.scoping import TenantQuerySet
from webhooks.models.sources import ReceivedMessage, Source
from webhooks.models.tenants import Tenant

ERROR_LENGTH = 500  # characters of the sentence that says why a run failed


class ProcessorRun(models.Model):
    """A received message and a processor. Partitioned by day of the key, which is that of the message's day.

    Invariant: one row for each (message, processor), because the key follows from both
    (:func:`webhooks.core.ids.processor_run_id`). A run is claimed by a conditional update that sets ``lease_token``;
    what came of it is written only while that token is still there.
    """

    class Status(models.TextChoices):
        PENDING = "pending"  # waits for its first try or the next one
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        DEAD = "dead", "Dead (given up)"

    UNFINISHED = (Status.PENDING, Status.RUNNING)

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    tenant = models.ForeignKey(
        Tenant, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False
    )
    source = models.ForeignKey(
        Source, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False
    )
    received = models.ForeignKey(
        ReceivedMessage, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False
    )
    processor = models.CharField(max_length=200, help_text="Its name; forward and forward_to are Clarion's own.")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    attempts = models.PositiveIntegerField(default=0, help_text="Tries since it was made or replayed.")
    replays = models.PositiveIntegerField(default=0)
    # When somebody may take it: its next try, or, while it is running, the end of the lease
    due_at = models.DateTimeField(null=True)
    lease_token = models.UUIDField(null=True)
    result = models.JSONField(null=True, help_text="What the processor returned, cut when it is long.")
    error = models.CharField(max_length=ERROR_LENGTH, blank=True, help_text="Why the last try failed.")
    traceback = models.TextField(blank=True, help_text="Places in the code, without values of variables.")
    worker = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, help_text="Of the last try.")
    finished_at = models.DateTimeField(null=True)
    duration_ms = models.FloatField(null=True, help_text="Of the last try.")

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        indexes = (
            # sweep: runs that are due, and running ones whose worker is gone
            models.Index(fields=["due_at"], name="run_due", condition=models.Q(status__in=("pending", "running"))),
            # admin, /metrics, doctor: what was given up
            models.Index(fields=["-id"], name="run_dead", condition=models.Q(status="dead")),
        )

    def __str__(self) -> str:
        return f"{self.processor} of {ids.show(ids.RECEIVED, self.received_id)}"

    @property
    def public_id(self) -> str:
        return ids.show(ids.PROCESSOR_RUN, self.id)
