"""What surrounds every request: its id, health checks, static files, and problems instead of HTML pages."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import structlog
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.encoding import escape_uri_path
from whitenoise.middleware import WhiteNoiseMiddleware  # type: ignore[import-untyped]

from webhooks.api import health, outage, problems
from webhooks.api.oauth import errors as oauth_errors
from webhooks.core import ids
from webhooks.errors import DecryptionFailed

log = structlog.get_logger(__name__)
Handler = Callable[[HttpRequest], HttpResponseBase]

PREFIXES = ("/api", "/in")  # of what programs talk to
OAUTH_PATHS = frozenset({"/oauth/token", "/oauth/revoke"})  # not all of /oauth: a host project may have its own there
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}\Z")


class RequestIdMiddleware:
    """Every request has an id: the caller's ``X-Request-ID`` when it is fit for logs, else a new one.

    It is on the answer, on every log line, and the correlation id of events published by the request.
    Attack: CR LF or ESC in the header would forge log lines and headers; such a value is not used.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if _REQUEST_ID.match(given) else ids.new_id().hex
        request.request_id = request_id  # type: ignore[attr-defined]
        started = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                response = self.get_response(request)
                if request.path_info not in health.CHECKS:
                    _log(request, response, started)
            finally:
                structlog.contextvars.unbind_contextvars("api_key", "oauth_client", "tenant")
        response["X-Request-ID"] = request_id
        return response


def _log(request: HttpRequest, response: HttpResponseBase, started: float) -> None:
    elapsed = round((time.perf_counter() - started) * 1000, 1)
    path = escape_uri_path(request.path)  # no line break or escape sequence in a log
    log.info("request", method=request.method, path=path, status=response.status_code, ms=elapsed)


class HealthMiddleware:
    """Answers ``/healthz`` and ``/readyz`` before anything that could refuse or redirect them.

    Orchestrators ask by address and without TLS, so the Host header is none of ALLOWED_HOSTS.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        check = health.CHECKS.get(request.path_info)
        return check(request) if check else self.get_response(request)


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]  # it has no types
    """WhiteNoise, content without STATIC_ROOT: before the first ``collectstatic`` the finders serve all files."""

    def add_files(self, root: str, prefix: str | None = None) -> None:
        if Path(root).is_dir():
            super().add_files(root, prefix)


class ProblemMiddleware:
    """No HTML under ``/api`` and ``/in``: what Django and other middleware answer with a status becomes a problem, and
    at the paths of OAuth an error as RFC 6749 has it.

    While the database is away every answer under ``/api`` is 503, and soon; other pages say it in one line.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not is_api(request.path_info):
            return self.get_response(request)
        try:
            request.get_host()
        except DisallowedHost:
            problem = problems.Problem(400, "bad-request", "The Host header names a host this server is not.")
            return _refuse(request, problem)
        if not outage.admits():
            return _refuse(request, problems.unavailable(problems.DATABASE_AWAY))
        response = self.get_response(request)
        outage.passed(request)
        if response.status_code == 301 and not request.is_secure():
            # SECURE_SSL_REDIRECT. Followed, a POST becomes a GET, and the key would go on in clear every time.
            problem = problems.Problem(403, "forbidden", "This API is served over https only.")
            return _refuse(request, problem)
        if response.status_code < 400 or response.get("Content-Type") in _OURS:
            return response
        problem = problems.for_status(response.status_code)
        if "Allow" in response:  # RFC 9110 section 15.5.6
            problem.headers = {"Allow": response["Allow"]}
        return _refuse(request, problem)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        """An outage, or a missing key, that a page or a plain view met; None: a bug, which Django logs."""
        problem = problems.describe(error)
        if problem is None or problem.status != 503:
            return None
        outage.noticed(request, error)
        if isinstance(error, DecryptionFailed):
            problems.tell(error)
        else:
            log.warning("database_unavailable", path=escape_uri_path(request.path), error=type(error).__name__)
        if is_api(request.path_info):
            return _refuse(request, problem)
        return HttpResponse(problem.detail, "text/plain; charset=utf-8", 503, headers=problem.headers)


def is_api(path: str) -> bool:
    """Whether a path is answered to programs only."""
    return path in PREFIXES or path in OAUTH_PATHS or path.startswith(tuple(f"{prefix}/" for prefix in PREFIXES))


# Errors of the views; Django and its middleware answer with HTML.
_OURS = (problems.CONTENT_TYPE, "application/json")


def _refuse(request: HttpRequest, problem: problems.Problem) -> HttpResponse:
    if request.path_info in OAUTH_PATHS:
        return oauth_errors.of_problem(problem).response()
    return problems.respond(request, problem)
