"""An answer for everybody: cacheable, with an ETag, readable by scripts of any origin."""

from __future__ import annotations

import hashlib

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response

from webhooks.api import problems

METHODS = "GET, HEAD"


def document(
    request: HttpRequest, body: bytes, *, max_age: int, content_type: str = "application/json"
) -> HttpResponseBase:
    """200, or 304 when the caller has it already (RFC 9110 section 13). ``max_age``: seconds that caches keep it.

    Any origin may read it: there is nothing in it that a stranger could not ask for without a browser.
    """
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"Cache-Control": f"public, max-age={max_age}", "ETag": etag, "Access-Control-Allow-Origin": "*"}
    response = HttpResponse(body, content_type=content_type, headers=headers)
    return get_conditional_response(request, etag, response=response) or response


def refused(request: HttpRequest) -> HttpResponse | None:
    """405 for all methods but GET and HEAD; None when the method is one of them."""
    if request.method in ("GET", "HEAD"):
        return None
    problem = problems.Problem(405, "method-not-allowed", "Only GET is allowed here.", headers={"Allow": METHODS})
    return problems.respond(request, problem)
