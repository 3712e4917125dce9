"""Reading a message whose provider has no rules of its own: by the source's options, or by the names most use."""

from __future__ import annotations

from webhooks.core.inbound.message import Described, Read, Recipe, Request, members, moment, pointed, text

TYPE_HEADERS = ("x-webhook-event", "x-event-type")
ID_HEADERS = ("webhook-id", "x-webhook-id", "x-event-id")


def read(recipe: Recipe, request: Request) -> Described:
    """The type, id and time that headers or members of the body tell."""
    found = members(request.body)
    return Described(
        body=request.body,
        content_type=request.content_type,
        type=_chosen(recipe, request, "type") or request.first(*TYPE_HEADERS) or text(found, *_TYPE_MEMBERS),
        key=_chosen(recipe, request, "id") or request.first(*ID_HEADERS) or text(found, "id", "event_id"),
        at=moment(text(found, "time", "timestamp", "created_at")),
        data=request.body,
    )


_TYPE_MEMBERS = ("type", "event_type", "event")


def _chosen(recipe: Recipe, request: Request, what: str) -> str:
    if header := recipe.options.get(f"{what}_header"):
        return request.first(header.lower())
    if pointer := recipe.options.get(f"{what}_pointer"):
        return pointed(request.body, pointer)
    return ""


def by_members(type_names: tuple[str, ...], id_names: tuple[str, ...], time_names: tuple[str, ...]) -> Read:
    """A reader of JSON bodies whose members have these names."""

    def read_members(recipe: Recipe, request: Request) -> Described:
        found = members(request.body)
        return Described(
            body=request.body, content_type=request.content_type, type=text(found, *type_names),
            key=text(found, *id_names), at=moment(text(found, *time_names)), data=request.body,
        )  # fmt: skip

    return read_members
