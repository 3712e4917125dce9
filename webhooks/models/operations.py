"""Work that takes long and is done in steps: replays, exports, imports, purges."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from webhooks.core import ids
from webhooks.models.endpoints import Endpoint
from webhooks.models.scoping import TenantQuerySet
from webhooks.models.tenants import Tenant


class Operation(models.Model):
    """One piece of bulk work of one tenant, done in short steps by whoever claims it.

    Invariants: a step is done by the holder of ``lease_token``, and what it did counts only together with the move of
    ``cursor`` under that token. While the operation is unfinished, ``next_run_at`` says when the next step is due, so
    the sweep finds it whatever happened to its messages. A finished one is never edited again.
    """

    class Type(models.TextChoices):
        REPLAY = "replay"
        DISCARD = "discard"
        EXPORT = "export"
        IMPORT = "import"
        PURGE = "purge"

    class Status(models.TextChoices):
        PENDING = "pending"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    UNFINISHED = (Status.PENDING, Status.RUNNING)

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+", db_index=False)
    type = models.CharField(max_length=8, choices=Type.choices)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    params = models.JSONField(default=dict, help_text="As they were checked, with defaults.")
    done = models.PositiveBigIntegerField(default=0, help_text="Rows or lines that were looked at.")
    total = models.PositiveBigIntegerField(null=True, help_text="Of how many; empty: not known.")
    cursor = models.JSONField(default=dict, help_text="Where the next step goes on.")
    tally = models.JSONField(default=dict, help_text="What was done so far.")
    # Text of an import that came inside the request; one that was uploaded lies in the storage.
    input = models.BinaryField(null=True)
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    next_run_at = models.DateTimeField(null=True, db_default=Now())
    tries = models.PositiveSmallIntegerField(default=0, help_text="Claims since the last step that succeeded.")
    cancel_requested_at = models.DateTimeField(null=True)
    files = models.JSONField(default=list, help_text="Names in the storage, in the order of their content.")
    files_expire_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=500, blank=True)
    # Carries the signed callback; hidden from the tenant's webhooks. Its secrets are encrypted as everybody's.
    callback = models.OneToOneField(Endpoint, on_delete=models.SET_NULL, null=True, related_name="operation")
    actor_kind = models.CharField(max_length=16)
    actor_id = models.CharField(max_length=64, blank=True)
    actor_label = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        indexes = (
            # GET /api/operations: newest first of one tenant
            models.Index(fields=["tenant", "-id"], name="operation_tenant"),
            # sweep: what is due
            models.Index(
                fields=["next_run_at"],
                name="operation_due",
                condition=models.Q(status__in=["pending", "running"]),
            ),
            # maintain: files whose time is over, and operations that nobody needs any more
            models.Index(
                fields=["files_expire_at"], name="operation_files", condition=models.Q(files_expire_at__isnull=False)
            ),
            models.Index(
                fields=["finished_at"], name="operation_finished", condition=models.Q(finished_at__isnull=False)
            ),
        )

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return ids.show(ids.OPERATION, self.id)

    @property
    def finished(self) -> bool:
        """Whether it has come to its end, whichever."""
        return self.status not in self.UNFINISHED
