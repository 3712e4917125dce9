"""The header ``Idempotency-Key`` (draft-ietf-httpapi-idempotency-key-header-07) on every ``POST``.

The first request runs and its answer is kept; the same one again gets that answer and ``Idempotent-Replayed: true``.
What failed (4xx and 5xx) changed nothing and is not kept: it may be sent again, corrected, under the same key.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, transaction
from django.http import HttpResponse
from rest_framework.request import Request

from webhooks import doorbells
from webhooks.api import bodies
from webhooks.api.authentication import Caller, caller
from webhooks.api.problems import Problem, bad_header
from webhooks.api.rendering import reply
from webhooks.services import idempotency
from webhooks.services.idempotency import Answer, Claim

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
RETRY_AFTER = 2  # seconds: most requests are done long before
Handler = Callable[..., HttpResponse]

_META = "HTTP_IDEMPOTENCY_KEY"
_KEPT_HEADERS = ("Location",)
_BARE = re.compile(r"[\x21\x23-\x2b\x2d-\x7e]{1,255}\Z")  # visible ASCII, as Stripe's users send it; no quote, no comma
_QUOTED = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,255})"\Z')  # RFC 9651 section 3.3.3


def is_keyed(request: Request) -> bool:
    """Whether the request has a key that counts."""
    return request.method == "POST" and _META in request._request.META and isinstance(request.auth, Caller)


def once(post: Handler, *, in_transaction: bool, limit: int, media_types: tuple[str, ...]) -> Handler:
    """``post`` that runs at most once for a key. ``in_transaction``: the work and its answer commit together.

    ``limit`` and ``media_types``: of the body, which is read for the fingerprint.
    """

    def keyed(request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        claimed = _claim(request, bodies.content(request._request, limit, media_types))
        if isinstance(claimed, Answer):
            response = reply(None, claimed.status, claimed.headers | {REPLAYED: "true"})
            response.content = claimed.body.encode()
            return response
        try:
            with contextlib.ExitStack() as stack:
                if in_transaction:
                    # Bells first: they ring when the block around the transaction has ended.
                    stack.enter_context(doorbells.bells_held())
                    stack.enter_context(transaction.atomic())
                response = post(request, *args, **kwargs)
                if response.status_code < 400:
                    idempotency.finish(claimed, _answer(response))
        except BaseException:
            _release(claimed)
            raise
        return response

    return keyed


def _claim(request: Request, body: bytes) -> Claim | Answer:
    who = caller(request)
    key = _key(request._request.META[_META])
    seen = b"\n".join((b"POST", request._request.get_full_path().encode(), body))
    try:
        return idempotency.claim(who.credential.key_id, who.tenant_id, key, seen)
    except idempotency.Running as error:
        raise Problem(409, "idempotency-key-in-use", str(error), headers={"Retry-After": str(RETRY_AFTER)}) from None
    except idempotency.Reused as error:
        detail = f"{error} Use a new key for each request that differs."
        raise Problem(422, "idempotency-key-reused", detail, [{"header": HEADER, "detail": str(error)}]) from None


def _key(sent: str) -> str:
    """The key without the quotes of a structured field: ``"k"`` and ``k`` are the same."""
    if quoted := _QUOTED.match(sent):
        return re.sub(r"\\(.)", r"\1", quoted[1])
    if _BARE.match(sent):
        return sent
    raise bad_header(HEADER, "takes one key of 1 to 255 visible ASCII characters, such as a UUID")


def _answer(response: HttpResponse) -> Answer:
    headers = {name: response[name] for name in _KEPT_HEADERS if name in response}
    return Answer(response.status_code, headers, response.content.decode())


def _release(claimed: Claim) -> None:
    with contextlib.suppress(DatabaseError):  # its lease ends by itself
        idempotency.release(claimed)
