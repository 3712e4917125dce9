"""A request of a provider: what came in, what is known of the source, and what the request says."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec

from webhooks.core import headers as header_rules
from webhooks.core.signatures import TOLERANCE, Received
from webhooks.errors import FieldError

MAX_KEY = 128  # characters of a provider's id, the column's width
MAX_TYPE = 200  # characters of a provider's type, the column's width
_SCALAR = re.compile(rb'["0-9-]')
_SEGMENTS = re.compile(r"[/:]")
_NOT_IN_A_TYPE = re.compile(r"[^A-Za-z0-9_.]")
_DOTS = re.compile(r"\.{2,}")
NO_TYPE = "message"  # of what says nothing about its type
MAX_EVENT_TYPE = 128  # characters, as core.patterns has it


@dataclass(frozen=True, slots=True)
class Request(Received):
    """One request as it came. ``from_proxy``: the other end of the connection is a proxy of the operator's own."""

    content_type: str = ""  # media type and parameters
    from_proxy: bool = False

    def first(self, *names: str) -> str:
        """The value of the first of these headers (lower case) that is there; empty without. Nothing is verified."""
        for name in names:
            for key, value in self.headers:
                if key.lower() == name:
                    return header_rules.clean_stored(value, 2048)
        return ""

    @property
    def media_type(self) -> str:
        """Lower case, without parameters."""
        return self.content_type.partition(";")[0].strip().lower()


class Keyring(Protocol):
    """Public keys of whoever issues tokens."""

    def find(self, kid: str) -> Sequence[Any]:
        """The keys (``jwt.PyJWK``) a token with this ``kid`` may be signed with; empty when nobody knows it."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How requests of a source are verified. ``secrets``: those in force, newest first; ``options``: checked ones."""

    secrets: tuple[str, ...] = field(default=(), repr=False)
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    tolerance: float = TOLERANCE  # seconds of a signed time, either way
    keyring: Keyring | None = None

    @property
    def keys(self) -> list[bytes]:
        """The secrets as UTF-8: what most providers take for the key."""
        return [secret.encode() for secret in self.secrets]


@dataclass(frozen=True, slots=True)
class Described:
    """What one message says of itself.

    ``data``: the JSON text of the event it becomes, a piece of the body as it came. ``body`` and ``content_type``:
    what is stored of it, from which :func:`webhooks.core.inbound.read_stored` gives the same again. ``reply``: what
    the provider wants back at once, in place of everything else. ``faults``: why it is no message of its kind.
    """

    body: bytes
    content_type: str
    type: str = ""
    key: str = ""
    at: datetime | None = None
    data: bytes = b""
    reply: Mapping[str, Any] | None = None
    faults: tuple[FieldError, ...] = ()


Verify = Callable[[Recipe, Request, float], None]  # raises InvalidSignature; the float is unix seconds
Read = Callable[[Recipe, Request], Described]


def members(raw: bytes) -> dict[str, msgspec.Raw]:
    """The members of a JSON object, each as the text it came as; empty for anything else."""
    try:
        return msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


def text(found: Mapping[str, msgspec.Raw], *names: str) -> str:
    """The first of these members that is text or a number, as text; empty without."""
    for name in names:
        raw = bytes(found.get(name, b""))
        if _SCALAR.match(raw):
            try:
                value = msgspec.json.decode(raw)
            except msgspec.DecodeError:  # a lone surrogate, say
                continue
            if value != "":
                return str(value)
    return ""


def pointed(raw: bytes, pointer: str) -> str:
    """The text or number at a JSON Pointer (RFC 6901) of objects; empty without."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    for step in steps[:-1]:
        raw = bytes(members(raw).get(step, b""))
    return text(members(raw), steps[-1]) if steps else ""


def moment(value: str) -> datetime | None:
    """An RFC 3339 time or unix seconds, None for anything else."""
    try:
        if value.isascii() and re.fullmatch(r"[0-9]{1,12}(?:\.[0-9]{1,9})?", value):
            return msgspec.convert(float(value), datetime, strict=False)
        found = msgspec.convert(value, datetime)
        return found.astimezone(UTC) if found.tzinfo else None  # PostgreSQL knows no zone 16 hours from it
    except (msgspec.ValidationError, OverflowError, ValueError):
        return None


def storable_key(key: str) -> str:
    """A provider's id as it fits the column: one that is too long or unprintable becomes a digest of it.

    Attack: ids that differ behind the place where they are cut, or a NUL that PostgreSQL refuses.
    """
    if len(key) <= MAX_KEY and key.isprintable():
        return key
    return "sha256:" + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def content_key(body: bytes) -> str:
    """The key of a message without an id: two with the same content are one."""
    return "sha256:" + hashlib.sha256(body).hexdigest()


def event_type(template: str, type: str) -> str:
    """``github.{type}`` and ``issues.opened`` -> ``github.issues.opened``: always a valid event type."""
    name = _DOTS.sub(".", _NOT_IN_A_TYPE.sub("_", _SEGMENTS.sub(".", type))).strip(".") or NO_TYPE
    return template.replace("{type}", name)[:MAX_EVENT_TYPE].strip(".")
