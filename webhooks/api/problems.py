"""Errors as ``application/problem+json`` (RFC 9457): one table from exceptions to problems.

Members: ``type`` (a URN that never changes), ``title``, ``status``, ``detail``, ``instance`` (the path),
``request_id``; for bad input ``errors``, each with ``detail`` and where: ``pointer`` (JSON Pointer into the
body), ``parameter`` (of the query) or ``header``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.utils.encoding import escape_uri_path
from psycopg.errors import QueryCanceled
from rest_framework import exceptions

from webhooks import errors
from webhooks.api import outage
from webhooks.services.outage import is_outage

log = structlog.get_logger(__name__)

CONTENT_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:clarion:problem:"
RETRY_AFTER = 5  # seconds: a database fail-over or a full pool rarely takes less
# Not "nothing was changed": a connection that ends during the commit leaves that open.
DATABASE_AWAY = (
    "The database cannot be reached or is too busy. Try again; an event with an id of your own is accepted once, "
    "however often it is sent."
)

UNDECRYPTABLE = (
    "A stored secret cannot be decrypted, because a key is missing from this server's WEBHOOKS_ENCRYPTION_KEYS. Its "
    "operator has to put it back; deliveries wait until then."
)

# type -> title; the title is the same for every occurrence of a type
TITLES = {
    "bad-request": "The request is not valid",
    "malformed-body": "The body is not valid JSON",
    "invalid-parameter": "A parameter is not valid",
    "invalid-header": "A header is not valid",
    "unauthenticated": "A valid API key is required",
    "missing-scope": "The API key lacks a scope",
    "forbidden": "This is not allowed",
    "not-found": "There is no such object",
    "method-not-allowed": "The method is not allowed here",
    "not-acceptable": "The requested representation does not exist",
    "conflict": "The present state does not allow this",
    "request-timeout": "The request took too long to arrive",
    "too-many-requests": "The quota of the API key is used up",
    "idempotency-key-in-use": "A request with this key is running",
    "idempotency-key-reused": "The key belongs to another request",
    "too-large": "The content is too large",
    "unsupported-media-type": "The media type is not supported",
    "invalid-input": "The input is not valid",
    "internal-error": "Something went wrong in Clarion",
    "unavailable": "Clarion is not available right now",
    "error": "The request failed",
}


@dataclass(eq=False)
class Problem(Exception):
    """An answer that is an error; raise it from a view, or build the response with :func:`respond`."""

    status: int
    kind: str
    detail: str
    errors: Sequence[Mapping[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


def respond(request: HttpRequest, problem: Problem) -> HttpResponse:
    """The response of a problem."""
    body: dict[str, Any] = {
        "type": TYPE_PREFIX + problem.kind,
        "title": TITLES[problem.kind],
        "status": problem.status,
        "detail": problem.detail,
        "instance": escape_uri_path(request.path),
        "request_id": getattr(request, "request_id", ""),
    }
    if problem.errors:
        body["errors"] = list(problem.errors)
    response = HttpResponse(msgspec.json.encode(body), content_type=CONTENT_TYPE, status=problem.status)
    for name, value in problem.headers.items():
        response[name] = value
    response["Cache-Control"] = "no-store"
    return response


def exception_handler(error: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """DRF's hook. None: nobody foresaw this; Django logs it and the middleware makes it a problem."""
    problem = describe(error)
    if problem is None:
        return None
    request = getattr(context["request"], "_request", context["request"])
    outage.noticed(request, error)
    tell(error)
    return respond(request, problem)


def tell(error: Exception) -> None:
    """Into the log what only the operator can mend."""
    if isinstance(error, errors.DecryptionFailed):
        log.error("secret_undecryptable", column=error.place)


def describe(error: Exception) -> Problem | None:
    """The problem that an exception stands for, None for one that is a bug."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, errors.ClarionError):
        return _of_clarion(error)
    if isinstance(error, exceptions.APIException):
        return _of_framework(error)
    if isinstance(error, Http404):
        return not_found()
    if isinstance(error, PermissionDenied):
        return Problem(403, "forbidden", "The API key may not do this.")
    if isinstance(error, OperationalError) and isinstance(error.__cause__, QueryCanceled):
        return unavailable("The search took too long; narrow it with created_after and created_before.")
    if isinstance(error, OperationalError | InterfaceError) or is_outage(error):
        return unavailable(DATABASE_AWAY)
    if isinstance(error, RequestDataTooBig):
        return Problem(413, "too-large", "The body is larger than this server reads.")
    if isinstance(error, SuspiciousOperation | UnreadablePostError):
        return Problem(400, "bad-request", "The request could not be read.")
    return None


def not_found() -> Problem:
    """One text for unknown ids and for objects of others: the answer must not tell them apart."""
    return Problem(404, "not-found", "There is no such object, or the API key may not see it.")


def unavailable(detail: str) -> Problem:
    """503 with Retry-After."""
    return Problem(503, "unavailable", detail, headers={"Retry-After": str(RETRY_AFTER)})


def bad_parameter(name: str, detail: str) -> Problem:
    """400 for one parameter of the query string."""
    return bad_parameters([(name, detail)])


def bad_parameters(faults: Sequence[tuple[str, str]]) -> Problem:
    """400 for the query string: (name, sentence) of each fault."""
    listed = [{"parameter": name, "detail": detail} for name, detail in faults]
    return Problem(400, "invalid-parameter", _summary(listed, "parameter"), listed)


def bad_header(name: str, detail: str) -> Problem:
    """400 for one header of the request."""
    return Problem(400, "invalid-header", f"{name}: {detail}", [{"header": name, "detail": detail}])


def for_status(status: int, detail: str = "") -> Problem:
    """A problem for an answer of Django or of a middleware that has only a status."""
    kinds = {
        400: "bad-request", 401: "unauthenticated", 403: "forbidden", 404: "not-found",
        405: "method-not-allowed", 406: "not-acceptable", 408: "request-timeout", 409: "conflict", 413: "too-large",
        414: "too-large", 415: "unsupported-media-type", 417: "invalid-header", 422: "invalid-input",
        431: "too-large", 500: "internal-error", 501: "bad-request", 503: "unavailable",
    }  # fmt: skip
    sentences = {
        404: "There is nothing at this path.",
        500: "The failure was logged under the request id; trying again may help.",
    }
    phrase = detail or sentences.get(status) or f"{HTTPStatus(status).phrase}."
    return Problem(status, kinds.get(status, "error"), phrase)


def _of_clarion(error: errors.ClarionError) -> Problem | None:
    if isinstance(error, errors.InvalidInput):
        listed = [fault.as_dict() for fault in error.errors]
        if isinstance(error, errors.Malformed):
            return Problem(400, "malformed-body", _summary(listed, "pointer"), listed)
        return Problem(422, "invalid-input", _summary(listed, "pointer"), listed)
    if isinstance(error, errors.NotFound):
        return not_found()
    if isinstance(error, errors.Conflict):
        return Problem(409, "conflict", str(error))
    if isinstance(error, errors.TooLarge):
        return Problem(413, "too-large", str(error))
    if isinstance(error, errors.Unavailable):
        return unavailable(str(error))
    if isinstance(error, errors.DecryptionFailed):
        return unavailable(UNDECRYPTABLE)
    return None


def _of_framework(error: exceptions.APIException) -> Problem | None:
    headers = {}
    if auth_header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = auth_header
    if isinstance(error, exceptions.AuthenticationFailed):
        headers["WWW-Authenticate"] += ', error="invalid_token"'
        return Problem(
            401, "unauthenticated", "The API key or access token is unknown, expired or revoked.", headers=headers
        )
    if isinstance(error, exceptions.NotAuthenticated):
        detail = "Send an API key in the header Authorization: Bearer clk_…"
        return Problem(401, "unauthenticated", detail, headers=headers)
    if isinstance(error, exceptions.ValidationError) and isinstance(error.detail, dict):
        return bad_parameters([(name, str(next(iter(faults)))) for name, faults in error.detail.items()])
    if isinstance(error, exceptions.NotFound):
        return not_found()
    if error.status_code < 500:
        return for_status(error.status_code, str(error.detail))
    return None


def _summary(listed: Sequence[Mapping[str, str]], where: str) -> str:
    first = listed[0]
    place = first[where] or "the body"
    more = f" (and {len(listed) - 1} more)" if len(listed) > 1 else ""
    return f"{place}: {first['detail']}{more}"
