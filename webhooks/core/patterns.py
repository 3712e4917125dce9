"""Event types and the patterns that subscribe to them.

A type is dot-separated segments of ``A-Za-z0-9_``. A pattern is a type (exact), ``a.*`` (one more segment),
``a.**`` (one or more) or ``*`` (every type). As wildcards only end a pattern, the patterns that can match a
type are few and known, so matching is an index look-up and never a scan over subscriptions.
"""

from __future__ import annotations

import re

MAX_LENGTH = 128  # characters of a type; longer names are generated ones, not designed ones

_TYPE = re.compile(r"[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*\Z")
_PATTERN = re.compile(r"(?:[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*(?:\.\*\*?)?|\*)\Z")


class InvalidPattern(ValueError):
    """The text is no event type or pattern; the message says why and how to mend it."""


def check_event_type(text: str) -> None:
    """Raise :class:`InvalidPattern` unless ``text`` is an event type."""
    if len(text) > MAX_LENGTH:
        raise InvalidPattern(f"an event type has at most {MAX_LENGTH} characters, this one has {len(text)}")
    if not _TYPE.match(text):
        raise InvalidPattern(
            "an event type is made of letters, digits and underscores in segments joined by dots, such as order.created"
        )


def check_pattern(text: str) -> None:
    """Raise :class:`InvalidPattern` unless ``text`` is an event type or a pattern."""
    if len(text) > MAX_LENGTH:
        raise InvalidPattern(f"a pattern has at most {MAX_LENGTH} characters, this one has {len(text)}")
    if not _PATTERN.match(text):
        raise InvalidPattern("a pattern is an event type, or ends in .* (one segment) or .** (any depth), or is *")


def candidates(event_type: str, *, catch_all: bool = True) -> list[str]:
    """All patterns that match a type: ``a.b`` -> ``["a.b", "a.*", "a.**", "*"]``.

    ``catch_all=False`` leaves out ``*``: operational events reach only those who ask for them by name.
    """
    segments = event_type.split(".")
    prefixes = [".".join(segments[:n]) for n in range(1, len(segments))]
    wild = [f"{prefix}.**" for prefix in prefixes]
    if prefixes:
        wild.append(f"{prefixes[-1]}.*")
    return [event_type, *wild, *(["*"] if catch_all else [])]


def matches(pattern: str, event_type: str) -> bool:
    """Whether one pattern matches one type."""
    return pattern in candidates(event_type)
