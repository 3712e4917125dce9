"""JSON out, by msgspec; times as RFC 3339 in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from django.http import HttpResponse
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer

from webhooks.api import bodies

CONTENT_TYPE = "application/json"


def encode(value: Any) -> bytes:
    """Any answer as JSON; what JSON does not know (lazy texts, enumerations) as text."""
    return msgspec.json.encode(value, enc_hook=str)


def reply(
    value: Any,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    kind: type[HttpResponse] = HttpResponse,
) -> HttpResponse:
    """An answer with a JSON body. It belongs to one caller and may hold a secret: no cache keeps it."""
    response = kind(encode(value), content_type=CONTENT_TYPE, status=status, headers=headers)
    response["Cache-Control"] = "no-store"
    return response


class JSONRenderer(BaseRenderer):
    """For DRF's own machinery; the views answer with :func:`reply`."""

    media_type = CONTENT_TYPE
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else encode(data)


class JSONParser(BaseParser):
    """For DRF's own machinery (``request.data``); the views read with :mod:`webhooks.api.bodies`."""

    media_type = CONTENT_TYPE

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        return bodies.read_object(stream)
