"""``POST /oauth/token`` and ``POST /oauth/revoke``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from webhooks.api import outage, problems
from webhooks.api.oauth import forms
from webhooks.api.oauth.errors import HEADERS, Refusal, of_problem, too_many
from webhooks.api.oauth.server import Validator, server
from webhooks.guards import token_requests
from webhooks.services import actors

log = structlog.get_logger(__name__)
Ask = Callable[..., tuple[dict[str, str], str, int]]


# No cookie counts here, so no page of another site can ask in somebody's name.
@csrf_exempt
def token(request: HttpRequest) -> HttpResponse:
    """A token for the credentials of a client: RFC 6749 section 4.4."""
    return _answer(request, lambda asked: asked.create_token_response)


@csrf_exempt
def revoke(request: HttpRequest) -> HttpResponse:
    """The end of a token of the client: RFC 7009. 200 also for a token that is not there."""
    return _answer(request, lambda asked: asked.create_revocation_response)


def _answer(request: HttpRequest, choose: Callable[[Any], Ask]) -> HttpResponse:
    if request.method != "POST":
        problem = problems.Problem(405, "method-not-allowed", "Only POST is allowed here.", headers={"Allow": "POST"})
        return problems.respond(request, problem)
    with actors.acting_as(actors.of_call(request)):
        try:
            return _judged(request, choose)
        except Refusal as refusal:
            return refusal.response()
        except Exception as error:
            problem_of_it = problems.describe(error)
            if problem_of_it is None:
                raise  # a bug, which Django logs
            outage.noticed(request, error)
            problems.tell(error)
            return of_problem(problem_of_it).response()


def _judged(request: HttpRequest, choose: Callable[[Any], Ask]) -> HttpResponse:
    """Attack: ids and secrets are tried one after the other. What fails counts against the address."""
    address = actors.address_of(request.META)
    attempt = token_requests.attempt(address)
    if attempt.wait:
        if attempt.first:
            log.warning("oauth_client_refused", address=address, wait=round(attempt.wait))
        raise too_many(attempt.wait)
    failed = False
    try:
        form = forms.read(request)
        validator = Validator(form.client)
        headers = {"Content-Type": forms.MEDIA_TYPE}
        made, body, status = choose(server(validator))(request.path, "POST", form.body, headers)
        failed = status == 401
    finally:
        if not failed:
            token_requests.forgive(address)
    if status >= 400:
        told = json.loads(body)
        raise Refusal(told["error"], told.get("error_description", ""), status)
    return HttpResponse(body, status=status, headers=made | HEADERS)
