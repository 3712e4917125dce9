"""What a browser may do with an answer: one set of headers on every answer of a stand-alone Clarion.

Attacks: a script in a stored name or body that a page shows (nothing runs but files of our own); a page in a frame of
another site; a form that is sent elsewhere; an answer read from a cache or sniffed as another type; a link that tells
another site where it was clicked.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

Handler = Callable[[HttpRequest], HttpResponseBase]

# Files of our own, no inline script, style or handler. data: for the icons in Swagger UI's style sheet.
PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# What is no page needs nothing, also when somebody opens it as one.
DATA = "default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Static files say otherwise.
    "Cache-Control": "no-store",
}


class BrowserPolicyMiddleware:
    """Adds the headers that the answer does not have; a view that sets one of them has its reasons."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        is_page = response.get("Content-Type", "").startswith("text/html")
        response.headers.setdefault("Content-Security-Policy", PAGE if is_page else DATA)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response
