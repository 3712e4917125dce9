"""Answers to whoever sends: short JSON, and for errors ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.utils.encoding import escape_uri_path

PROBLEM = "application/problem+json"
RETRY_AFTER = 5  # seconds, of an answer 503
_TITLES = {
    "bad-request": "The request is not valid",
    "unauthenticated": "The request is not verified",
    "forbidden": "This is not allowed",
    "not-found": "There is no such object",
    "method-not-allowed": "The method is not allowed here",
    "request-timeout": "The request took too long to arrive",
    "too-large": "The content is too large",
    "unsupported-media-type": "The media type is not supported",
    "invalid-input": "The input is not valid",
    "too-many-requests": "There are too many requests",
    "unavailable": "Clarion is not available right now",
}


class Refusal(Exception):
    """An answer that is an error: HTTP status, kind, one sentence."""

    def __init__(self, status: int, kind: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail, self.headers = status, kind, detail, headers or {}


def problem(request: HttpRequest, refusal: Refusal, more: Mapping[str, Any] | None = None) -> HttpResponse:
    """The response of a refusal; ``more``: further members."""
    body = {
        "type": f"urn:clarion:problem:{refusal.kind}",
        "title": _TITLES[refusal.kind],
        "status": refusal.status,
        "detail": refusal.detail,
        "instance": escape_uri_path(request.path),
        "request_id": getattr(request, "request_id", ""),
        **(more or {}),
    }
    return reply(body, refusal.status, refusal.headers, PROBLEM)


def reply(
    body: Mapping[str, Any] | None,
    status: int,
    headers: Mapping[str, str] | None = None,
    content_type: str = "application/json",
) -> HttpResponse:
    """JSON; without a body just the status."""
    content = b"" if body is None else msgspec.json.encode(body)
    response = HttpResponse(content, content_type=content_type, status=status)
    for name, value in (headers or {}).items():
        response[name] = value
    response["Cache-Control"] = "no-store"
    return response


def unknown() -> Refusal:
    """One text for what never existed, what was deleted and what is switched off."""
    return Refusal(404, "not-found", "There is no such source.")


def unverified() -> Refusal:
    """One text for a signature that is missing, wrong or stale.

    Attack: the difference between them tells how far a guess has come.
    """
    detail = "The request could not be verified. The source's owner can see why."
    return Refusal(401, "unauthenticated", detail, {"WWW-Authenticate": "Signature"})


def later(detail: str, seconds: int = RETRY_AFTER) -> Refusal:
    """503: nothing is wrong with the request."""
    return Refusal(503, "unavailable", detail, {"Retry-After": str(seconds)})


def listed(errors: Sequence[Mapping[str, str]]) -> str:
    """The first of some faults as a sentence."""
    first = errors[0]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{first['pointer'] or 'the body'}: {first['detail']}{more}"
