"""Which processes of Clarion are alive, told by themselves."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

# Seconds between two heartbeats of a process, and the silence after which it counts as gone: two may be missed.
INTERVAL = 10.0
SILENT_AFTER = 35.0


class Heartbeat(models.Model):
    """The last sign of life of a worker or beat process, or of the sweep.

    In the database and not in the broker: so it works with every broker, and a broker that was wiped looks
    different from a worker that died. A process that ends in good order deletes its row.
    """

    class Kind(models.TextChoices):
        WORKER = "worker"
        BEAT = "beat"
        SWEEP = "sweep", "Sweep (no process: the last one that ran to its end)"

    name = models.CharField(primary_key=True, max_length=200, help_text="Such as delivery-1@host.")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    queues = ArrayField(models.CharField(max_length=100), default=list)
    version = models.CharField(max_length=32, help_text="Of Clarion.")
    pid = models.PositiveIntegerField(help_text="On its own machine.")
    started_at = models.DateTimeField()
    told_at = models.DateTimeField(help_text="By the clock of the process.")
    seen_at = models.DateTimeField(help_text="By the clock of the database, at the same moment.")

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name
