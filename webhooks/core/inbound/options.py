"""Checks of the members of ``verification``: a clean value, or ValueError with what is taken instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from webhooks.core.inbound.provider import Option

MAX_TEXT = 1000  # characters of one value
MAX_ITEMS = 20

# No underscore: web servers drop such headers, because proxies let clients smuggle them in
_HEADER = re.compile(r"[!#$%&'*+.^`|~0-9A-Za-z-]{1,64}\Z")
_POINTER = re.compile(r"(?:/(?:[^~/\x00-\x1f]|~[01]){0,100}){1,10}\Z")
_VISIBLE = re.compile(r"[\x20-\x7e]+\Z")


def header_name(value: Any) -> str:
    """A header's name."""
    if not isinstance(value, str) or not _HEADER.match(value):
        raise ValueError("takes the name of a header: letters, digits and hyphens, at most 64")
    return value


def printable(value: Any) -> str:
    """Some printable ASCII text."""
    if not isinstance(value, str) or len(value) > MAX_TEXT or not _VISIBLE.match(value):
        raise ValueError(f"takes 1 to {MAX_TEXT} printable ASCII characters")
    return value


def pointer(value: Any) -> str:
    """A JSON Pointer to a member."""
    if not isinstance(value, str) or not _POINTER.match(value):
        raise ValueError("takes a JSON Pointer such as /event/type, at most 10 steps")
    return value


def one_of(choices: Sequence[str]) -> Callable[[Any], str]:
    """One of a few words."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in choices:
            raise ValueError(f"takes one of {', '.join(choices)}")
        return value

    return check


def texts(check: Callable[[Any], str]) -> Callable[[Any], list[str]]:
    """A list of texts, or a single one."""

    def check_all(value: Any) -> list[str]:
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list) or not 0 < len(items) <= MAX_ITEMS:
            raise ValueError(f"takes a list of 1 to {MAX_ITEMS} texts")
        return list(dict.fromkeys(check(item) for item in items))

    return check_all


# Where a provider of one's own says what happened and under which id. Without them: `type`, `event_type` or
# `event`, and `id` or `event_id` of a JSON body.
MAPPING = {
    "type_header": Option(header_name, "The header that holds the type of a message."),
    "type_pointer": Option(pointer, "JSON Pointer to the type in the body."),
    "id_header": Option(header_name, "The header that holds the id of a message."),
    "id_pointer": Option(pointer, "JSON Pointer to the id in the body."),
}
