"""``/api/schema`` and ``/api/docs``."""

from __future__ import annotations

from functools import lru_cache

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.negotiation import DefaultContentNegotiation


@lru_cache(maxsize=1)
def document() -> bytes:
    """The OpenAPI document of this version as JSON; it takes half a second to make and never changes."""
    made = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return bytes(OpenApiJsonRenderer().render(made, renderer_context={}))


@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    """The OpenAPI 3.1 document, for everybody."""
    response = HttpResponse(document(), content_type="application/json")
    response["Access-Control-Allow-Origin"] = "*"
    return response


class Docs(SpectacularSwaggerSplitView):
    """Swagger UI from the application's own static files; the one page of HTML under ``/api``."""

    url_name = "api-schema"
    title = "Clarion API"
    template_name = "webhooks/api_docs.html"
    versioning_class = None
    content_negotiation_class = DefaultContentNegotiation
