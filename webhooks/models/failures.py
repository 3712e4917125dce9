"""Tasks that failed in a way nobody foresaw: Clarion's own faults, kept until somebody has dealt with them."""

from __future__ import annotations

from django.db import models

from webhooks.core import ids

PREFIX = "tf"  # of the shown ids


class TaskFailure(models.Model):
    """A task that raised something unexpected, with the ids it was called with.

    Invariant: a task and its arguments have at most one row that is not resolved. A further failure counts up
    there, so a task that always fails makes one row and not one a second.
    """

    class Resolution(models.TextChoices):
        OPEN = "open"
        SUCCEEDED = "succeeded", "Succeeded (the same task went through later)"
        RESOLVED = "resolved", "Resolved by hand"

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    task = models.CharField(max_length=128)
    # Ids only; what is no id is replaced by the name of its type, and then the task cannot be run again from here.
    args = models.JSONField(default=list)
    runnable = models.BooleanField(default=True, help_text="All arguments are here, so it can be run again.")
    queue = models.CharField(max_length=100, blank=True, help_text="Where the message came from.")
    exception = models.CharField(max_length=200, help_text="The class of the last one.")
    sentence = models.CharField(max_length=500, blank=True, help_text="Its message, with secrets masked.")
    traceback = models.TextField(blank=True, help_text="Places in the code, without values of variables.")
    worker = models.CharField(max_length=100, blank=True)
    count = models.PositiveIntegerField(default=1, help_text="Failures since the first one.")
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    paused_until = models.DateTimeField(null=True, help_text="It is not rung again before.")
    resolution = models.CharField(max_length=10, choices=Resolution.choices, default=Resolution.OPEN)
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            # the target of the upsert; also: the open ones, for the admin, /metrics, doctor and the sweep
            models.UniqueConstraint(
                fields=["task", "args"], name="task_failure_open", condition=models.Q(resolution="open")
            ),
        )
        indexes = (
            # pruning of what was resolved long ago
            models.Index(
                fields=["resolved_at"], name="task_failure_resolved", condition=models.Q(resolved_at__isnull=False)
            ),
        )

    def __str__(self) -> str:
        return f"{self.task}({', '.join(map(str, self.args))})"

    @property
    def public_id(self) -> str:
        return ids.show(PREFIX, self.id)
