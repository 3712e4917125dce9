"""``/api/.well-known/capabilities`` and ``/.well-known/webhooks``: what can be registered here, and how.

Nothing is typed by hand: each list is read from the registry that judges what the API accepts.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

from webhooks.api.discovery import limits, places, public
from webhooks.api.oauth.server import AUTH_METHODS, GRANT
from webhooks.api.rendering import encode
from webhooks.api.versioning import VERSIONS
from webhooks.core import backoff, filters, inbound, signatures
from webhooks.models import SCOPES, Endpoint
from webhooks.services import catalogue, endpoint_destination, endpoint_fields
from webhooks.services.endpoint_auth import AUTH_PARTS
from webhooks.services.endpoint_fields import accepts

MAX_AGE = 300  # seconds a cache may be behind a new event type or setting


def webhooks(request: HttpRequest) -> HttpResponseBase:
    """``{"webhooks": {...}}``, for everybody: no object of a tenant is in it."""
    if refusal := public.refused(request):
        return refusal
    return public.document(request, encode({"webhooks": capabilities()}), max_age=MAX_AGE)


def capabilities() -> dict[str, Any]:
    """What this Clarion can do, with its present settings."""
    return {
        **_addresses(),
        **_events(),
        "api_versions": VERSIONS,
        "signature_schemes": list(signatures.SCHEMES),
        "default_signature_schemes": signatures.DEFAULT,
        "retry_policies": {name: _policy(name) for name in backoff.POLICIES},
        "payload_formats": [name for name in Endpoint.Format.values if accepts("payload_format", name)],
        "cloudevents_modes": {
            Endpoint.Format.CLOUDEVENTS.value: "structured",
            Endpoint.Format.CLOUDEVENTS_BINARY.value: "binary",
        },
        "validations": [name for name in Endpoint.Validation.values if name and accepts("validation", name)],
        "auth_types": list(AUTH_PARTS),
        "destination_types": endpoint_destination.kinds(),
        "providers": {name: provider.summary for name, provider in inbound.PROVIDERS.items()},
        "filter_operators": filters.OPERATORS,
        "delivery_options": sorted(endpoint_fields.defaults()),
        "limits": limits.limits(),
        "oauth": {
            "token_url": places.absolute("oauth-token"),
            "revocation_url": places.absolute("oauth-revoke"),
            "metadata_url": places.absolute("oauth-metadata"),
            "grant_types": [GRANT],
            "token_endpoint_auth_methods": AUTH_METHODS,
            "scopes": SCOPES,
        },
    }


def _addresses() -> dict[str, Any]:
    """The path to register at; the others as they are reached from outside."""
    return {
        "registration_url": reverse("api-webhooks"),
        "event_types_url": reverse("api-event-types"),
        "documentation_url": places.absolute("api-docs"),
        "openapi_url": places.absolute("api-schema"),
        "jwks_url": places.absolute("jwks"),
    }


def _events() -> dict[str, Any]:
    """Types that belong to no tenant. A caller with a key sees its tenant's own at event_types_url."""
    known = catalogue.global_types()
    return {
        "supported_events": [
            {
                "name": item.name,
                "description": item.description,
                "version": item.version,
                "versions": item.versions,
                "deprecated": item.deprecated,
            }
            for item in known[: catalogue.MOST]
        ],
        "supported_events_complete": len(known) <= catalogue.MOST,
    }


def _policy(name: str) -> dict[str, Any]:
    """``schedule``: seconds before each retry; ``total``: their sum; ``jitter``: the share that is added at most."""
    steps = backoff.schedule(name)
    return {"schedule": steps, "total": sum(steps), "jitter": backoff.JITTER}
