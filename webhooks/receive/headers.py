"""Headers as frameworks give them: a mapping, or pairs in which a name may stand several times."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

Text: TypeAlias = str | bytes
Headers: TypeAlias = Mapping[str, str] | Mapping[bytes, bytes] | Iterable[tuple[Text, Text]]


def pairs(headers: Headers) -> list[tuple[str, Text]]:
    """Every line by itself, with lower-case names. Of a mapping with several values for a name, all of them.

    Attack: of a repeated header the verifier reads one line and the application another. Frameworks offer the last
    or the first line when they are asked for a name, so they are asked for all of them.
    """
    items: Iterable[tuple[Text, Text]] = headers.items() if isinstance(headers, Mapping) else headers
    return [(_text(name).lower(), value) for name, value in items]


def first(lines: Iterable[tuple[str, Text]], name: str) -> str:
    """The first value of a header that no signature vouches for; empty when there is none."""
    return next((_text(value) for key, value in lines if key == name), "")


def _text(value: Text) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")
