"""Errors as RFC 6749 section 5.2 has them: JSON with ``error`` and ``error_description``, never a page."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec
from django.http import HttpResponse

from webhooks.api.problems import Problem

CHALLENGE = 'Basic realm="clarion"'
# Of any answer of the authorization server: section 5.1.
HEADERS = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_UNKNOWN_CLIENT = "the client is unknown, revoked or expired, or its secret is wrong"
# What oauthlib says nothing about.
_DESCRIPTIONS = {
    "invalid_client": _UNKNOWN_CLIENT,
    "unsupported_grant_type": "the only grant is client_credentials",
    "unsupported_token_type": "only access tokens are issued here",
}


class Refusal(Exception):
    """An error to answer with. ``description``: ASCII without quotes and backslashes, as the RFC wants it."""

    def __init__(
        self, error: str, description: str, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(error)
        self.error, self.description, self.status = error, description, status
        self.headers = dict(headers or {})

    def response(self) -> HttpResponse:
        """401 has the challenge that RFC 9110 asks for."""
        body = {"error": self.error, "error_description": self.description or _DESCRIPTIONS.get(self.error, "")}
        headers = HEADERS | self.headers
        if self.status == 401:
            headers["WWW-Authenticate"] = CHALLENGE
        return HttpResponse(
            msgspec.json.encode({name: value for name, value in body.items() if value}),
            content_type="application/json", status=self.status, headers=headers,
        )  # fmt: skip


def of_problem(problem: Problem) -> Refusal:
    """What Django, a middleware or an outage refuses, in the words of OAuth."""
    known = {429: "temporarily_unavailable", 503: "temporarily_unavailable"}
    error = known.get(problem.status, "server_error" if problem.status >= 500 else "invalid_request")
    description = problem.detail.replace('"', "'").replace("\\", "/").encode("ascii", "replace").decode()
    return Refusal(error, description, problem.status, problem.headers)


def too_many(wait: float) -> Refusal:
    """429. The RFC has no word for it; clients go by the status and Retry-After."""
    seconds = math.ceil(wait)
    return Refusal(
        "temporarily_unavailable", f"too many requests; try again in {seconds} seconds", 429,
        {"Retry-After": str(seconds)},
    )  # fmt: skip
