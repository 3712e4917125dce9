"""Answers to requests that may come again: ``Idempotency-Key``."""

from __future__ import annotations

from django.db import models

from webhooks.models.fields import EncryptedTextField


class IdempotencyKey(models.Model):
    """A key of one caller. Without an answer it is a request that runs, until ``leased_until``.

    Written by :mod:`webhooks.services.idempotency` alone. Encrypted, because answers show secrets once.
    """

    digest = models.BinaryField(primary_key=True, max_length=32)  # SHA-256 of caller, tenant and key
    fingerprint = models.BinaryField(max_length=32)  # SHA-256 of method, path and body
    token = models.UUIDField(help_text="Whose claim this is: only its holder may store the answer.")
    leased_until = models.DateTimeField()
    expires_at = models.DateTimeField()
    answer = EncryptedTextField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["expires_at"], name="idempotencykey_expired"),  # prune
        ]

    def __str__(self) -> str:
        return bytes(self.digest).hex()[:12]
