"""What becomes of a message that a source sent: one call for each, made by a Celery task.

Invariant: a message is done when ``processed_at`` is set, which one conditional update does; until then the sweep
goes on ringing for it, so a lost doorbell or a dead worker costs time and nothing else.
"""

from __future__ import annotations

from uuid import UUID

from django.db.models.functions import Now

from webhooks.models import ReceivedMessage


def process(received_id: UUID) -> str:
    """Do what the source of a message asks for. Returns one word for Flower."""
    waiting = ReceivedMessage.objects.filter(id=received_id, processed_at=None)
    done = waiting.update(status=ReceivedMessage.Status.PROCESSED, processed_at=Now())
    return "processed" if done else "known"
