"""``/api/dead-letters``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from webhooks import doorbells
from webhooks.api import bodies
from webhooks.api.delivery_filters import DeadLetterFilters
from webhooks.api.rendering import reply
from webhooks.api.serializers.deliveries import DeadLetterSerializer
from webhooks.api.views.base import ApiView, ListView, events_of
from webhooks.core import ids
from webhooks.errors import Conflict
from webhooks.models import DeadLetter
from webhooks.services import dead_letters


class DeadLetterView(ApiView):
    """What the resources of dead letters share."""

    tag = "Dead letters"
    queryset = DeadLetter.objects.all()
    serializer_class: Any = DeadLetterSerializer
    required_scopes: ClassVar[dict[str, str]] = {"GET": "events:read"}

    def context(self, rows: Sequence[DeadLetter]) -> dict[str, Any]:
        return {"events": events_of(rows)}

    def open_one(self, request: Request, text: str) -> DeadLetter:
        """The dead letter, if nothing was done about it yet."""
        letter: DeadLetter = self.find(ids.DEAD_LETTER, text)
        bodies.only(bodies.read_optional_object(request._request), ())
        if letter.resolution != DeadLetter.Resolution.OPEN:
            raise Conflict(f"The dead letter was {letter.resolution} already.")
        return letter

    def answer(self, letter: DeadLetter, status: int = 200) -> HttpResponse:
        """The dead letter as it is now."""
        return reply(self.show([self.get_queryset().get(pk=letter.pk)])[0], status)


class DeadLetters(DeadLetterView, ListView):
    filterset_class = DeadLetterFilters

    @extend_schema(operation_id="list_dead_letters", summary="List dead letters")
    def get(self, request: Request) -> HttpResponse:
        return self.list(request)


class OneDeadLetter(DeadLetterView):
    @extend_schema(operation_id="get_dead_letter", summary="Show a dead letter")
    def get(self, request: Request, id: str) -> HttpResponse:
        return reply(self.show([self.find(ids.DEAD_LETTER, id)])[0])


class ReplayDeadLetter(DeadLetterView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": "operations"}

    @extend_schema(
        operation_id="replay_dead_letter",
        summary="Deliver a dead letter again",
        request=None,
        responses={202: DeadLetterSerializer},
    )
    def post(self, request: Request, id: str) -> HttpResponse:
        """By a new delivery. 409 when it was replayed or discarded before."""
        letter = self.open_one(request, id)
        doorbells.ring(dead_letters.replay([letter.id]))
        return self.answer(letter, 202)


class DiscardDeadLetter(DeadLetterView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": "operations"}

    @extend_schema(operation_id="discard_dead_letter", summary="Discard a dead letter", request=None)
    def post(self, request: Request, id: str) -> HttpResponse:
        """The delivery and its attempts stay readable. 409 when it was replayed or discarded before."""
        letter = self.open_one(request, id)
        if not dead_letters.discard([letter.id]):
            raise Conflict("Somebody else replayed or discarded the dead letter just now.")
        return self.answer(letter)
