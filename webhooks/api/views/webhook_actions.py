"""The verbs of a webhook: test, rotate-secret, validate, pause, resume, enable, disable."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from webhooks import doorbells
from webhooks.api import bodies, problems
from webhooks.api.rendering import reply
from webhooks.api.schema_answers import LOCATION
from webhooks.api.serializers.deliveries import DeliveryDetailSerializer
from webhooks.api.serializers.webhook_actions import (
    ReasonSerializer,
    RotateSecretSerializer,
    SecretSerializer,
    TestEventSerializer,
    TestSentSerializer,
)
from webhooks.api.serializers.webhooks import shown_keys
from webhooks.api.views.deliveries import detail_of
from webhooks.api.views.webhooks import WebhookView
from webhooks.core import ids, patterns
from webhooks.errors import FieldError, InvalidInput
from webhooks.models import Endpoint, SigningKey
from webhooks.services import awaiting, endpoints, handshake, testing

MAX_WAIT = 30  # seconds; a thread of the web server waits along


class WebhookAction(WebhookView):
    """``POST`` only, for whoever may write webhooks."""

    required_scopes: ClassVar[dict[str, str]] = {"POST": "webhooks:write"}


class TestWebhook(WebhookAction):
    once_in_transaction = False  # nobody delivers what is not committed, and this may wait for the delivery

    @extend_schema(
        operation_id="test_webhook",
        summary="Send a test event",
        request=TestEventSerializer,
        parameters=[
            OpenApiParameter(
                "wait",
                {"type": "integer", "minimum": 0, "maximum": MAX_WAIT},
                description=f"Wait up to so many seconds (at most {MAX_WAIT}) for the result.",
            ),
            LOCATION,
        ],
        responses={202: TestSentSerializer, 200: DeliveryDetailSerializer},
    )
    def post(self, request: Request, id: str) -> HttpResponse:
        """One delivery past subscriptions and filters. With `wait`, 200 with the finished delivery, or 202 when
        it is not finished in time."""
        endpoint = self.find(ids.WEBHOOK, id)
        wait = _wait(request)
        body = bodies.read_optional_object(request._request)
        bodies.only(body, ("event_type",))
        event_type = _event_type(body.get("event_type", testing.EVENT_TYPE))
        event_id, delivery_id = testing.send_test(endpoint.id, event_type)
        doorbells.ring_deliver([endpoint.id])
        if wait and (delivery := awaiting.finished_delivery(delivery_id, wait)):
            return reply(detail_of(delivery))
        shown = {
            "event_id": ids.show(ids.EVENT, event_id),
            "delivery_id": ids.show(ids.DELIVERY, delivery_id),
        }
        return reply(shown, 202, {"Location": f"/api/deliveries/{shown['delivery_id']}"})


class RotateSecret(WebhookAction):
    @extend_schema(
        operation_id="rotate_webhook_secret",
        summary="Make a new secret",
        request=RotateSecretSerializer,
        responses=SecretSerializer,
    )
    def post(self, request: Request, id: str) -> HttpResponse:
        """During the overlap both secrets sign, and so do both keys of a webhook that has `signing_keys`: two
        signatures in one header. `hex` and `github` have room for one, by the new secret."""
        endpoint = self.find(ids.WEBHOOK, id, without=("headers", "auth", "destination"))
        body = bodies.read_optional_object(request._request)
        bodies.only(body, ("overlap_seconds",))
        overlap = body.get("overlap_seconds", 86_400)
        secret = endpoints.rotate_secret(endpoint.id, overlap)
        keys = shown_keys(SigningKey.objects.in_force().filter(endpoint=endpoint))
        return reply({"secret": secret, "signing_keys": keys, "overlap_seconds": overlap})


class ValidateWebhook(WebhookAction):
    @extend_schema(operation_id="validate_webhook", summary="Ask the receiver for its consent again", request=None)
    def post(self, request: Request, id: str) -> HttpResponse:
        """For a webhook with `validation`. What was granted before is void: deliveries are held until the receiver
        has consented anew. The answer does not wait for it, see `consent`."""
        endpoint = self.find(ids.WEBHOOK, id)
        bodies.only(bodies.read_optional_object(request._request), ())
        handshake.restart(endpoint.id)
        doorbells.ring_settle([endpoint.id])
        doorbells.ring_validate([endpoint.id])
        return self.answer(endpoint)


class _Move(WebhookAction):
    takes: ClassVar[tuple[str, ...]] = ()

    def move(self, endpoint_id: UUID, reason: str) -> None:
        raise NotImplementedError

    def moved(self, request: Request, text: str) -> HttpResponse:
        """Change the state and ring, so that deliveries follow at once."""
        endpoint: Endpoint = self.find(ids.WEBHOOK, text)
        body = bodies.read_optional_object(request._request)
        bodies.only(body, self.takes)
        self.move(endpoint.id, _reason(body.get("reason", "")))
        doorbells.ring_settle([endpoint.id])
        doorbells.ring_validate([endpoint.id])
        return self.answer(endpoint)


class PauseWebhook(_Move):
    takes = ("reason",)

    def move(self, endpoint_id: UUID, reason: str) -> None:
        endpoints.pause(endpoint_id, reason)

    @extend_schema(operation_id="pause_webhook", summary="Pause a webhook", request=ReasonSerializer)
    def post(self, request: Request, id: str) -> HttpResponse:
        """Deliveries are held until it is resumed."""
        return self.moved(request, id)


class ResumeWebhook(_Move):
    def move(self, endpoint_id: UUID, reason: str) -> None:
        endpoints.resume(endpoint_id)

    @extend_schema(operation_id="resume_webhook", summary="Resume a paused webhook", request=None)
    def post(self, request: Request, id: str) -> HttpResponse:
        """Held deliveries are sent. A disabled webhook has to be enabled instead (409)."""
        return self.moved(request, id)


class EnableWebhook(_Move):
    def move(self, endpoint_id: UUID, reason: str) -> None:
        endpoints.enable(endpoint_id)

    @extend_schema(operation_id="enable_webhook", summary="Enable a webhook", request=None)
    def post(self, request: Request, id: str) -> HttpResponse:
        """From any state, with a clean record: the breaker is closed and held deliveries are sent."""
        return self.moved(request, id)


class DisableWebhook(_Move):
    takes = ("reason",)

    def move(self, endpoint_id: UUID, reason: str) -> None:
        endpoints.disable(endpoint_id, reason or "disabled by hand")

    @extend_schema(operation_id="disable_webhook", summary="Disable a webhook", request=ReasonSerializer)
    def post(self, request: Request, id: str) -> HttpResponse:
        """Deliveries are held until it is enabled."""
        return self.moved(request, id)


def _reason(value: Any) -> str:
    if isinstance(value, str) and len(value) <= 200 and value.isprintable():
        return value
    raise InvalidInput(FieldError("/reason", "takes printable text of at most 200 characters"))


def _event_type(value: Any) -> str:
    try:
        patterns.check_event_type(value if isinstance(value, str) else "")
    except patterns.InvalidPattern as error:
        raise InvalidInput(FieldError("/event_type", str(error))) from None
    return str(value)


def _wait(request: Request) -> int:
    text = request.query_params.get("wait", "0")
    if text.isascii() and text.isdigit() and len(text) < 4 and int(text) <= MAX_WAIT:
        return int(text)
    raise problems.bad_parameter("wait", f"takes a whole number of seconds from 0 to {MAX_WAIT}")
