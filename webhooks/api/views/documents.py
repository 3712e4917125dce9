"""``/api/schema`` and ``/api/docs``."""

from __future__ import annotations

from functools import lru_cache

from django.http import HttpRequest, HttpResponseBase
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.negotiation import DefaultContentNegotiation

from webhooks.api.discovery import public

MAX_AGE = 300  # seconds: after an upgrade of Clarion it is another one


@lru_cache(maxsize=1)
def document() -> bytes:
    """The OpenAPI document of this version as JSON; it takes half a second to make and never changes."""
    made = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return bytes(OpenApiJsonRenderer().render(made, renderer_context={}))


def schema(request: HttpRequest) -> HttpResponseBase:
    """The OpenAPI 3.1 document, for everybody."""
    if refusal := public.refused(request):
        return refusal
    return public.document(request, document(), max_age=MAX_AGE)


class Docs(SpectacularSwaggerSplitView):
    """Swagger UI from the application's own static files; the one page of HTML under ``/api``."""

    url_name = "api-schema"
    title = "Clarion API"
    template_name = "webhooks/api_docs.html"
    versioning_class = None
    content_negotiation_class = DefaultContentNegotiation
    http_method_names = ("get", "head")  # no OPTIONS: it would describe the view
