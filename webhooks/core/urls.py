"""The one parser of endpoint URLs: every write path uses it, and so does every attempt.

Attack: two parsers that read one text differently (``http://127.0.0.1\\@example.com/``) let a checker approve
one host and the client connect to another. Here a strict grammar takes the text apart, a canonical text is
built from the parts, and ``urllib.parse`` and urllib3 must read that text in the same way. Only the canonical
text is stored, shown and sent. Names are not resolved here: the client judges the addresses at connect time.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import quote, urlsplit

import idna
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from webhooks.core.addresses import NOTHING_ALLOWED, AllowList, is_denied_port, judge
from webhooks.errors import ClarionError

MAX_URL_LENGTH = 2048  # characters; what databases, logs and proxies take without surprises
MAX_HOST_LENGTH = 253  # octets of a DNS name in text form, RFC 1035
DEFAULT_PORTS = {"http": 80, "https": 443}
EXAMPLE = "https://example.com/webhooks"

# Names that mean something inside a network only; usable when the operator's allow-list opens the port.
INTERNAL_SUFFIXES = ("localhost", "local", "internal", "home.arpa")
# Names that no DNS server may answer (RFC 7686, RFC 9476, RFC 6761).
UNRESOLVABLE_SUFFIXES = ("onion", "alt", "invalid")
PLACEHOLDERS = ("{version}", "{event_type}")

_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://"
    r"(?P<host>\[[^\[\]/?#@\\]*\]|[^\[\]/?#@:\\]*)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[^?]*)?"
    r"(?P<query>\?.*)?"
)
_VISIBLE_ASCII = r"[A-Za-z0-9\-._~:/?@!$&'()*+,;=|\[\]]|%[0-9A-Fa-f]{2}"  # RFC 3986, and | [ ] as browsers do
_SENDABLE = re.compile(rf"(?:{_VISIBLE_ASCII})*")
_SENDABLE_CHARACTER = re.compile(_VISIBLE_ASCII)
_PLACEHOLDER = re.compile("|".join(map(re.escape, PLACEHOLDERS)))
_BLANK_OR_CONTROL = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029]")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NUMERIC_LABEL = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_FRAGMENT = "The URL contains a fragment (#...), which is never sent; remove it or write # as %23."
_DOT_SEGMENT = re.compile(r"(?:\.|%2[eE]){1,2}")


class InvalidUrl(ClarionError):
    """The URL is not valid."""


@dataclass(frozen=True, slots=True)
class CanonicalUrl:
    """A checked URL, ready to be stored (``url``) or sent to.

    ``host``: A-label or IP literal without brackets; ``display_host``: the same in Unicode, for people;
    ``authority``: the ``Host`` header (brackets, non-default port); ``path_and_query``: the request target.
    """

    scheme: str
    host: str
    display_host: str
    port: int
    path_and_query: str
    authority: str
    url: str

    @property
    def origin(self) -> str:
        """``scheme://authority`` without the path."""
        return f"{self.scheme}://{self.authority}"

    def __str__(self) -> str:
        return self.url


def parse_endpoint_url(text: str, *, allow_http: bool, allow: AllowList = NOTHING_ALLOWED) -> CanonicalUrl:
    """Read the URL of an endpoint; raise :class:`InvalidUrl` with one sentence when it may not be one.

    ``allow`` is the operator's list of trusted networks. An IP literal is judged at once. A name that exists
    inside a network only (``localhost``, ``db``, ``api.internal``) needs a rule that opens the URL's port;
    so does a port that is not a web server's, written out (``10.2.0.0/16:6379``). The addresses behind a
    name are judged when it is resolved. Placeholders may stand in the path, see :func:`expand_path`.
    """
    if not isinstance(text, str):
        raise InvalidUrl(f"The URL must be text such as {EXAMPLE}.")
    url = _parse(text)
    if url.scheme == "http" and not allow_http:
        raise InvalidUrl("The URL must start with https://; plain http is not allowed here.")
    check_host(url.host, url.port, allow)
    return url


def expand_path(url: CanonicalUrl, version: str, event_type: str) -> CanonicalUrl:
    """Put the values in the path's placeholders, percent-encoded.

    Attack: a value such as ``..`` or ``a/b`` that leads the request to another resource of the receiver.
    A value can fill its place but never make a dot segment; :class:`InvalidUrl` when it would.
    """
    if "{" not in url.path_and_query:
        return url
    values = {
        "{version}": quote(version, safe="", errors="replace"),
        "{event_type}": quote(event_type, safe="", errors="replace"),
    }
    expanded = _PLACEHOLDER.sub(lambda match: values[match[0]], url.path_and_query)
    before = url.path_and_query.partition("?")[0].split("/")
    after = expanded.partition("?")[0].split("/")
    for template, segment in zip(before, after, strict=True):
        if template != segment and _DOT_SEGMENT.fullmatch(segment):
            raise InvalidUrl(f"The path segment {template!r} would become {segment!r}, another path.")
    return replace(url, path_and_query=expanded, url=f"{url.origin}{expanded}")


@lru_cache(maxsize=2048)
def _parse(text: str) -> CanonicalUrl:
    if len(text) > MAX_URL_LENGTH:
        raise InvalidUrl(f"The URL is longer than {MAX_URL_LENGTH} characters.")
    if _BLANK_OR_CONTROL.search(text):
        raise InvalidUrl("The URL contains a blank or a control character; remove it or write it as %20.")
    if "\\" in text:
        raise InvalidUrl("The URL contains a backslash; use / or write it as %5C.")
    match = _URL.fullmatch(text)
    if match is None:
        raise InvalidUrl(_explain(text))
    scheme = match["scheme"].lower()
    if scheme not in DEFAULT_PORTS:
        raise InvalidUrl(f"The scheme {scheme[:20]}: is not supported; use https:// as in {EXAMPLE}.")
    port = int(match["port"]) if match["port"] else DEFAULT_PORTS[scheme]
    if not 0 < port < 65536:
        raise InvalidUrl(f"The port {port} does not exist; ports run from 1 to 65535.")
    host = canonical_host(match["host"])
    target = _request_target(match["path"] or "/", match["query"] or "")
    authority = f"[{host}]" if ":" in host else host
    if port != DEFAULT_PORTS[scheme]:
        authority += f":{port}"
    url = f"{scheme}://{authority}{target}"
    if len(url) > MAX_URL_LENGTH:
        raise InvalidUrl(f"The URL is longer than {MAX_URL_LENGTH} characters.")
    _require_agreement(url, scheme, host, port)
    return CanonicalUrl(scheme, host, _display(host), port, target, authority, url)


def _explain(text: str) -> str:
    """Why the grammar refused ``text``, most telling reason first."""
    scheme, separator, rest = text.partition("://")
    if not separator or not scheme:
        return f"The URL must start with https://, as in {EXAMPLE}."
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in authority:
        return "The URL contains a user name or password; use the endpoint's auth settings instead."
    if "#" in text:
        return _FRAGMENT
    if authority.count(":") > 1 and not authority.startswith("["):
        return "An IPv6 address must stand in brackets, as in https://[2001:db8::1]/webhooks."
    if "[" in authority or "]" in authority:
        return "The brackets of the host do not enclose an IPv6 address."
    if ":" in authority:
        return "The port must be a number from 1 to 65535."
    return f"The text is not a URL; write it like {EXAMPLE}."


def canonical_host(raw: str) -> str:
    """The one spelling of a host: A-labels in lower case, or an IP literal without brackets; :class:`InvalidUrl`."""
    if not raw:
        raise InvalidUrl(f"The URL has no host; write it like {EXAMPLE}.")
    if raw.startswith("["):
        return _ipv6(raw[1:-1])
    if "%" in raw:
        raise InvalidUrl("The host contains a percent sign; write the name itself.")
    name = _domain_name(raw)
    if _NUMERIC_LABEL.fullmatch(name.rpartition(".")[2]):
        return _ipv4(raw)
    return name


def _ipv6(text: str) -> str:
    if "%" in text:
        raise InvalidUrl("An IPv6 address with a zone (%...) is not allowed.")
    try:
        address = IPv6Address(text)
    except AddressValueError:
        raise InvalidUrl("The brackets of the host do not enclose an IPv6 address.") from None
    if address.ipv4_mapped is not None:
        raise InvalidUrl(f"Write the IPv4 address itself: {address.ipv4_mapped}.")
    return str(address)


def _ipv4(raw: str) -> str:
    """Attack: ``2130706433``, ``0x7f.1``, ``0177.0.0.1``, full-width digits are 127.0.0.1 to resolvers."""
    try:
        return str(IPv4Address(raw.removesuffix(".")))
    except AddressValueError:
        raise InvalidUrl("A host that ends in a number must be written like 192.0.2.10.") from None


def _domain_name(raw: str) -> str:
    """The A-labels of a name in lower case (UTS 46, IDNA 2008, STD 3), without the final dot."""
    if len(raw) > MAX_HOST_LENGTH + 1:
        raise InvalidUrl(f"The host is longer than {MAX_HOST_LENGTH} characters.")
    name = raw.lower()
    if not name.isascii() or "xn--" in name:
        try:
            name = idna.encode(raw, uts46=True, std3_rules=True).decode("ascii")
        except (UnicodeError, ValueError, IndexError):
            raise InvalidUrl("The host is not a valid international domain name.") from None
    name = name.removesuffix(".")
    if len(name) > MAX_HOST_LENGTH:
        raise InvalidUrl(f"The host is longer than {MAX_HOST_LENGTH} characters.")
    if not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise InvalidUrl(
            "The host is not a domain name: each part between dots has 1 to 63 letters, digits or hyphens "
            "and begins and ends with a letter or digit."
        )
    return name


def _request_target(path: str, query: str) -> str:
    """Path and query byte for byte; placeholders in the path only."""
    if _SENDABLE.fullmatch(_PLACEHOLDER.sub("", path)) and _SENDABLE.fullmatch(query):
        return path + query
    if "#" in path or "#" in query:
        raise InvalidUrl(_FRAGMENT)
    if _PLACEHOLDER.search(query):
        raise InvalidUrl("{version} and {event_type} can stand in the path only, not in the query.")
    rest = _SENDABLE_CHARACTER.sub("", _PLACEHOLDER.sub("", path) + query)
    if rest.startswith(("{", "}")):
        raise InvalidUrl("Braces can only enclose {version} or {event_type}; write others as %7B and %7D.")
    if rest.startswith("%"):
        raise InvalidUrl("A percent sign must be followed by two hexadecimal digits; write it as %25.")
    raise InvalidUrl(f"The character {rest[:1]!r} must be percent-encoded in the path and the query.")


def _require_agreement(url: str, scheme: str, host: str, port: int) -> None:
    """The parsers of the standard library and of urllib3 must find the host and port that we found."""
    try:
        standard, other = urlsplit(url), parse_url(url)
        standard_port = standard.port
    except (ValueError, HTTPError):
        raise InvalidUrl(f"The text is not a URL; write it like {EXAMPLE}.") from None
    found = {
        (standard.scheme, standard.hostname, standard_port or DEFAULT_PORTS[scheme], standard.username),
        (other.scheme, (other.host or "").strip("[]"), other.port or DEFAULT_PORTS[scheme], other.auth),
    }
    if found != {(scheme, host, port, None)}:
        raise InvalidUrl("The URL can be read in more than one way; write it in its plain form.")


def check_host(host: str, port: int, allow: AllowList, usual: Collection[int] = frozenset()) -> None:
    """Raise :class:`InvalidUrl` for a canonical host that can be refused without a lookup.

    ``usual``: see :func:`webhooks.core.addresses.judge`.
    """
    if is_ip_literal(host):
        reason = judge(host, port, allow, usual)
        if reason is not None and reason != "port":
            raise InvalidUrl("The URL names an address that webhooks may not be sent to; use a public host.")
    elif _has_suffix(host, UNRESOLVABLE_SUFFIXES):
        raise InvalidUrl(f"Names like {host} have no address on the Internet; use a public host.")
    elif ("." not in host or _has_suffix(host, INTERNAL_SUFFIXES)) and not allow.opens_port(port):
        raise InvalidUrl(f"{host} is a name of an internal network; use a public host.")
    if is_denied_port(port) and port not in usual and not allow.opens_port(port):
        good = " and ".join(map(str, sorted(usual) or (443, 8443)))
        raise InvalidUrl(f"Port {port} is not one that webhooks may be sent to; use {good}.")


def is_ip_literal(host: str) -> bool:
    """True for the canonical form of an IPv4 or IPv6 literal: no top-level domain is a number."""
    return ":" in host or host.rpartition(".")[2].isdecimal()


def _has_suffix(host: str, suffixes: tuple[str, ...]) -> bool:
    return any(host == suffix or host.endswith(f".{suffix}") for suffix in suffixes)


def _display(host: str) -> str:
    if "xn--" not in host:
        return host
    try:
        return idna.decode(host)
    except (UnicodeError, ValueError, IndexError):
        return host
