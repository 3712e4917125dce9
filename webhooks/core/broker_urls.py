"""URLs of message brokers: ``amqps://user:password@host:5671/vhost``, ``rediss://…/0``, ``sqs://key:secret@…``.

They are taken apart here and nowhere else: the libraries get the parts, never the text, so that no second parser can
read another host, a file or a TLS option out of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from webhooks.core.urls import InvalidUrl, canonical_host

MAX_URL = 2048  # characters
MAX_CREDENTIAL = 1024  # characters of a user name or a password; tokens of cloud brokers are that long
MAX_VHOST = 127  # bytes, so that with its length it fits AMQP's short string of every broker
MAX_DATABASE = 65_535  # Redis allows so many as are configured, 16 by default

PORTS = {"amqp": 5672, "amqps": 5671, "redis": 6379, "rediss": 6379, "sqs": 443}
# Ports at which brokers live on the Internet, beside those that any web server may have.
USUAL_PORTS = {
    "amqp": frozenset({5672}),
    "amqps": frozenset({5671}),
    "redis": frozenset({6379}),
    "rediss": frozenset({6379, 6380}),  # 6380: Azure
    "sqs": frozenset[int](),
}
PLAIN = frozenset({"amqp", "redis"})  # credentials and messages go in clear
EXAMPLE = "amqps://user:password@mq.example.com/vhost"

_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://"
    r"(?:(?P<user>[^:@/?#\[\]\\]*)(?::(?P<password>[^:@/?#\[\]\\]*))?@)?"
    r"(?P<host>\[[^\[\]/?#@\\]*\]|[^\[\]/?#@:\\]*)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[^?#]*)?"
    r"(?:\?(?P<query>[^#]*))?"
)
_UNREADABLE = re.compile(r"[^\x21-\x7e]")
_LOST_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_REGION = re.compile(r"region=([a-z0-9-]{1,32})")


@dataclass(frozen=True, slots=True)
class BrokerUrl:
    """A broker URL in parts, decoded. ``path``: virtual host, or the number of the database; "" for SQS.

    ``region``: of ``sqs://…?region=eu-west-1``. ``host`` is empty for ``sqs://key:secret@?region=…``.
    """

    scheme: str
    host: str
    port: int
    username: str
    password: str = field(repr=False)
    path: str = ""
    region: str = ""

    @property
    def authority(self) -> str:
        """Host and port as the URL has them; without the port that goes without saying."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def tail(self) -> str:
        """Path and query in canonical form."""
        path = "" if self.path in ("", "/") else f"/{quote(self.path, safe='')}"
        return path + (f"?region={self.region}" if self.region else "")

    def text(self, password: str | None = None) -> str:
        """The canonical URL; with ``password`` in the place of the real one, as it is."""
        shown = quote(self.password, safe="") if password is None else password
        login = quote(self.username, safe="") + (f":{shown}" if self.password else "")
        return f"{self.scheme}://{login}{'@' if login else ''}{self.authority}{self.tail}"


def parse(text: object) -> BrokerUrl:
    """Read the URL of a broker; raise :class:`InvalidUrl` with one sentence that says how to mend it."""
    if not isinstance(text, str):
        raise InvalidUrl(f"The URL must be text such as {EXAMPLE}.")
    if len(text) > MAX_URL:
        raise InvalidUrl(f"The URL is longer than {MAX_URL} characters.")
    if _UNREADABLE.search(text):
        raise InvalidUrl("The URL contains a blank, a control character or one outside ASCII; percent-encode it.")
    match = _URL.fullmatch(text)
    if match is None:
        raise InvalidUrl(
            f"The text is not the URL of a broker; write it like {EXAMPLE}, with : / @ ? and # in a user name or "
            "password percent-encoded (%3A %2F %40 %3F %23)."
        )
    scheme = match["scheme"].lower()
    if scheme not in PORTS:
        raise InvalidUrl(f"The scheme {scheme[:20]}: is not supported; use one of {', '.join(PORTS)}.")
    port = int(match["port"]) if match["port"] else PORTS[scheme]
    if not 0 < port < 65536:
        raise InvalidUrl(f"The port {port} does not exist; ports run from 1 to 65535.")
    host = canonical_host(match["host"]) if match["host"] or scheme != "sqs" else ""
    return BrokerUrl(
        scheme, host, port, _credential(match["user"]), _credential(match["password"]),
        _path(scheme, match["path"] or ""), _region(scheme, match["query"] or ""),
    )  # fmt: skip


def _decoded(text: str, what: str) -> str:
    try:
        value = unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise InvalidUrl(f"The {what} is not percent-encoded UTF-8.") from None
    if _LOST_PERCENT.search(text):
        raise InvalidUrl(f"A percent sign in the {what} must be written as %25.")
    if _CONTROL.search(value):
        raise InvalidUrl(f"The {what} contains a control character.")
    return value


def _credential(text: str | None) -> str:
    value = _decoded(text or "", "user name or password")
    if len(value) > MAX_CREDENTIAL:
        raise InvalidUrl(f"The user name or password is longer than {MAX_CREDENTIAL} characters.")
    return value


def _path(scheme: str, path: str) -> str:
    """The virtual host (``/`` when there is none, as kombu has it), or the number of the database."""
    value = _decoded(path[1:], "path")
    if scheme in ("amqp", "amqps"):
        if len(value.encode()) > MAX_VHOST:
            raise InvalidUrl(f"The virtual host is longer than {MAX_VHOST} bytes.")
        return value or "/"
    if scheme == "sqs":
        if value:
            raise InvalidUrl("An sqs:// URL has no path; the queue is named by queue.")
        return ""
    if value and not (value.isascii() and value.isdecimal() and int(value[:6]) <= MAX_DATABASE):
        raise InvalidUrl(f"The path is the number of the database, 0 to {MAX_DATABASE}, as in rediss://host/0.")
    return str(int(value or "0"))


def _region(scheme: str, query: str) -> str:
    """Attack: kombu reads TLS options such as ``ssl_cert_reqs=none`` from a URL's query; ours has none."""
    if not query:
        return ""
    match = _REGION.fullmatch(query) if scheme == "sqs" else None
    if match is None:
        allowed = "only region, as in sqs://key:secret@?region=eu-west-1" if scheme == "sqs" else "no query"
        raise InvalidUrl(f"The URL of a broker takes {allowed}.")
    return match[1]
