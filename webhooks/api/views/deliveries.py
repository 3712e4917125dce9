"""``/api/deliveries``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from webhooks import doorbells
from webhooks.api import bodies
from webhooks.api.delivery_filters import DeliveryFilters
from webhooks.api.rendering import reply
from webhooks.api.serializers.deliveries import DeliveryDetailSerializer, DeliverySerializer
from webhooks.api.views.base import ApiView, ListView, events_of
from webhooks.core import ids
from webhooks.errors import Conflict
from webhooks.models import Attempt, Delivery
from webhooks.services import deliveries

MAX_ATTEMPTS = 100  # shown with a delivery; the longest policy makes 21
State = Delivery.State


class DeliveryView(ApiView):
    """What the resources of deliveries share."""

    tag = "Deliveries"
    queryset = Delivery.objects.all()
    serializer_class: Any = DeliverySerializer
    required_scopes: ClassVar[dict[str, str]] = {"GET": "events:read"}

    def context(self, rows: Sequence[Delivery]) -> dict[str, Any]:
        return {"events": events_of(rows)}


class Deliveries(DeliveryView, ListView):
    filterset_class = DeliveryFilters

    @extend_schema(operation_id="list_deliveries", summary="List deliveries")
    def get(self, request: Request) -> HttpResponse:
        return self.list(request)


class OneDelivery(DeliveryView):
    serializer_class = DeliveryDetailSerializer

    @extend_schema(operation_id="get_delivery", summary="Show a delivery with its attempts")
    def get(self, request: Request, id: str) -> HttpResponse:
        return reply(detail_of(self.find(ids.DELIVERY, id)))


class RetryDelivery(DeliveryView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": "operations"}

    @extend_schema(
        operation_id="retry_delivery",
        summary="Try a delivery again",
        request=None,
        responses={202: DeliverySerializer},
    )
    def post(self, request: Request, id: str) -> HttpResponse:
        """A waiting delivery becomes due now. A finished one stays as it is: the answer is a new delivery of the
        same event. 409 for one that is being sent or held."""
        delivery = self.find(ids.DELIVERY, id)
        bodies.only(bodies.read_optional_object(request._request), ())
        if delivery.state in (State.SENDING, State.HELD):
            raise Conflict(f"The delivery is {delivery.state}; it cannot be retried now.")
        doorbells.ring(deliveries.retry([delivery.id]))
        newest = self.get_queryset().filter(event_id=delivery.event_id, endpoint_id=delivery.endpoint_id)
        latest = newest.filter(id__gte=delivery.id).order_by("-id").first() or delivery
        if delivery.state != State.PENDING and latest.pk == delivery.pk:
            raise Conflict("The webhook of this delivery was deleted.")
        return reply(self.show([latest])[0], 202)


class CancelDelivery(DeliveryView):
    required_scopes: ClassVar[dict[str, str]] = {"POST": "operations"}

    @extend_schema(operation_id="cancel_delivery", summary="Cancel a delivery", request=None)
    def post(self, request: Request, id: str) -> HttpResponse:
        """For a delivery that waits, is held or is dead. 409 for one that is being sent or has succeeded."""
        delivery = self.find(ids.DELIVERY, id)
        bodies.only(bodies.read_optional_object(request._request), ())
        if not deliveries.cancel([delivery.id]):
            delivery.refresh_from_db()
            if delivery.state != State.CANCELLED:
                raise Conflict(f"The delivery is {delivery.state}; it cannot be cancelled.")
        return reply(self.show([self.get_queryset().get(pk=delivery.pk)])[0])


def detail_of(delivery: Delivery) -> dict[str, Any]:
    """A delivery with its attempts. An attempt is never older than its delivery: that spares older partitions."""
    first = ids.floor(ids.created_at(delivery.id))
    attempts = Attempt.objects.for_tenant(delivery.tenant_id).filter(delivery_id=delivery.id, id__gte=first)
    attempts = attempts.order_by("id")[:MAX_ATTEMPTS]
    context = {"events": events_of([delivery]), "attempts": list(attempts)}
    return dict(DeliveryDetailSerializer(delivery, context=context).data)
