"""An HMAC whose parts are put together from options: header, algorithm, encoding, template, prefix.

``template`` says what is signed, such as ``{timestamp}.{body}``. Bytes in, bytes compared; the encodings are compared
as their canonical text, so there is one signature for a request and not several spellings of it.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Mapping
from typing import Any

from webhooks.core.inbound import options, plain
from webhooks.core.inbound.message import Recipe, Request
from webhooks.core.inbound.provider import Option, Provider
from webhooks.core.signatures.message import require_keys, require_match, require_time

ALGORITHMS = ("sha1", "sha256", "sha384", "sha512")  # HMAC-SHA-1 is not broken, and some providers have nothing else
ENCODINGS = ("hex", "base64", "base64url")
SECRET_ENCODINGS = ("text", "hex", "base64")
_PART = re.compile(r"\{(?:body|timestamp|id)\}")
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")


def _content(given: Mapping[str, Any], body: bytes, timestamp: str, id: str) -> bytes:
    """What is signed. The body is put in as bytes, and nothing of it is taken for a placeholder."""
    values = {"{body}": body, "{timestamp}": timestamp.encode(), "{id}": id.encode()}
    template, pieces, last = given["template"], [], 0
    for part in _PART.finditer(template):
        pieces += [template[last : part.start()].encode(), values[part[0]]]
        last = part.end()
    return b"".join([*pieces, template[last:].encode()])


def _mac(given: Mapping[str, Any], secret: str, content: bytes) -> bytes:
    digest = hmac.digest(_key(given["secret_encoding"], secret), content, given["algorithm"])
    if given["encoding"] == "hex":
        text = digest.hex().encode()
    elif given["encoding"] == "base64":
        text = base64.b64encode(digest)
    else:
        text = base64.urlsafe_b64encode(digest).rstrip(b"=")
    return str(given.get("prefix", "")).encode() + text


def _key(encoding: str, secret: str) -> bytes:
    if encoding == "text":
        return secret.encode()
    return bytes.fromhex(secret) if encoding == "hex" else base64.b64decode(secret, validate=True)


def _verify(recipe: Recipe, request: Request, now: float) -> None:
    require_keys(recipe.secrets)
    given = recipe.options
    timestamp = request.one(given["timestamp_header"].lower()) if "timestamp_header" in given else ""
    if "timestamp_header" in given:
        require_time(timestamp, now, recipe.tolerance)
    id = request.one(given["id_header"].lower()) if "{id}" in given["template"] else ""
    signature = request.one(given["header"].lower()).encode()
    content = _content(given, request.body, timestamp, id)
    require_match([_mac(given, secret, content) for secret in recipe.secrets], [signature])


def _sign(recipe: Recipe, body: bytes, now: int) -> dict[str, str]:
    given, made = recipe.options, {}
    if "timestamp_header" in given:
        made[given["timestamp_header"]] = str(now)
    if "{id}" in given["template"]:
        made[given["id_header"]] = "sample"
    content = _content(given, body, str(now), "sample")
    return {**made, given["header"]: _mac(given, recipe.secrets[0], content).decode()}


def _template(value: Any) -> str:
    text = options.printable(value)
    unknown = [part for part in _PLACEHOLDER.findall(text) if not _PART.fullmatch(part)]
    if text.count("{body}") != 1 or unknown:
        raise ValueError("takes {body} once, and {timestamp} and {id}, such as {timestamp}.{body}")
    return text


def _faults(given: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Attack: a time that is checked and not signed, which anybody can renew."""
    found, template = [], given.get("template", "{body}")
    if ("{timestamp}" in template) != ("timestamp_header" in given):
        found.append(("timestamp_header", "is needed when the template holds {timestamp}, and only then"))
    if "{id}" in template and "id_header" not in given:
        found.append(("id_header", "is needed when the template holds {id}"))
    return found


def check_key(given: Mapping[str, Any], secret: str) -> None:
    """Raise ValueError for a secret that ``secret_encoding`` cannot read."""
    encoding = given.get("secret_encoding", "text")
    try:
        key = _key(encoding, secret)
    except (ValueError, binascii.Error):
        raise ValueError(f"is not {encoding}, which secret_encoding says it is") from None
    if not key:
        raise ValueError("is empty")


PROVIDER = Provider(
    "custom",
    "An HMAC of your description: header, algorithm, encoding, template, prefix",
    _verify,
    plain.read,
    secrets="generated",
    options={
        "header": Option(options.header_name, "The header that holds the signature.", required=True),
        "algorithm": Option(options.one_of(ALGORITHMS), "The hash of the HMAC.", default="sha256"),
        "encoding": Option(options.one_of(ENCODINGS), "How the signature is written.", default="hex"),
        "prefix": Option(options.printable, "What stands in front of the signature, such as `sha256=`."),
        "template": Option(_template, "What is signed, such as `{timestamp}.{body}`.", default="{body}"),
        "timestamp_header": Option(options.header_name, "The header that holds the time, in unix seconds."),
        "secret_encoding": Option(options.one_of(SECRET_ENCODINGS), "How a secret becomes the key.", default="text"),
        **options.MAPPING,
    },
    faults=_faults,
    sign=_sign,
    cloudevents=True,
)
