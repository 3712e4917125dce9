"""``/.well-known/oauth-authorization-server`` (RFC 8414)."""

from __future__ import annotations

import msgspec
from django.http import HttpRequest, HttpResponseBase

from webhooks.api.discovery import places, public
from webhooks.api.oauth.server import AUTH_METHODS, GRANT
from webhooks.conf import conf
from webhooks.models import SCOPES

MAX_AGE = 3600  # seconds: it changes with a new version or address of Clarion only


def metadata(request: HttpRequest) -> HttpResponseBase:
    """Where tokens are fetched and revoked, and how."""
    if refusal := public.refused(request):
        return refusal
    told = {
        "issuer": conf.PUBLIC_URL,
        "token_endpoint": places.absolute("oauth-token"),
        "revocation_endpoint": places.absolute("oauth-revoke"),
        "grant_types_supported": [GRANT],
        "response_types_supported": [],  # there is no authorization endpoint
        "token_endpoint_auth_methods_supported": AUTH_METHODS,
        "revocation_endpoint_auth_methods_supported": AUTH_METHODS,
        "scopes_supported": SCOPES,
        "service_documentation": places.absolute("api-docs"),
    }
    return public.document(request, msgspec.json.encode(told), max_age=MAX_AGE)
