"""``/api/webhooks/{id}/stats``."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from webhooks.api import problems
from webhooks.api.rendering import reply
from webhooks.api.serializers.stats import StatisticsSerializer
from webhooks.api.views.base import ApiView, check_parameters
from webhooks.core import ids
from webhooks.models import Endpoint
from webhooks.services import statistics


class WebhookStats(ApiView):
    tag = "Webhooks"
    queryset = Endpoint.objects.existing().select_related("mailbox").defer("headers", "auth")
    serializer_class: Any = StatisticsSerializer
    required_scopes: ClassVar[dict[str, str]] = {"GET": "webhooks:read"}

    @extend_schema(
        operation_id="get_webhook_stats",
        summary="Show how a webhook has been doing",
        parameters=[
            OpenApiParameter(
                "window",
                OpenApiTypes.STR,
                description=f"How far back: hours or days, such as `1h`, `24h` or `7d`; "
                f"{statistics.DEFAULT_WINDOW} when absent. At most as long as attempts are kept.",
                pattern="^[1-9][0-9]{0,2}[hd]$",
                default=statistics.DEFAULT_WINDOW,
            )
        ],
    )
    def get(self, request: Request, id: str) -> HttpResponse:
        """Deliveries by state, attempts by outcome and hour, success rates, percentiles of latency, answers by class,
        errors by class."""
        endpoint = self.find(ids.WEBHOOK, id)
        check_parameters(request, ("window",))
        try:
            found = statistics.of_endpoint(endpoint, request.query_params.get("window", statistics.DEFAULT_WINDOW))
        except statistics.InvalidWindow as error:
            raise problems.bad_parameter("window", str(error)) from None
        return reply(self.show([found])[0])
