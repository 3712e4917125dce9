"""Cursor pages over UUIDv7 keys: newest first, a keyset on ``id``, no count.

The key is also the partition key, so a page is read from the ends of a few indexes however many rows there are.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.pagination import BasePagination
from rest_framework.request import Request

from webhooks.api import problems
from webhooks.api.filters import period
from webhooks.api.rendering import reply
from webhooks.models.keyset import Place, find

DEFAULT_LIMIT = 50
MAX_LIMIT = 250  # rows of a page; an attempt can be 16 KiB

_OLDER, _NEWER = b"o", b"n"  # direction in which a cursor continues


class CursorPagination(BasePagination):
    """``?limit=&cursor=`` in; ``{"next", "previous", "results"}`` out, where next leads to older objects."""

    parameters = ("limit", "cursor")

    def paginate_queryset(  # type: ignore[override]  # a keyset needs a query
        self, queryset: QuerySet[Any], request: Request, view: Any = None
    ) -> list[Any]:
        """One page, newest first; one row more than that is read to know whether there are others.

        The search for the rows may have ended before the page was full: then the list goes on where it ended.
        """
        self.request = request
        self.limit = _limit(request.query_params.get("limit"))
        lower, upper = period(request.query_params)
        place = replace(_decode(request.query_params.get("cursor")), lower=lower, upper=upper)
        found, end = find(queryset, place, self.limit + 1)
        page = found[: self.limit]
        beyond = page[-1].pk if len(found) > self.limit else end
        before = page[0].pk if page else _back(place)
        if place.newer:
            page.reverse()
            self.older, self.newer = before, beyond
        else:
            self.older, self.newer = beyond, before if place.start else None
        return page

    def get_paginated_response(self, data: Any) -> HttpResponse:  # type: ignore[override]
        return reply(self.page(data))

    def page(self, data: Any) -> dict[str, Any]:
        """The members of the answer."""
        return {"next": self._next(), "previous": self._previous(), "results": data}

    def _next(self) -> str | None:
        return self._link(_OLDER, self.older) if self.older else None

    def _previous(self) -> str | None:
        return self._link(_NEWER, self.newer) if self.newer else None

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
                "schema": {"type": "string", "maxLength": 64},
            },
        ]

    def get_paginated_response_schema(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "description": "A page of a list.",
            "required": ["next", "previous", "results"],
            "properties": {
                "next": {
                    **link,
                    "description": (
                        "The page of older objects; null on the last one. A page can hold fewer objects than asked "
                        "for, even none, and still have a next one: what a filter rarely matches is searched for "
                        "stretch by stretch."
                    ),
                },
                "previous": {**link, "description": "The page of newer objects; null on the first one."},
                "results": {**schema, "maxItems": MAX_LIMIT, "description": "Newest first."},
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


def _decode(text: str | None) -> Place:
    """A cursor names a place in the order and nothing else: what may be seen there is filtered as ever."""
    if text is None:
        return Place()
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != 17 or raw[:1] not in (_OLDER, _NEWER):
        raise problems.bad_parameter("cursor", "is not one that this API gave out; start without it")
    return Place(UUID(bytes=raw[1:]), newer=raw[:1] == _NEWER)


def _back(place: Place) -> UUID | None:
    """The cursor back from an empty page: the key that its own cursor left out belongs to the page before."""
    if place.start is None:
        return None
    return UUID(int=min(max(place.start.int + (1 if place.newer else -1), 0), 2**128 - 1))
