"""A hash chain over entries: each hash covers the entry's content, its place and the hash before it.

Whoever changes, removes, inserts or moves an entry has to change every hash after it. A chain shows that only to
somebody who knows a later hash from elsewhere: an end that was cut off leaves a shorter chain that is whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

START = b"\0" * 32  # the hash before the first entry


@dataclass(frozen=True, slots=True)
class Link:
    """One entry as it is stored. ``hashed``: the hash stored with it, ``previous``: the one it says it follows."""

    sequence: int
    previous: bytes
    hashed: bytes
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain, or of the part of it that was removed by retention. Written ``<sequence>:<hex>``."""

    sequence: int = 0
    hashed: bytes = START

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hashed.hex()}"


@dataclass(frozen=True, slots=True)
class Broken:
    """The first place where a chain does not hold, and a sentence about it."""

    sequence: int
    sentence: str


def link_hash(sequence: int, previous: bytes, content: Mapping[str, Any]) -> bytes:
    """SHA-256 of the canonical form: JSON with sorted keys, no blanks, UTF-8, of place, hash before and content."""
    text = json.dumps(
        {"content": content, "previous": previous.hex(), "sequence": sequence},
        sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False,
    )  # fmt: skip
    return hashlib.sha256(text.encode()).digest()


class Walk:
    """Follows a chain from ``head`` on; ``broken`` holds the first fault."""

    def __init__(self, head: Head) -> None:
        self.head = head
        self.count = 0
        self.broken: Broken | None = None

    def follow(self, links: Iterable[Link]) -> bool:
        """Check more links, in the order of their sequence; False when one of them does not hold."""
        for link in links:
            self.broken = _fault(self.head, link)
            if self.broken:
                return False
            self.head = Head(link.sequence, link.hashed)
            self.count += 1
        return True


def _fault(head: Head, link: Link) -> Broken | None:
    expected = head.sequence + 1
    if link.sequence > expected:
        last = link.sequence - 1
        which = f"Entry {expected} is" if last == expected else f"Entries {expected} to {last} are"
        return Broken(expected, f"{which} missing: removed, or moved elsewhere.")
    if link.sequence < expected:
        return Broken(link.sequence, f"Entry {link.sequence} is there twice: one of them was inserted.")
    if link.hashed != link_hash(link.sequence, link.previous, link.content):
        return Broken(expected, f"Entry {expected} is not what was recorded: its content or its place was changed.")
    if link.previous != head.hashed:
        before = f"entry {head.sequence}" if head.sequence else "the beginning"
        return Broken(expected, f"Entry {expected} does not follow {before}: one of the two was replaced or inserted.")
    return None
