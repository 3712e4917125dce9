"""What is signed and what is verified: a request on its way out, and one that came in."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from webhooks.errors import ClarionError

TOLERANCE = 300.0  # seconds either way, as the reference libraries of Standard Webhooks and Stripe have it
MAX_HEADER = 1024  # characters; ten signatures of the longest kind
MAX_CANDIDATES = 10  # signatures of one header that are tried: each costs the receiver a comparison

_PRINTABLE = re.compile(rb"[\x20-\x7e\t]*\Z")
_TIMESTAMP = re.compile(r"[0-9]{1,12}\Z")
# No dot: it separates id, time and body in what is signed, and a second reading could move them.
_MESSAGE_ID = re.compile(r"[\x21-\x2d\x2f-\x7e]{1,256}\Z")

K = TypeVar("K")


class InvalidSignature(ClarionError):
    """The signature does not fit."""

    word = "wrong"  # for logs and the owner of a source; whoever sent the request gets one answer for all


class MissingSignature(InvalidSignature):
    """There is no signature."""

    word = "missing"


class StaleSignature(InvalidSignature):
    """The timestamp is too old or too far ahead."""

    word = "stale"


class Outgoing(NamedTuple):
    """A request before it is signed. ``timestamp``: unix seconds of this attempt; ``target_uri``: the whole URL."""

    id: str
    timestamp: int
    body: bytes
    target_uri: str = ""
    content_type: str = "application/json"
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Scheme(Generic[K]):
    """A way to sign: with valid keys, newest first and never none, it makes headers of a request.

    ``summary``: one sentence for the API's description.
    """

    name: str
    headers: tuple[str, ...]
    summary: str
    sign: Callable[[Sequence[K], Outgoing], dict[str, str]]


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came in: raw body, every header line by itself. ``target_uri`` is needed for RFC 9421 only."""

    headers: Sequence[tuple[str, str | bytes]]
    body: bytes
    method: str = "POST"
    target_uri: str = ""

    def one(self, name: str, limit: int = MAX_HEADER) -> str:
        """The value of a header that must be there once, in ASCII; else :class:`InvalidSignature`.

        Attack: of a repeated header the verifier reads one line and the application another.
        """
        found = [value for key, value in self.headers if key.lower() == name]
        if not found:
            raise MissingSignature(f"The header {name} is missing.")
        if len(found) > 1:
            raise InvalidSignature(f"The header {name} is there more than once.")
        value = found[0]
        try:
            raw = value.encode("ascii") if isinstance(value, str) else bytes(value)
        except UnicodeEncodeError:
            raise InvalidSignature(f"The header {name} is not ASCII.") from None
        if len(raw) > limit or not _PRINTABLE.match(raw):
            raise InvalidSignature(f"The header {name} is too long or not ASCII.")
        return raw.decode("ascii")


def require_keys(keys: Sequence[object]) -> None:
    """Attack: without a key, or with an empty one, whoever knows that could sign. It fails closed."""
    if not keys or not all(keys):
        raise InvalidSignature("There is no key to check the signature with.")


def require_match(expected: Iterable[bytes], given: Sequence[bytes]) -> None:
    """One of ``given`` is one of ``expected``, compared as bytes, whole, in constant time.

    Attacks: the time of a comparison tells how much of a guess is right; a comparison up to the shorter length
    takes an empty signature; a comparison of text stumbles over what is not ASCII.
    """
    if len(given) > MAX_CANDIDATES:
        raise InvalidSignature(f"There are more than {MAX_CANDIDATES} signatures.")
    matches = [hmac.compare_digest(good, candidate) for good in expected for candidate in given]
    if not any(matches):
        raise InvalidSignature


def require_time(text: str, now: float, tolerance: float) -> int:
    """The unix seconds of a timestamp within ``tolerance`` of ``now``, before or after.

    Attacks: a recorded request that is sent again later; a time in the far future, which makes it last for ever;
    digits of other scripts, which int() reads.
    """
    if not _TIMESTAMP.match(text):
        raise InvalidSignature("The timestamp is not a number of seconds.")
    if not abs(now - int(text)) <= tolerance:
        raise StaleSignature
    return int(text)


def standard_content(received: Received, now: float, tolerance: float) -> tuple[bytes, list[str]]:
    """What Standard Webhooks signs, ``{id}.{timestamp}.{body}``, and the tokens of ``webhook-signature``."""
    message_id, timestamp = received.one("webhook-id"), received.one("webhook-timestamp")
    if not _MESSAGE_ID.match(message_id):
        raise InvalidSignature("The id is empty, too long, or has a blank or a dot.")
    require_time(timestamp, now, tolerance)
    content = b"%b.%b.%b" % (message_id.encode(), timestamp.encode(), received.body)
    return content, received.one("webhook-signature").split(" ")
