"""Destinations other than a URL: a queue of a broker, Amazon SQS, Amazon EventBridge.

What a tenant writes is judged here, and so is what was stored, each time before it is used. Nothing is looked up:
addresses are judged when they are connected to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlsplit

from webhooks.core import broker_urls
from webhooks.core.addresses import NOTHING_ALLOWED, AllowList
from webhooks.core.broker_urls import PLAIN, USUAL_PORTS, BrokerUrl
from webhooks.core.headers import MASK
from webhooks.core.urls import InvalidUrl, check_host
from webhooks.errors import ClarionError

MAX_QUEUE = 255  # bytes, of AMQP's short string
MAX_SECRET = 256  # characters of an AWS key
DEFAULT_SOURCE = "clarion"  # of an EventBridge entry, which must have one

# The parts of each type; with a question mark those that may be left out.
PARTS: dict[str, tuple[str, ...]] = {
    "queue": ("url", "queue"),
    "sqs": ("queue_url", "region?", "access_key_id", "secret_access_key", "role_arn?", "endpoint_url?"),
    "eventbridge": (
        "event_bus_name", "region", "source?", "access_key_id", "secret_access_key", "role_arn?", "endpoint_url?",
    ),
}  # fmt: skip

_REGION = re.compile(r"[a-z]{2}(?:-gov)?-[a-z]{3,12}-[0-9]{1,2}\Z")
_SQS_NAME = re.compile(r"[A-Za-z0-9_-]{1,75}(?:\.fifo)?\Z")
_SQS_PATH = re.compile(r"/[0-9]{12}/([A-Za-z0-9_-]{1,75}(?:\.fifo)?)\Z")
_SQS_HOST = re.compile(r"sqs\.([a-z0-9-]+)\.(amazonaws\.com(?:\.cn)?)\Z")
_BUS = re.compile(r"(?:arn:aws[a-z-]*:events:[a-z0-9-]+:[0-9]{12}:event-bus/)?[/.\-_A-Za-z0-9]{1,256}\Z")
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[\x21-\x7e]{1,512}\Z")
_KEY_ID = re.compile(r"[A-Za-z0-9]{16,128}\Z")
_SECRET = re.compile(r"[\x21-\x7e]{1,256}\Z")
_SOURCE = re.compile(r"[/.\-_A-Za-z0-9]{1,256}\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_STILL_MASKED = "is the mask that answers show; send the value itself"


class InvalidDestination(ClarionError):
    """The destination is not valid. ``faults``: pointers into it, and what is wrong there."""

    def __init__(self, *faults: tuple[str, str]) -> None:
        self.faults = faults
        super().__init__("; ".join(f"destination{pointer.replace('/', '.')}: {detail}" for pointer, detail in faults))


@dataclass(frozen=True, slots=True)
class Rules:
    """What the operator allows.

    ``plain``: brokers without TLS. ``allow``: networks of the operator's own. ``endpoints``: origins that may stand
    in for AWS (``http://localstack:4566``). ``aws``: boto3 is installed.
    """

    plain: bool = False
    allow: AllowList = NOTHING_ALLOWED
    endpoints: Collection[str] = frozenset()
    aws: bool = True


@dataclass(frozen=True, slots=True)
class QueueDestination:
    """A queue of an AMQP broker, a list of a Redis, or an SQS queue in kombu's format."""

    url: BrokerUrl
    queue: str

    @property
    def label(self) -> str:
        """Where messages go, without credentials: for people, logs and attempts."""
        url = replace(self.url, username="", password="")
        return f"{url.text()}{'&' if url.region else '?'}queue={quote(self.queue)}"

    def secrets(self) -> Iterator[str]:
        """What must never be shown."""
        if self.url.password:
            yield self.url.password
            yield quote(self.url.password, safe="")

    def stored(self) -> dict[str, str]:
        """As it is kept, in canonical form."""
        return {"type": "queue", "url": self.url.text(), "queue": self.queue}


@dataclass(frozen=True, slots=True)
class AwsAccess:
    """Who calls AWS, and where. ``endpoint``: origin that requests go to."""

    region: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    role_arn: str = ""
    endpoint_url: str = ""

    def endpoint(self, service: str) -> str:
        """The origin of ``service`` (``sqs``, ``events``, ``sts``) in the region."""
        return self.endpoint_url or f"https://{service}.{self.region}.{_domain(self.region)}"

    def secrets(self) -> Iterator[str]:
        """What must never be shown."""
        yield self.secret_access_key

    def stored(self) -> dict[str, str]:
        """The parts that say something."""
        parts = {name: getattr(self, name) for name in self.__slots__}
        return {name: part for name, part in parts.items() if part}


@dataclass(frozen=True, slots=True)
class SqsDestination:
    """A queue of Amazon SQS; the message's body is the payload itself."""

    queue_url: str
    access: AwsAccess

    @property
    def label(self) -> str:
        """Where messages go, for people, logs and attempts."""
        return f"sqs://sqs.{self.access.region}.{_domain(self.access.region)}{urlsplit(self.queue_url).path}"

    @property
    def fifo(self) -> bool:
        """The queue keeps an order and drops duplicates."""
        return self.queue_url.endswith(".fifo")

    def secrets(self) -> Iterator[str]:
        """What must never be shown."""
        return self.access.secrets()

    def stored(self) -> dict[str, str]:
        """As it is kept, in canonical form."""
        return {"type": "sqs", "queue_url": self.queue_url} | self.access.stored()


@dataclass(frozen=True, slots=True)
class EventBridgeDestination:
    """An event bus of Amazon EventBridge; the detail of an entry is the payload."""

    event_bus_name: str
    source: str
    access: AwsAccess

    @property
    def label(self) -> str:
        """Where events go, for people, logs and attempts."""
        return f"eventbridge://{self.access.region}/{quote(self.event_bus_name, safe=':/')}"

    def secrets(self) -> Iterator[str]:
        """What must never be shown."""
        return self.access.secrets()

    def stored(self) -> dict[str, str]:
        """As it is kept, in canonical form."""
        kept = {"type": "eventbridge", "event_bus_name": self.event_bus_name, "source": self.source}
        return kept | self.access.stored()


Destination = QueueDestination | SqsDestination | EventBridgeDestination


def parse(value: object, rules: Rules) -> Destination:
    """Read a destination as a tenant writes it or as it was stored; raise :class:`InvalidDestination`."""
    if not isinstance(value, Mapping) or not isinstance(value.get("type"), str):
        raise InvalidDestination(("", f'takes an object with "type": {", ".join(PARTS)}'))
    kind = value["type"]
    if kind not in PARTS:
        raise InvalidDestination(("/type", f"takes one of {', '.join(PARTS)}"))
    parts = {part.rstrip("?"): part.endswith("?") for part in PARTS[kind]}
    faults = [(f"/{_escape(name)}", f"is not a part of a destination {kind}") for name in value if name not in parts]
    faults = [fault for fault in faults if fault[0] != "/type"]
    for name, optional in parts.items():
        part = value.get(name)
        if part in (None, "") and not optional:
            faults.append((f"/{name}", "is required"))
        elif part is not None and not isinstance(part, str):
            faults.append((f"/{name}", "takes text"))
    if faults:
        raise InvalidDestination(*faults)
    return _READ[kind]({name: value.get(name) or "" for name in parts}, rules)


def shown(value: Mapping[str, Any]) -> dict[str, Any]:
    """A stored destination as answers and forms show it: secrets masked."""
    masked = dict(value)
    if value.get("type") == "queue":
        try:
            masked["url"] = broker_urls.parse(value["url"]).text(password=MASK)
        except InvalidUrl:  # was acceptable to another version
            masked["url"] = MASK
    if "secret_access_key" in masked:
        masked["secret_access_key"] = MASK
    return masked


def unmasked(given: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """``given`` with the stored secret where it repeats the mask of an answer.

    Attack: who may change a webhook but never saw its password has it sent to a broker of their own. Whatever decides
    who gets the secret must be as it was, else the mask stays and is refused.
    """
    restored = dict(given)
    if given.get("type") != stored.get("type"):
        return restored
    if given["type"] == "queue":
        try:
            new, old = broker_urls.parse(given.get("url")), broker_urls.parse(stored.get("url"))
        except InvalidUrl:
            return restored
        same = replace(new, path="", password="") == replace(old, path="", password="")
        if new.password == MASK and same:
            restored["url"] = replace(new, password=old.password).text()
    elif given.get("secret_access_key") == MASK and all(
        (given.get(name) or "") == stored.get(name, "") for name in ("access_key_id", "endpoint_url")
    ):
        restored["secret_access_key"] = stored.get("secret_access_key", MASK)
    return restored


def _queue(parts: Mapping[str, str], rules: Rules) -> QueueDestination:
    faults = []
    queue = parts["queue"]
    if len(queue.encode(errors="replace")) > MAX_QUEUE or _CONTROL.search(queue) or not queue.isprintable():
        faults.append(("/queue", f"takes 1 to {MAX_QUEUE} bytes of printable text"))
    try:
        url = broker_urls.parse(parts["url"])
        if url.password == MASK:
            raise InvalidUrl(f"The password {_STILL_MASKED}; it is kept only while host and user name stay the same.")
        url = _sqs_url(url, rules) if url.scheme == "sqs" else _broker(url, rules)
    except InvalidUrl as error:
        raise InvalidDestination(("/url", str(error)), *faults) from None
    if url.scheme == "sqs" and not _SQS_NAME.match(queue):
        faults.append(("/queue", "takes the name of an SQS queue: letters, digits, - and _, perhaps with .fifo"))
    if url.scheme == "sqs" and not rules.aws:
        faults.append(("/url", NO_AWS))
    if faults:
        raise InvalidDestination(*faults)
    return QueueDestination(url, queue)


NO_AWS = "needs boto3, which is not installed here; the operator installs it with pip install 'clarion-webhooks[aws]'"


def _broker(url: BrokerUrl, rules: Rules) -> BrokerUrl:
    if url.scheme in PLAIN and not rules.plain:
        raise InvalidUrl(f"The URL must start with {url.scheme}s://; brokers without TLS are not allowed here.")
    check_host(url.host, url.port, rules.allow, USUAL_PORTS[url.scheme])
    return url


def _sqs_url(url: BrokerUrl, rules: Rules) -> BrokerUrl:
    """With its region, and with a host only where the operator has one that stands in for AWS."""
    if not _KEY_ID.match(url.username) or not _SECRET.match(url.password):
        raise InvalidUrl("An sqs:// URL holds an access key: sqs://<access key id>:<secret access key>@?region=…")
    real = _SQS_HOST.match(url.host)
    region = url.region or (real[1] if real else "")
    if not _REGION.match(region) or (real and real[1] != region):
        raise InvalidUrl("The URL must name one AWS region, as in sqs://key:secret@?region=eu-west-1.")
    if real and url.port == 443:
        return replace(url, host="", region=region)
    if url.host and not sqs_endpoint(url, rules.endpoints):
        raise InvalidUrl("The host is not that of Amazon SQS; leave it out, as in sqs://key:secret@?region=eu-west-1.")
    return replace(url, region=region)


def sqs_endpoint(url: BrokerUrl, endpoints: Collection[str]) -> str:
    """The operator's stand-in for AWS that an sqs:// URL names by host and port; "" when there is none."""
    return next((one for one in (f"https://{url.authority}", f"http://{url.authority}") if one in endpoints), "")


def _sqs(parts: Mapping[str, str], rules: Rules) -> SqsDestination:
    split = urlsplit(parts["queue_url"])
    match = _SQS_HOST.match(split.netloc)
    region = parts["region"] or (match[1] if match else "")
    parts = {**parts, "region": region}
    faults = _access_faults(parts, rules)
    if match and match[1] != region:
        faults.append(("/region", f"differs from the region of queue_url, {match[1]}"))
    real = match is not None and split.scheme == "https" and match[2] == _domain(match[1])
    if not _SQS_PATH.match(split.path) or split.query or split.fragment or not (real or parts["endpoint_url"]):
        faults.insert(0, ("/queue_url", "takes https://sqs.<region>.amazonaws.com/<account>/<queue>"))
    if faults:
        raise InvalidDestination(*faults)
    return SqsDestination(parts["queue_url"], _access(parts))


def _eventbridge(parts: Mapping[str, str], rules: Rules) -> EventBridgeDestination:
    faults = _access_faults(parts, rules)
    source = parts["source"] or DEFAULT_SOURCE
    if not _BUS.match(parts["event_bus_name"]):
        faults.append(("/event_bus_name", "takes the name of an event bus or its ARN"))
    if not _SOURCE.match(source) or source.startswith("aws."):
        faults.append(("/source", "takes 1 to 256 of A-Z a-z 0-9 . _ / and -, and does not start with aws."))
    if faults:
        raise InvalidDestination(*faults)
    return EventBridgeDestination(parts["event_bus_name"], source, _access(parts))


def _access(parts: Mapping[str, str]) -> AwsAccess:
    return AwsAccess(**{name: parts[name] for name in AwsAccess.__slots__})


def _access_faults(parts: Mapping[str, str], rules: Rules) -> list[tuple[str, str]]:
    faults = [] if rules.aws else [("/type", NO_AWS)]
    if not _REGION.match(parts["region"]):
        faults.append(("/region", "takes an AWS region such as eu-west-1"))
    if not _KEY_ID.match(parts["access_key_id"]):
        faults.append(("/access_key_id", "takes an access key id such as AKIAIOSFODNN7EXAMPLE"))
    if parts["secret_access_key"] == MASK:
        faults.append(("/secret_access_key", f"{_STILL_MASKED}; it is kept while access_key_id stays the same"))
    elif not _SECRET.match(parts["secret_access_key"]):
        faults.append(("/secret_access_key", f"takes 1 to {MAX_SECRET} visible ASCII characters"))
    if parts["role_arn"] and not _ROLE.match(parts["role_arn"]):
        faults.append(("/role_arn", "takes the ARN of a role, arn:aws:iam::<account>:role/<name>"))
    if parts["endpoint_url"] and parts["endpoint_url"] not in rules.endpoints:
        faults.append(("/endpoint_url", "is none that the operator allows (WEBHOOKS_AWS_ENDPOINTS); leave it out"))
    return faults


def _domain(region: str) -> str:
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"


def _escape(name: object) -> str:
    return str(name).replace("~", "~0").replace("/", "~1")


_READ: dict[str, Callable[[Mapping[str, str], Rules], Destination]] = {
    "queue": _queue, "sqs": _sqs, "eventbridge": _eventbridge,
}  # fmt: skip
