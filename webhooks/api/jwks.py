"""``/.well-known/jwks.json``: the public keys that deliveries are signed with (RFC 7517, RFC 8037), for everybody."""

from __future__ import annotations

import msgspec
from django.http import HttpRequest, HttpResponseBase

from webhooks.api.discovery import public
from webhooks.core import ids
from webhooks.services import signing_keys

MAX_AGE = 300  # seconds; during a rotation the old key signs as well, so a cached set of this age still fits


def jwks(request: HttpRequest) -> HttpResponseBase:
    """``{"keys": [...]}``: with ``?webhook=wh_…`` those of one webhook, else the newest of all.

    Attack: a tenant sends to another one's receiver what Clarion signed for the tenant's own webhook. A receiver
    that trusts the keys of its own webhook only, which is what the parameter is for, refuses that.
    An id that is unknown, deleted or malformed has no keys: the answers do not tell which webhooks exist.
    """
    if refusal := public.refused(request):
        return refusal
    text = request.GET.get("webhook")
    endpoint_id = ids.parse(ids.WEBHOOK, text) if text is not None else None
    none_such = text is not None and endpoint_id is None
    body = msgspec.json.encode({"keys": []} if none_such else signing_keys.published(endpoint_id))
    return public.document(request, body, max_age=MAX_AGE)
