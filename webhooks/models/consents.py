"""Whether a receiver has consented to deliveries, for endpoints whose owner asks for that."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from webhooks.models.endpoints import Endpoint


class Consent(models.Model):
    """The state of one endpoint's handshake.

    Invariants: ``nonce`` changes with every request for consent, so an answer or a callback that belongs to an
    earlier one (of another URL) grants nothing; an endpoint whose consent is pending is never active; while
    ``due_at`` is set, somebody will ask.
    """

    class Status(models.TextChoices):
        PENDING = "pending"
        GRANTED = "granted"

    endpoint = models.OneToOneField(Endpoint, on_delete=models.CASCADE, primary_key=True, related_name="consent")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    nonce = models.CharField(max_length=32)
    granted_rate = models.PositiveIntegerField(null=True, help_text="Requests a minute; empty: any number.")
    detail = models.CharField(max_length=200, blank=True, help_text="What came of it, in a sentence.")
    tries = models.PositiveSmallIntegerField(default=0, help_text="Requests since the handshake was started.")
    due_at = models.DateTimeField(null=True, help_text="When the receiver is asked; empty: nobody asks any more.")
    asked_at = models.DateTimeField(null=True, help_text="The last request.")
    answered_at = models.DateTimeField(null=True, help_text="When consent was given.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = (
            # the sweep of handshakes: receivers that are to be asked
            models.Index(fields=["due_at"], name="consent_due", condition=models.Q(due_at__isnull=False)),
        )

    def __str__(self) -> str:
        return f"{self.status} consent of {self.endpoint_id}"
