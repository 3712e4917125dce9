"""Cursor pages over UUIDv7 keys: newest first, a keyset on ``id``, no count and no offset.

The key is also the partition key, so a page is read from the ends of a few indexes however many rows there are.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import HttpResponse
from rest_framework.pagination import BasePagination
from rest_framework.request import Request

from webhooks.api import problems
from webhooks.api.rendering import reply

DEFAULT_LIMIT = 50
MAX_LIMIT = 250  # rows of a page; an attempt can be 16 KiB

_OLDER, _NEWER = b"o", b"n"  # direction in which a cursor continues


class CursorPagination(BasePagination):
    """``?limit=&cursor=`` in; ``{"next", "previous", "results"}`` out, where next leads to older objects."""

    parameters = ("limit", "cursor")

    def paginate_queryset(  # type: ignore[override]  # a keyset needs a query
        self, queryset: QuerySet[Any], request: Request, view: Any = None
    ) -> list[Any]:
        """One page, newest first; one row more than that is read to know whether there are others."""
        self.request = request
        self.limit = _limit(request.query_params.get("limit"))
        cursor = _decode(request.query_params.get("cursor"))
        newer = cursor is not None and cursor[0] == _NEWER
        rows = queryset.order_by("id" if newer else "-id")
        if cursor is not None:
            rows = rows.filter(id__gt=cursor[1]) if newer else rows.filter(id__lt=cursor[1])
        found = list(rows[: self.limit + 1])
        more = len(found) > self.limit
        page = found[: self.limit]
        if newer:
            page.reverse()
        self.has_older = bool(page) if newer else more
        self.has_newer = more if newer else cursor is not None
        self.edges = _edges(page, cursor)
        return page

    def get_paginated_response(self, data: Any) -> HttpResponse:  # type: ignore[override]
        return reply({"next": self._next(), "previous": self._previous(), "results": data})

    def _next(self) -> str | None:
        return self._link(_OLDER, self.edges[1]) if self.has_older and self.edges else None

    def _previous(self) -> str | None:
        return self._link(_NEWER, self.edges[0]) if self.has_newer and self.edges else None

    def _link(self, direction: bytes, key: UUID) -> str:
        kept = {name: value for name, value in self.request.query_params.items() if name != "cursor"}
        query = urlencode({**kept, "cursor": _encode(direction, key)})
        return self.request.build_absolute_uri(f"{self.request.path}?{query}")

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [
            {
                "name": "limit",
                "in": "query",
                "required": False,
                "description": f"Objects on a page; {DEFAULT_LIMIT} when absent.",
                "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
            },
            {
                "name": "cursor",
                "in": "query",
                "required": False,
                "description": "Where the page begins: taken from `next` or `previous`, never made up.",
                "schema": {"type": "string"},
            },
        ]

    def get_paginated_response_schema(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {
                "next": {**link, "description": "The page of older objects; null on the last one."},
                "previous": {**link, "description": "The page of newer objects; null on the first one."},
                "results": {**schema, "description": "Newest first."},
            },
        }


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= MAX_LIMIT:
        return int(text)
    raise problems.bad_parameter("limit", f"takes a whole number from 1 to {MAX_LIMIT}")


def _encode(direction: bytes, key: UUID) -> str:
    return base64.urlsafe_b64encode(direction + key.bytes).decode().rstrip("=")


def _decode(text: str | None) -> tuple[bytes, UUID] | None:
    """A cursor names a place in the order and nothing else: what may be seen there is filtered as ever."""
    if text is None:
        return None
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 17 or raw[:1] not in (_OLDER, _NEWER):
        raise problems.bad_parameter("cursor", "is not one that this API gave out; start without it")
    return raw[:1], UUID(bytes=raw[1:])


def _edges(page: Sequence[Model], cursor: tuple[bytes, UUID] | None) -> tuple[UUID, UUID] | None:
    """The newest and oldest key of a page; an empty page stands where its cursor pointed."""
    if page:
        return page[0].pk, page[-1].pk
    return (cursor[1], cursor[1]) if cursor else None
