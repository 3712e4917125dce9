"""``/in/{source id}``: whoever has something to tell us. No session, no cookies, no framework in between.

The order of checks is that of their costs, and tells an attacker nothing: is there such a source (404), may this
address send (403), not too much (429), not too large (413), is it genuine (401), is its content right (422), is it
new (200 if not). 202 is said when the message is committed, and its processing is rung for after the answer.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from uuid import UUID

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from webhooks import doorbells
from webhooks.conf import conf
from webhooks.core import ids, inbound
from webhooks.core.client_address import is_proxy
from webhooks.core.inbound import cloudevents
from webhooks.core.signatures import InvalidSignature
from webhooks.errors import DecryptionFailed, Unavailable
from webhooks.guards import receive_rate
from webhooks.receivers import body
from webhooks.receivers.answers import Refusal, later, listed, problem, reply, unknown, unverified
from webhooks.services import receiving, source_lookup
from webhooks.services.actors import address_of
from webhooks.services.receiving import Incoming, Known, Stored

_CONTENT_HEADERS = ("CONTENT_TYPE", "CONTENT_LENGTH")
_UNDECRYPTABLE = "A stored secret cannot be decrypted; the operator has to put a missing key back."
ALLOWED = "POST, OPTIONS"


class _Ringing(HttpResponse):
    """The answer to new messages: the server closes it when it is sent, and then their processing is rung."""

    received: Sequence[UUID] = ()

    def close(self) -> None:
        super().close()  # gives the database connection back first
        doorbells.ring_process(self.received)


@csrf_exempt
@transaction.non_atomic_requests  # 202 is said after the commit, also in a project with ATOMIC_REQUESTS
def receive(request: HttpRequest, source_id: str) -> HttpResponse:
    """Take in what a source sends, or answer the handshake of CloudEvents."""
    try:
        source = _source(source_id)
        if request.method == "OPTIONS":
            return _consent(request, source)
        if request.method != "POST":
            detail = f"Messages come by POST, not {str(request.method)[:20]}."
            raise Refusal(405, "method-not-allowed", detail, {"Allow": ALLOWED})
        return _take(request, source)
    except Refusal as refusal:
        return problem(request, refusal)
    except Unavailable as error:
        return problem(request, later(str(error)))
    except DecryptionFailed:
        return problem(request, later(_UNDECRYPTABLE))
    except IntegrityError:  # the source's tenant was deleted a moment ago
        return problem(request, unknown())


def _source(text: str) -> Known:
    key = ids.parse(ids.SOURCE, text)
    found = source_lookup.find(key) if key else None
    if found is None:
        raise unknown()
    return found


def _take(request: HttpRequest, source: Known) -> HttpResponse:
    address = address_of(request.META)
    head = _request(request, b"")
    if not receiving.admits(source, address):
        reason = f"{address or 'An unknown address'} is not one of the source's networks."
        receiving.refuse(source, Incoming(head, address), "address", reason, taken=False)
        raise Refusal(403, "forbidden", "This address may not send to this source.")
    if wait := receive_rate.take(source.id, address, source.limit):
        detail = "The source takes no more requests for the moment."
        raise Refusal(429, "too-many-requests", detail, {"Retry-After": str(wait)})
    incoming = Incoming(_request(request, body.read(request, source.max_bytes)), address)
    try:
        messages = receiving.verified(source, incoming.request, time.time())
    except InvalidSignature as error:
        receiving.refuse(source, incoming, error.word, str(error), taken=True)
        raise unverified() from None
    if len(messages) == 1 and messages[0].reply is not None:
        return reply(messages[0].reply, 200)
    return _answer(request, receiving.store(source, incoming, messages), batch=_is_batch(incoming.request))


def _request(request: HttpRequest, raw: bytes) -> inbound.Request:
    """Django's request as bytes and pairs: header values as they came, in Latin-1."""
    meta = request.META
    headers = [
        (name.removeprefix("HTTP_").replace("_", "-").title(), str(value))
        for name, value in meta.items()
        if name.startswith("HTTP_") or (name in _CONTENT_HEADERS and value)
    ]
    from_proxy = is_proxy(meta.get("REMOTE_ADDR", ""), conf.PROXY_CIDRS)
    return inbound.Request(headers, raw, content_type=meta.get("CONTENT_TYPE", ""), from_proxy=from_proxy)


def _is_batch(request: inbound.Request) -> bool:
    return request.media_type.startswith("application/cloudevents-batch")


def _answer(request: HttpRequest, stored: Sequence[Stored], *, batch: bool) -> HttpResponse:
    """One message: its own answer. A batch: 202 when all are in (200: were before), 207 when some, 422 when none is."""
    new = [one.id for one in stored if not one.duplicate and not one.errors]
    response = _several(request, stored) if batch else _single(request, stored[0])
    if not new:
        return response
    ringing = _Ringing(response.content, status=response.status_code, headers=dict(response.headers))
    ringing.received = new
    return ringing


def _single(request: HttpRequest, stored: Stored) -> HttpResponse:
    status, answer = stored.answer["status"], stored.answer["body"]
    if status == receiving.REJECTED:
        return problem(request, Refusal(status, "invalid-input", listed(answer["errors"])), answer)
    return reply(answer, 200 if stored.duplicate else status)


def _several(request: HttpRequest, stored: Sequence[Stored]) -> HttpResponse:
    errors = [
        {"index": n, "received_id": one.answer["body"]["received_id"], "errors": one.answer["body"]["errors"]}
        for n, one in enumerate(stored)
        if one.answer["status"] == receiving.REJECTED
    ]
    answer = {
        "received_ids": [one.answer["body"]["received_id"] for one in stored],
        "duplicates": sum(one.duplicate for one in stored),
        "errors": errors,
    }
    if errors and len(errors) == len(stored):
        detail = f"None of the messages is right. The first: {listed(errors[0]['errors'])}"
        return problem(request, Refusal(422, "invalid-input", detail), answer)
    if errors:
        return reply(answer, 207)
    return reply(answer, 200 if stored and all(one.duplicate for one in stored) else 202)


def _consent(request: HttpRequest, source: Known) -> HttpResponse:
    """The abuse-protection handshake (CloudEvents Web Hooks 1.0.3, section 4); else what can be done here."""
    rate = int(source.limit.limit * 60 / source.limit.period) if source.limit else None
    granted = cloudevents.consent(request.headers, max(1, rate) if rate is not None else None)
    return reply(None, 200, {"Allow": ALLOWED, **(granted or {})})
