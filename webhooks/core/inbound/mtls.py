"""Mutual TLS that a proxy has ended: it tells in a header which certificate the client showed.

Attack: a client sends the header itself. It is believed only when the other end of the connection is one of the
operator's own proxies (WEBHOOKS_PROXY_CIDRS), and those have to set the header on every request, so that nothing of
the client's gets through.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from webhooks.core.inbound import options, plain
from webhooks.core.inbound.message import Recipe, Request
from webhooks.core.inbound.provider import Option, Provider
from webhooks.core.signatures import InvalidSignature

FORMATS = ("fingerprint", "subject", "certificate")
MAX_CERTIFICATE = 16_384  # characters, escaped
_FINGERPRINT = re.compile(r"[0-9a-f]{40}\Z|[0-9a-f]{64}\Z")  # SHA-1, as nginx tells it, or SHA-256


def _verify(recipe: Recipe, request: Request, now: float) -> None:
    given = recipe.options
    if not request.from_proxy:
        raise InvalidSignature("The request did not come through one of the operator's proxies.")
    if verified := given.get("verified_header"):
        require_one_of([given["verified_value"]], request.one(verified.lower()))
    told = request.one(given["header"].lower(), MAX_CERTIFICATE)
    if given["format"] == "subject":
        require_one_of(given["expected"], told)
    elif given["format"] == "fingerprint":
        require_one_of(given["expected"], normal(told))
    else:
        require_one_of(given["expected"], _fingerprint_of(told))


def require_one_of(expected: Sequence[str], told: str) -> None:
    """Who a client is, is no secret; all the same nothing is told by how long this takes."""
    matches = [hmac.compare_digest(one.encode(), told.encode()) for one in expected]
    if not any(matches):
        raise InvalidSignature("The client's certificate is another one.")


def normal(fingerprint: str) -> str:
    """Hex in lower case, without the colons and the name of the hash some proxies write."""
    return fingerprint.lower().removeprefix("sha256:").removeprefix("sha1:").replace(":", "").strip()


def _fingerprint_of(escaped: str) -> str:
    """SHA-256 of a certificate in URL-encoded PEM, as nginx and AWS load balancers send it."""
    try:
        certificate = x509.load_pem_x509_certificate(unquote(escaped).encode("ascii"))
    except (ValueError, UnicodeEncodeError):
        raise InvalidSignature("The header holds no certificate.") from None
    return certificate.fingerprint(hashes.SHA256()).hex()


def _faults(given: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = []
    if given.get("format") != "subject":
        wrong = [one for one in given.get("expected", ()) if not _FINGERPRINT.match(normal(one))]
        if wrong:
            found.append(("expected", "takes SHA-256 fingerprints (or SHA-1 where the proxy tells those) in hex"))
    if ("verified_header" in given) != ("verified_value" in given):
        found.append(("verified_value", "stands beside verified_header: both or none"))
    return found


def _expected(value: Any) -> str:
    text = options.printable(value)
    return normal(text) if _FINGERPRINT.match(normal(text)) else text


PROVIDER = Provider(
    "mtls",
    "Mutual TLS ended by your proxy, which tells the client's certificate in a header",
    _verify,
    plain.read,
    secrets="none",
    options={
        "header": Option(options.header_name, "The header your proxy sets.", required=True),
        "format": Option(options.one_of(FORMATS), "What it holds.", default="fingerprint"),
        "expected": Option(options.texts(_expected), "The subject or fingerprints of clients let in.", required=True),
        "verified_header": Option(options.header_name, "A header that tells how the certificate's check went."),
        "verified_value": Option(options.printable, "What that one holds when it went well, such as SUCCESS."),
        **options.MAPPING,
    },
    faults=_faults,
    cloudevents=True,
)
