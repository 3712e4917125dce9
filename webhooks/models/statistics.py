"""Attempts counted by the hour, so that nobody has to look at millions of them."""

from __future__ import annotations

from django.db import models

from webhooks.models.endpoints import Endpoint


class EndpointHour(models.Model):
    """The attempts of one endpoint in one hour, by the time in their keys.

    Without a constraint on the endpoint: one that is gone for good must not stop the counting of the others.
    """

    endpoint = models.ForeignKey(
        Endpoint, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False
    )
    hour = models.DateTimeField(help_text="When it begins, in UTC.")
    # {"outcome.succeeded": 12, "class.2": 12, "class.0": 1, "error.timeout": 1, "ms.23": 9, ...}: see services.counting
    counts = models.JSONField(default=dict)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["endpoint", "hour"], name="endpoint_hour_once"),)
        indexes = (
            # prune: what retention has dropped the attempts of
            models.Index(fields=["hour"], name="endpoint_hour_hour"),
        )

    def __str__(self) -> str:
        return f"{self.endpoint_id} {self.hour:%Y-%m-%d %H}"


class Progress(models.Model):
    """How far a job that reads a table in the order of its keys has come."""

    name = models.CharField(max_length=32, primary_key=True)
    key = models.UUIDField(help_text="All smaller keys are done.")

    def __str__(self) -> str:
        return self.name
