"""A Django view that gets verified webhooks only."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import wraps
from typing import Any, TypeAlias

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from webhooks.core.signatures import TOLERANCE
from webhooks.receive.keys import Secrets
from webhooks.receive.policy import LIMIT, REFUSED, Policy
from webhooks.receive.verification import Verified

View: TypeAlias = Callable[..., HttpResponse]


def webhook(
    secrets: Secrets | Callable[[], Secrets],
    *,
    schemes: Collection[str] | None = None,
    tolerance: float = TOLERANCE,
    url: str = "",
    limit: int = LIMIT,
) -> Callable[[View], View]:
    """Decorate ``def view(request, webhook: Verified, ...)``. Anything else is answered 401, 405 or 413.

    ``secrets`` (or a function that returns them), ``schemes``, ``tolerance`` and ``url``: as of
    :func:`webhooks.receive.verify`. ``limit``: bytes of a body; DATA_UPLOAD_MAX_MEMORY_SIZE holds as well.
    The view needs no CSRF token: a signature is stronger, and no browser sends one.
    """
    policy = Policy(secrets, schemes, tolerance, url)

    def decorate(view: View) -> View:
        @csrf_exempt
        @wraps(view)
        def receive(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method != "POST":
                return HttpResponseNotAllowed(["POST"])
            body = _body(request, limit)
            if body is None:
                return _text(f"The body has more than {limit} bytes.", 413)
            verified = _check(policy, request, body)
            return _text(REFUSED, 401) if verified is None else view(request, verified, *args, **kwargs)

        return receive

    return decorate


def _check(policy: Policy, request: HttpRequest, body: bytes) -> Verified | None:
    return policy.check(body, dict(request.headers), request.method or "")


def _body(request: HttpRequest, limit: int) -> bytes | None:
    """The raw body; None when it is too large. A length that is told is believed before anything is read."""
    length = request.headers.get("Content-Length", "0")
    if length.isdecimal() and int(length[:12]) > limit:
        return None
    try:
        body = request.body
    except RequestDataTooBig:
        return None
    except UnreadablePostError:
        return b""  # the sender went away: nothing will fit the signature
    return body if len(body) <= limit else None


def _text(text: str, status: int) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")
