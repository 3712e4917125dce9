"""Who works in the admin, and how often somebody may try to get in."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse

from webhooks.guards import logins
from webhooks.services import actors, staff

Handler = Callable[..., HttpResponseBase]


class StaffMiddleware:
    """Names the acting member of staff to the audit log, and limits logins to the admin. After authentication's.

    Django's pages for accounts and passwords run in a transaction, so that a change and its entry are one.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with actors.acting_as(partial(actors.of_staff, request)):
            return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Handler, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> HttpResponseBase | None:
        """Runs after the check of the CSRF token: a request without one is no try."""
        match = request.resolver_match
        if request.method != "POST" or match is None or match.app_name != "admin":
            return None
        if match.url_name == "login":
            return _login(request, view, args, kwargs)
        if str(match.url_name).startswith(("auth_", "password_change")):
            with transaction.atomic():
                return view(request, *args, **kwargs)
        return None


def _login(request: HttpRequest, view: Handler, args: Sequence[Any], kwargs: Mapping[str, Any]) -> HttpResponseBase:
    """Attack: telling by the answer whether a name exists. Names that do not exist are counted, refused and answered
    like those that do, and Django spends as long on a password for them."""
    name, address = request.POST.get("username", ""), actors.address_of(request.META)
    attempt = logins.attempt(name, address)
    if attempt.wait:
        if attempt.first:
            staff.login_refused(name, attempt.wait)
        return _refusal(request, attempt.wait)
    response = view(request, *args, **kwargs)
    if response.status_code == 302:
        logins.forgive(name, address)
    else:
        staff.login_failed(name)
    return response


def _refusal(request: HttpRequest, wait: float) -> HttpResponse:
    seconds = math.ceil(wait)
    context = {**admin.site.each_context(request), "title": "Log in", "wait": _in_words(seconds)}
    response = TemplateResponse(request, "admin/webhooks/login_wait.html", context, status=429)
    response["Retry-After"] = str(seconds)
    response["Cache-Control"] = "no-store"
    return response


def _in_words(seconds: int) -> str:
    """Whole minutes, rounded up: who tries again then is let in."""
    if seconds <= 60:
        return f"{seconds} seconds"
    return f"{math.ceil(seconds / 60)} minutes"
