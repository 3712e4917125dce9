"""``/api/consents/{token}``: where a receiver consents later, by the URL that the handshake gave it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from webhooks import doorbells
from webhooks.api import problems
from webhooks.api.rendering import reply
from webhooks.api.serializers.webhook_actions import ConsentSerializer
from webhooks.api.views.base import ApiView
from webhooks.core.consent import ALLOWED_RATE
from webhooks.errors import NotFound
from webhooks.models import Endpoint
from webhooks.services import handshake


class ConsentCallback(ApiView):
    """For whoever knows the URL, which nobody can guess; so no key, and nothing about the webhook in the answer.

    HEAD is not among the methods: programs that only look at links use it.
    """

    tag = "Webhooks"
    queryset = Endpoint.objects.none()
    serializer_class = ConsentSerializer
    authentication_classes: Any = ()
    permission_classes: Any = ()
    required_scopes: ClassVar[dict[str, str]] = {}
    http_method_names: Any = ("get", "post")

    @extend_schema(operation_id="consent_by_get", summary="Consent to deliveries", auth=[])
    def get(self, request: Request, id: str) -> HttpResponse:
        """The `WebHook-Request-Callback` of the CloudEvents handshake; no key is needed. `WebHook-Allowed-Rate` may
        grant fewer requests a minute than were asked for."""
        return self._grant(request, id)

    @extend_schema(operation_id="consent_by_post", summary="Consent to deliveries", auth=[], request=None)
    def post(self, request: Request, id: str) -> HttpResponse:
        """As by GET. A body is not looked at."""
        return self._grant(request, id)

    def _grant(self, request: Request, token: str) -> HttpResponse:
        try:
            endpoint_id = handshake.take_callback(token, request.headers.get(ALLOWED_RATE))
        except NotFound:
            raise problems.not_found() from None
        except ValueError:
            raise problems.bad_header(ALLOWED_RATE, "takes * or a positive whole number") from None
        doorbells.ring_settle([endpoint_id])
        return reply({"status": "granted"})

    def get_queryset(self) -> Any:
        """Nobody lists these."""
        return self.queryset
