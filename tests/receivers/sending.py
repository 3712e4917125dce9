"""Sending to a source as its provider would, through every middleware, in this process."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from django.test import Client

from webhooks.models import Source
from webhooks.services import source_lookup


def signed(source: Source, body: bytes, now: float | None = None) -> dict[str, str]:
    """Headers of a genuine request."""
    known = source_lookup.parsed(source)
    moment = time.time() if now is None else now
    assert known.provider.sign is not None
    return known.provider.sign(known.recipe(time.time()), body, int(moment))


def send(
    source: Source | str,
    body: bytes = b"{}",
    headers: Mapping[str, str] | None = None,
    *,
    method: str = "POST",
    content_type: str = "application/json",
    **meta: Any,
) -> Any:
    """One request; ``headers`` None: those of a genuine one. ``meta``: members of the WSGI environment."""
    path = f"/in/{source.public_id if isinstance(source, Source) else source}"
    if headers is None:
        headers = signed(source, body) if isinstance(source, Source) else {}
    return Client(raise_request_exception=False).generic(
        method, path, body, content_type, headers=dict(headers), **meta
    )
