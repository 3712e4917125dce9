"""JSON as values with exact numbers: reading, writing, and comparing by value.

Whole numbers are ``int``, all others ``Decimal``: 20 digits stay 20 digits, ``42.10`` is neither 42.1 nor
42.099999. For schemas, examples and conversions; events themselves are never read and written again.
"""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal, DecimalException
from typing import Any

# Characters of one number. Arithmetic on longer ones takes a time of its own, which no budget of steps would see.
MAX_NUMBER = 1000


class Unreadable(ValueError):
    """The JSON holds something that cannot be read exactly, or that has no single meaning; the message says what."""


def read(text: bytes | str) -> Any:
    """The value of JSON text that :mod:`webhooks.core.jsontext` has accepted.

    Attack: ``{"a": 1, "a": "x"}``, of which the check reads one member and the receiver the other. A name that is
    there twice is :class:`Unreadable`, like a number of more than MAX_NUMBER characters.
    """
    return json.loads(
        text, parse_int=_integer, parse_float=_decimal, parse_constant=_constant, object_pairs_hook=_object
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise Unreadable(f"has the name {shorten(twice)} twice in one object")
    return made


def _integer(digits: str) -> int:
    _check_length(digits)
    return int(digits)


def _decimal(digits: str) -> Decimal:
    _check_length(digits)
    try:
        return Decimal(digits)
    except DecimalException:
        raise Unreadable(f"has the number {shorten(digits)}, whose exponent is out of range") from None


def _constant(word: str) -> Any:
    raise Unreadable(f"{word} is not JSON")


def _check_length(digits: str) -> None:
    if len(digits) > MAX_NUMBER:
        raise Unreadable(f"has a number of more than {MAX_NUMBER} characters")


def shorten(text: str, limit: int = 80) -> str:
    """Text for a sentence: not longer than ``limit``."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


_string = json.JSONEncoder(ensure_ascii=False).encode


def write(value: Any) -> str:
    """JSON text of a value, numbers as they came. Raises :class:`Unreadable` for what is no JSON."""
    pieces: list[str] = []
    try:
        _write(value, pieces)
    except RecursionError:
        raise Unreadable("is nested too deeply, or holds itself") from None
    text = "".join(pieces)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Unreadable("holds a lone surrogate") from None
    return text


def _write(value: Any, pieces: list[str]) -> None:
    if isinstance(value, dict):
        pieces.append("{")
        for n, (name, item) in enumerate(value.items()):
            if not isinstance(name, str):
                raise Unreadable(f"has a name that is no text but {type(name).__name__}")
            pieces.append(f"{',' if n else ''}{_string(name)}:")
            _write(item, pieces)
        pieces.append("}")
    elif isinstance(value, list | tuple):
        pieces.append("[")
        for n, item in enumerate(value):
            if n:
                pieces.append(",")
            _write(item, pieces)
        pieces.append("]")
    else:
        pieces.append(_scalar(value))


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return _string(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, Decimal) and value.is_finite():
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return repr(float(value))
    raise Unreadable(f"holds {shorten(repr(value))}, which JSON has no form for")


def canonical(value: Any) -> str:
    """A text that two values share when JSON Schema calls them equal: 1 and 1.0 are, 1 and true are not.

    Attack: values made to collide. Text is hashed with a key of the process, numbers are not.
    """
    pieces: list[str] = []
    _canonical(value, pieces)
    return "".join(pieces)


def _canonical(value: Any, pieces: list[str]) -> None:
    if isinstance(value, dict):
        pieces.append("{")
        for name in sorted(value):
            pieces.append(f"{_string(name)}:")
            _canonical(value[name], pieces)
            pieces.append(",")
        pieces.append("}")
    elif isinstance(value, list | tuple):
        pieces.append("[")
        for item in value:
            _canonical(item, pieces)
            pieces.append(",")
        pieces.append("]")
    elif is_number(value):
        pieces.append(_same_number(value))
    else:
        pieces.append(_scalar(value))


def _same_number(value: Any) -> str:
    sign, digits, exponent = Decimal(repr(value) if isinstance(value, float) else value).as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    if not text:
        return "0"
    kept = text.rstrip("0")
    return f"{'-' if sign else ''}{kept}e{int(exponent) + len(text) - len(kept)}"


def is_number(value: Any) -> bool:
    """A JSON number; Python counts booleans as numbers too."""
    return isinstance(value, int | Decimal | float) and not isinstance(value, bool)


def is_integer(value: Any) -> bool:
    """A number without a fraction: 1.0 is one (JSON Schema 2020-12 validation, section 6.1.1)."""
    if isinstance(value, Decimal):
        return bool(value == value.to_integral_value())
    return is_number(value) and (isinstance(value, int) or value.is_integer())


def is_multiple(value: int | Decimal | float, of: int | Decimal | float) -> bool:
    """Whether ``value / of`` is a whole number, exactly; ``of`` is not 0.

    Attack: 1E999999 modulo 0.01 would have a million digits. Only remainders of the exponent are computed.
    """
    one, other = (Decimal(repr(n) if isinstance(n, float) else n).as_tuple() for n in (value, of))
    digits, step = (int("".join(map(str, number.digits)) or "0") for number in (one, other))
    shift = int(one.exponent) - int(other.exponent)
    if digits == 0:
        return True
    if shift >= 0:
        return bool(digits * pow(10, shift, step) % step == 0)
    if -shift > len(one.digits):  # fewer digits than the power of ten that would have to divide them
        return False
    return bool(digits % (step * 10**-shift) == 0)


_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{},:]|[^\s\[\]{},:"]+')


def indented(text: str) -> str:
    """JSON text on several lines for people, each word as it is. Not for text that may be nested at will."""
    pieces: list[str] = []
    depth = 0
    words = _TOKEN.findall(text)
    for n, word in enumerate(words):
        empty = n and words[n - 1] in "[{" and word in "]}"
        if word in "]}":
            depth -= 1
        if pieces and not empty and (word in "]}" or words[n - 1] in "[{,"):
            pieces.append("\n" + "  " * depth)
        pieces.append(": " if word == ":" else word)
        if word in "[{":
            depth += 1
    return "".join(pieces)
