"""JSON Schemas of the parts of a webhook that are objects or have a form of their own."""

from __future__ import annotations

from typing import Any

from webhooks.api.fields import id_schema, nullable
from webhooks.core import backoff, certificates, ids, oauth2, urls
from webhooks.models import Consent
from webhooks.services import endpoint_auth, endpoint_fields

TEXT = {"type": "string"}
ANY = {"type": "object", "additionalProperties": True}


def texts(longest: int) -> dict[str, Any]:
    """A list of texts, each with at most so many characters."""
    return {"type": "array", "items": {**TEXT, "maxLength": longest}}


_AUTH_NAMES = {
    "none": "NoAuth", "basic": "BasicAuth", "bearer": "BearerAuth", "api_key": "ApiKeyAuth", "oauth2": "OAuth2Auth",
    "mtls": "MtlsAuth",
}  # fmt: skip
_AUTH_LIMITS = {
    "token_url": urls.MAX_URL_LENGTH, "scope": endpoint_auth.MAX_SCOPE, "certificate": certificates.MAX_PEM,
    "private_key": certificates.MAX_PEM,
}  # fmt: skip
_AUTH_TEXTS = {
    "token_url": "Where access tokens are asked for: https, a public host.",
    "scope": "Scopes to ask for, with blanks between them.",
    "token_endpoint_auth_method": "How the client says who it is (RFC 7591): by HTTP Basic, or in the body.",
    "certificate": "PEM: the client's certificate, and below it those of the authorities between.",
    "private_key": "PEM: the certificate's private key, not encrypted.",
}


def _auth_part(kind: str, part: str) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "type": "string",
        "maxLength": _AUTH_LIMITS.get(part, endpoint_auth.MAX_CREDENTIAL),
        "description": _AUTH_TEXTS.get(part, f"{part.replace('_', ' ').capitalize()} of {kind} auth."),
    }
    if part == "token_endpoint_auth_method":
        shown |= {"enum": list(oauth2.METHODS), "default": oauth2.BASIC}
    if part not in endpoint_auth.OPTIONAL_PARTS:
        return shown
    # null in a request is the same as no such part
    return {"description": shown.pop("description"), **nullable(shown)}


AUTH = {
    "oneOf": [
        {
            "title": _AUTH_NAMES[kind],
            "type": "object",
            "description": f"How to log in at the receiver: {kind}.",
            "required": ["type", *(part for part in parts if part not in endpoint_auth.OPTIONAL_PARTS)],
            "additionalProperties": False,
            "properties": {"type": {"const": kind, "description": "The kind of auth."}}
            | {part: _auth_part(kind, part) for part in parts},
        }
        for kind, parts in endpoint_auth.AUTH_PARTS.items()
    ]
}
RETRY_POLICY = {
    "oneOf": [
        {"type": "string", "enum": list(backoff.POLICIES)},
        {
            "title": "RetrySchedule",
            "type": "object",
            "description": "A retry policy of your own.",
            "required": ["schedule"],
            "additionalProperties": False,
            "properties": {
                "schedule": {
                    "type": "array",
                    "maxItems": backoff.MAX_STEPS,
                    "items": {"type": "number", "minimum": 0, "maximum": backoff.MAX_STEP},
                    "description": "Seconds before each retry.",
                },
                "jitter": {
                    "type": "number",
                    "minimum": 0,
                    "maximum": 1,
                    "default": backoff.JITTER,
                    "description": "At most this share is added to each delay.",
                },
            },
        },
    ]
}
BATCH = {
    "title": "BatchSettings",
    "type": "object",
    "description": "When several events go into one request.",
    "additionalProperties": False,
    "properties": {
        "max_events": {
            "type": "integer",
            "minimum": 1,
            "maximum": endpoint_fields.MAX_BATCH,
            "default": endpoint_fields.DEFAULT_BATCH,
            "description": "Events of one request.",
        },
        "max_wait": {
            "type": "number",
            "minimum": 0,
            "maximum": endpoint_fields.MAX_WAIT,
            "default": endpoint_fields.DEFAULT_WAIT,
            "description": "Seconds an event waits for others.",
        },
    },
}
RATE_LIMIT = {
    "title": "RateLimitSettings",
    "type": "object",
    "description": "How many requests the receiver gets.",
    "required": ["limit"],
    "additionalProperties": False,
    "properties": {
        "limit": {
            "type": "integer",
            "minimum": 1,
            "maximum": endpoint_fields.MAX_RATE,
            "description": "Requests in each period.",
        },
        "period": {
            "type": "number",
            "minimum": 1,
            "maximum": endpoint_fields.MAX_PERIOD,
            "default": 1,
            "description": "Seconds.",
        },
    },
}


CONSENT = {
    "title": "ConsentState",
    "type": "object",
    "description": "State of the handshake with the receiver.",
    "required": ["status", "detail", "granted_rate", "asked_at", "answered_at", "next_try_at"],
    "properties": {
        "status": {"type": "string", "enum": Consent.Status.values, "description": "Deliveries wait while pending."},
        "detail": nullable(TEXT | {"description": "What came of the last request, in a sentence."}),
        "granted_rate": nullable(
            {"type": "integer", "minimum": 1, "description": "Requests a minute; null: any number."}
        ),
        "asked_at": nullable({"type": "string", "format": "date-time", "description": "The last request."}),
        "answered_at": nullable({"type": "string", "format": "date-time", "description": "When consent was given."}),
        "next_try_at": nullable(
            {"type": "string", "format": "date-time", "description": "When the receiver is asked again, if it is."}
        ),
    },
}


SIGNING_KEYS = {
    "type": "array",
    "items": {
        "title": "SigningKey",
        "type": "object",
        "description": "The public half of a key that signs deliveries.",
        "required": ["id", "public_key", "valid_until"],
        "properties": {
            "id": {**id_schema(ids.SIGNING_KEY), "description": "`kid` of the JWKS and `keyid` of `rfc9421`."},
            "public_key": {"type": "string", "description": "`whpk_` and the base64 of the key (32 bytes)."},
            "valid_until": nullable(
                {"type": "string", "format": "date-time", "description": "When it stops to sign; null: it stays."}
            ),
        },
    },
}
