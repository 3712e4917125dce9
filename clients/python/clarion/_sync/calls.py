"""What the resources have in common: answers of one kind, and lists page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar
from urllib.parse import parse_qs, urlsplit

from clarion._generated.client import AuthenticatedClient
from clarion._generated.types import UNSET, Response, Unset
from clarion.errors import UnexpectedAnswer

T = TypeVar("T")


class Resource:
    """Operations on one kind of object."""

    def __init__(self, core: AuthenticatedClient) -> None:
        self._core = core


class Page(Protocol[T]):
    """A page of a list."""

    next_: str | None
    results: list[T]


def given(value: T | None) -> T | Unset:
    """An argument that was left out is left out of the request."""
    return UNSET if value is None else value


def only(response: Response[Any], kind: type[T]) -> T:
    """The parsed answer."""
    if isinstance(response.parsed, kind):
        return response.parsed
    raise UnexpectedAnswer(f"{response.status_code.value} with something else than a {kind.__name__}")


def each(page: Callable[[str | Unset], Page[T]]) -> Iterator[T]:
    """The objects of a list, one page after the other as they are needed."""
    cursor: str | Unset = UNSET
    while True:
        found = page(cursor)
        for one in found.results:
            yield one
        if found.next_ is None:
            return
        cursor = parse_qs(urlsplit(found.next_).query)["cursor"][0]
