"""``rfc9421``: HTTP Message Signatures (RFC 9421) with Content-Digest (RFC 9530), by the endpoint's ed25519 key.

Covered: ``@method``, ``@target-uri``, ``content-type``, ``content-digest`` (SHA-256) and ``webhook-id``, with the
parameters ``created``, ``keyid``, ``alg`` and ``tag``. It is the only scheme that binds a request to the URL it was
sent to. During a rotation there is a signature for each key, newest first; its label is the key's id, so that a
receiver finds the one it knows.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from webhooks.core.signatures.keys import KeyPair
from webhooks.core.signatures.message import (
    MAX_CANDIDATES,
    TOLERANCE,
    InvalidSignature,
    Outgoing,
    Received,
    Scheme,
    StaleSignature,
    require_time,
)
from webhooks.core.signatures.standard_ed25519 import fits, signature_bytes

INPUT, SIGNATURE, DIGEST = "Signature-Input", "Signature", "Content-Digest"
COMPONENTS = ("@method", "@target-uri", "content-type", "content-digest", "webhook-id")
TAG = "clarion"  # libraries choose among several signatures by it
REQUIRED = frozenset({"@method", "@target-uri", "content-digest", "webhook-id"})
MAX_LIST = 4096  # characters of a header with a signature for each of several keys
_COVERED = " ".join(f'"{name}"' for name in COMPONENTS)

# The part of Structured Fields (RFC 9651) that signers of webhooks use: components without parameters of their own.
_LABEL = r"[a-z*][a-z0-9_.*-]{0,63}"
_TEXT = r'"[\x20\x21\x23-\x5b\x5d-\x7e]*"'
_PARAMETER = rf"(?P<name>[a-z*][a-z0-9_.*-]*)=(?:(?P<number>-?[0-9]{{1,15}})|(?P<text>{_TEXT}))"
_INPUT_MEMBER = re.compile(
    rf"(?P<label>{_LABEL})=(?P<value>\((?P<names>(?:{_TEXT}(?: {_TEXT})*)?)\)"
    rf"(?P<parameters>(?:;[a-z*][a-z0-9_.*-]*=(?:-?[0-9]{{1,15}}|{_TEXT}))*))"
)
_BYTES_MEMBER = re.compile(rf"(?P<label>{_LABEL})=:(?P<value>[A-Za-z0-9+/=]*):")
_SEPARATOR = re.compile(r"[ \t]*,[ \t]*")


@dataclass(frozen=True, slots=True)
class _Input:
    """One member of Signature-Input. ``raw`` is the text that is signed."""

    raw: str
    names: tuple[str, ...]
    parameters: Mapping[str, str | int]


def sign(pairs: Sequence[KeyPair], request: Outgoing) -> dict[str, str]:
    """The headers Content-Digest, Signature-Input and Signature, with one signature for each key."""
    digest = content_digest(request.body)
    values = {
        "@method": request.method, "@target-uri": request.target_uri, "content-type": request.content_type,
        "content-digest": digest, "webhook-id": request.id,
    }  # fmt: skip
    inputs, made = [], []
    for pair in pairs:
        parameters = f'({_COVERED});created={request.timestamp};keyid="{pair.id}";alg="ed25519";tag="{TAG}"'
        raw = pair.private.sign(signature_base(values, parameters))
        inputs.append(f"{pair.id}={parameters}")
        made.append(f"{pair.id}=:{binascii.b2a_base64(raw, newline=False).decode()}:")
    return {DIGEST: digest, INPUT: ", ".join(inputs), SIGNATURE: ", ".join(made)}


def verify(keys: Mapping[str, Ed25519PublicKey], received: Received, now: float, tolerance: float = TOLERANCE) -> int:
    """When one of ``keys`` (by ``keyid``) signed this request, in unix seconds; else :class:`InvalidSignature`.

    The signature has to cover method, target URI, digest and id, the digest has to be that of the body, and
    ``created`` must be within ``tolerance`` seconds. Signatures by other keys are passed over.
    """
    if not keys:
        raise InvalidSignature("There is no key to check the signature with.")
    inputs = {label: _input(match) for label, match in _members(received.one(INPUT.lower(), MAX_LIST), _INPUT_MEMBER)}
    made = {
        label: match["value"] for label, match in _members(received.one(SIGNATURE.lower(), MAX_LIST), _BYTES_MEMBER)
    }
    _require_digest(received)
    for label, given in inputs.items():
        key = keys.get(str(given.parameters.get("keyid")))
        raw = signature_bytes(made.get(label, ""))
        if key is None or raw is None or given.parameters.get("alg", "ed25519") != "ed25519":
            continue
        if not fits(key, raw, signature_base(_values(given, received), given.raw)):
            continue
        if not REQUIRED.issubset(given.names):
            raise InvalidSignature("The signature does not cover method, target URI, digest and id.")
        created = require_time(str(given.parameters.get("created")), now, tolerance)
        if int(given.parameters.get("expires", now + 1)) <= now:
            raise StaleSignature("The signature has expired.")
        return created
    raise InvalidSignature


def content_digest(body: bytes) -> str:
    """The Content-Digest header (RFC 9530 section 2)."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def signature_base(values: Mapping[str, str], parameters: str) -> bytes:
    """What is signed (RFC 9421 section 2.5): a line for each component in order, then the parameters."""
    lines = [f'"{name}": {value}\n' for name, value in values.items()]
    return f'{"".join(lines)}"@signature-params": {parameters}'.encode("ascii")


def _values(given: _Input, received: Received) -> dict[str, str]:
    """The covered components as this request has them."""
    derived = {"@method": received.method, "@target-uri": received.target_uri}
    values = {}
    for name in given.names:
        value = derived.get(name) if name.startswith("@") else received.one(name, MAX_LIST).strip(" \t")
        if value is None or not value.isascii() or not value.isprintable():
            raise InvalidSignature("The signature covers a component that is not known here.")
        values[name] = value
    return values


def _require_digest(received: Received) -> None:
    """Attack: a signature that covers the digest of another body."""
    digests = {label: match["value"] for label, match in _members(received.one(DIGEST.lower()), _BYTES_MEMBER)}
    expected = content_digest(received.body)[len("sha-256=:") : -1]
    if not hmac.compare_digest(digests.get("sha-256", "").encode(), expected.encode()):
        raise InvalidSignature("The Content-Digest is not that of the body.")


def _input(match: re.Match[str]) -> _Input:
    names = tuple(name.strip('"') for name in re.findall(_TEXT, match["names"]))
    parameters: dict[str, str | int] = {}
    for part in re.finditer(f";{_PARAMETER}", match["parameters"]):
        if part["name"] in parameters:
            raise InvalidSignature(f"The parameter {part['name']} is there twice.")
        parameters[part["name"]] = part["text"].strip('"') if part["text"] else int(part["number"])
    if len(set(names)) != len(names):
        raise InvalidSignature("The signature covers a component twice.")
    numbers = [parameters[name] for name in ("created", "expires") if name in parameters]
    if not all(isinstance(number, int) for number in numbers):
        raise InvalidSignature("The parameters created and expires are numbers.")
    return _Input(match["value"], names, parameters)


def _members(text: str, pattern: re.Pattern[str]) -> list[tuple[str, re.Match[str]]]:
    """The members of a dictionary header, at most MAX_CANDIDATES, each label once."""
    found: dict[str, re.Match[str]] = {}
    at = 0
    while match := pattern.match(text, at):
        if match["label"] in found or len(found) == MAX_CANDIDATES:
            break
        found[match["label"]] = match
        if match.end() == len(text):
            return list(found.items())
        separator = _SEPARATOR.match(text, match.end())
        if separator is None:
            break
        at = separator.end()
    raise InvalidSignature("A signature header is not of the form that RFC 9421 asks for.")


SCHEME = Scheme(
    "rfc9421",
    (DIGEST, INPUT, SIGNATURE),
    "HTTP Message Signatures, ed25519 (`Signature-Input`, `Signature`), to be checked like `standard-ed25519`",
    sign,
)
