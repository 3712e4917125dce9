"""The one validation of an endpoint's fields, whoever writes them: API, admin or library.

Names are those of the API. Host names are not resolved here: addresses are judged when they are connected to.
What this version cannot do yet is refused with a sentence, never accepted and ignored.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from webhooks.conf import conf
from webhooks.core import backoff, filters, headers, patterns, signatures, urls
from webhooks.errors import FieldError, InvalidInput
from webhooks.models import Endpoint
from webhooks.net import outbound
from webhooks.services import endpoint_destination
from webhooks.services.endpoint_auth import STILL_MASKED, Refused, check_auth, escape, one_of
from webhooks.services.endpoint_conflicts import check_together

MAX_DESCRIPTION = 500  # characters, the column's width
MAX_METADATA_BYTES = 16_384  # as for events
MAX_FILTER_BYTES = 16_384  # it is evaluated for every event of a matching type
MAX_CHANNELS = 20
MAX_IN_FLIGHT = 100  # parallel requests: more than any one receiver should need
MAX_RATE = 1_000_000  # requests per period
MAX_PERIOD = 86_400  # seconds: a day
MAX_BATCH = 100  # events of one request; so many ids and statuses still fit a receiver's answer
MAX_WAIT = 300  # seconds an event may wait for its batch to fill
DEFAULT_BATCH = 50  # events
DEFAULT_WAIT = 5  # seconds

_VERSION = re.compile(r"[A-Za-z0-9._-]{1,32}\Z")
_CHANNEL = re.compile(r"[A-Za-z0-9._:/-]{1,128}\Z")
_CONTENT_TYPE = re.compile(r"application/(?:json|[A-Za-z0-9][A-Za-z0-9!#$&^_.-]{0,80}\+json)\Z")


def clean(fields: Mapping[str, Any], *, partial: bool) -> dict[str, Any]:
    """Checked and normalised fields, under the API's names (``webhook_url`` becomes ``url``).

    A ``destination`` sets ``url`` to its label, a ``url`` takes the destination away.
    ``partial``: only what was given (PATCH). Otherwise one of these two and ``event_types`` are required and every
    other field that is absent gets its default, but ``active``: an absent state stays what it is.
    Raises :class:`InvalidInput` with all faults found, each with its pointer.
    """
    faults: list[FieldError] = []
    given = _unaliased(fields, faults)
    cleaned: dict[str, Any] = {}
    for name, value in given.items():
        if (check := _CHECKS.get(name)) is None:
            faults.append(FieldError(f"/{escape(name)}", _unknown(name)))
            continue
        try:
            cleaned[name] = check(value)
        except Refused as refused:
            shown = _shown_name(name, fields)
            faults += [FieldError(f"/{shown}{at}", detail) for at, detail in refused.faults]
    if not partial:
        missing = {"event_types", "url"} - {*given} - ({"url"} if "destination" in given else set())
        faults += [FieldError(f"/{name}", REQUIRED[name]) for name in sorted(missing, reverse=True)]
        cleaned = defaults() | cleaned
    if faults:
        raise InvalidInput(faults)
    if cleaned.get("destination"):
        cleaned["url"] = endpoint_destination.label(cleaned["destination"])
    elif "url" in cleaned:
        cleaned["destination"] = None
    check_together(cleaned)
    return cleaned


REQUIRED = {"url": "is required, unless there is a destination", "event_types": "is required"}


def defaults() -> dict[str, Any]:
    """The value of every field that may be left out."""
    return {
        "version": "",
        "description": "",
        "metadata": {},
        "channels": [],
        "filter": None,
        "destination": None,
        "payload_format": Endpoint.Format.ENVELOPE.value,
        "content_type": "application/json",
        "signature_schemes": list(signatures.DEFAULT),
        "headers": {},
        "auth": {"type": "none"},
        "retry_policy": "default",
        "retry_client_errors": False,
        "timeout": conf.DEFAULT_TIMEOUT,
        "rate_limit": None,
        "max_in_flight": conf.DEFAULT_MAX_IN_FLIGHT,
        "ordered": False,
        "batch": None,
        "validation": "",
    }


def accepts(name: str, value: Any) -> bool:
    """Whether a field takes this value, whatever the others say."""
    try:
        _CHECKS[name](value)
    except Refused:
        return False
    return True


def _unaliased(fields: Mapping[str, Any], faults: list[FieldError]) -> dict[str, Any]:
    given = dict(fields)
    if "webhook_url" in given:
        other = given.pop("webhook_url")
        if given.setdefault("url", other) != other:
            faults.append(FieldError("/webhook_url", "differs from url; send one of them"))
    if given.get("destination") is None:
        given.pop("destination", None)
    elif given.get("url") is None:
        given.pop("url", None)  # as answers have it
    else:
        faults.append(FieldError("/destination", "stands in the place of url; send one of them"))
    return given


def _shown_name(name: str, fields: Mapping[str, Any]) -> str:
    return "webhook_url" if name == "url" and "url" not in fields else name


def _unknown(name: str) -> str:
    if name in READ_ONLY:
        return "is set by Clarion; leave it out"
    return f"is not a known field; known: {', '.join(_CHECKS)}"


# --- one check for each field: the value in, the clean value out


def _url(value: Any) -> str:
    try:
        parsed = urls.parse_endpoint_url(value, allow_http=conf.ALLOW_HTTP, allow=outbound.allow_list())
    except urls.InvalidUrl as error:
        raise Refused(("", str(error))) from None
    if parsed.host in outbound.own_hosts():
        raise Refused(("", "The URL names this service itself; events sent to it would go round in circles."))
    return parsed.url


def _event_types(value: Any) -> list[str]:
    items = _strings(value, "takes a list of event types or patterns, such as order.created or order.*")
    if not items:
        raise Refused(("", "takes one or more event types or patterns; * stands for all"))
    if len(items) > conf.MAX_SUBSCRIPTIONS:
        raise Refused(("", f"takes at most {conf.MAX_SUBSCRIPTIONS} patterns"))
    faults = []
    for n, pattern in enumerate(items):
        try:
            patterns.check_pattern(pattern)
        except patterns.InvalidPattern as error:
            faults.append((f"/{n}", str(error)))
        if pattern in items[:n]:
            faults.append((f"/{n}", f"{pattern} is there twice"))
    if faults:
        raise Refused(*faults)
    return items


def _version(value: Any) -> str:
    if value is None or value == "":
        return ""
    if not isinstance(value, str) or not _VERSION.match(value):
        raise Refused(("", "takes 1 to 32 of A-Z a-z 0-9 . _ and -, such as v2, or null for every version"))
    return value


def _description(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MAX_DESCRIPTION:
        raise Refused(("", f"takes text of at most {MAX_DESCRIPTION} characters"))
    _storable(value)
    return value


def _metadata(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refused(("", "takes an object"))
    _storable(value, MAX_METADATA_BYTES)
    return value


def _channels(value: Any) -> list[str]:
    items = _strings(value, "takes a list of channel names; an empty list means every channel")
    if len(items) > MAX_CHANNELS:
        raise Refused(("", f"takes at most {MAX_CHANNELS} channels"))
    faults = [
        (f"/{n}", "takes 1 to 128 characters of A-Z a-z 0-9 . _ : / and -")
        for n, channel in enumerate(items)
        if not _CHANNEL.match(channel)
    ]
    if faults:
        raise Refused(*faults)
    return list(dict.fromkeys(items))


def _filter(value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    if faults := filters.check_filter(value):
        raise Refused(*faults)
    _storable(value, MAX_FILTER_BYTES)
    filled: dict[str, Any] = value
    return filled


def _payload_format(value: Any) -> str:
    return one_of(value, Endpoint.Format.values)


def _content_type(value: Any) -> str:
    if not isinstance(value, str) or not _CONTENT_TYPE.match(value):
        raise Refused(("", "takes application/json or a type such as application/vnd.acme.v2+json"))
    return value


def _signature_schemes(value: Any) -> list[str]:
    items = _strings(value, f"takes a list of {', '.join(signatures.SCHEMES)}")
    if not items:
        raise Refused(("", f"takes one or more of {', '.join(signatures.SCHEMES)}; deliveries are signed"))
    if len(items) > len(signatures.SCHEMES):
        raise Refused(("", f"takes at most {len(signatures.SCHEMES)} schemes, each of them once"))
    faults = []
    for n, scheme in enumerate(items):
        try:
            one_of(scheme, tuple(signatures.SCHEMES))
        except Refused as refused:
            faults.append((f"/{n}", refused.faults[0][1]))
    if faults:
        raise Refused(*faults)
    return list(dict.fromkeys(items))


def _headers(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise Refused(("", 'takes an object of names and values, such as {"X-Team": "billing"}'))
    found = headers.check_custom_headers(value)
    found += [(name, STILL_MASKED) for name, text in value.items() if headers.MASK in str(text)]
    faults = [(f"/{escape(name)}" if name else "", detail) for name, detail in found]
    if faults:
        raise Refused(*faults)
    return value


def _retry_policy(value: Any) -> Any:
    try:
        backoff.check_policy(value)
    except backoff.InvalidPolicy as error:
        raise Refused(("", str(error))) from None
    return value


def _rate_limit(value: Any) -> dict[str, float] | None:
    if value is None:
        return None
    if not isinstance(value, dict) or "limit" not in value:
        raise Refused(("", 'takes {"limit": 100, "period": 1} (100 requests in 1 second), or null'))
    faults = [(f"/{escape(name)}", "is not a known field") for name in {*value} - {"limit", "period"}]
    limit, period = value["limit"], value.get("period", 1)
    if not _is_integer(limit, 1, MAX_RATE):
        faults.append(("/limit", f"takes a whole number of requests from 1 to {MAX_RATE}"))
    if not isinstance(period, int | float) or isinstance(period, bool) or not 1 <= period <= MAX_PERIOD:
        faults.append(("/period", f"takes a number of seconds from 1 to {MAX_PERIOD}"))
    if faults:
        raise Refused(*faults)
    return {"limit": limit, "period": period}


def _batch(value: Any) -> dict[str, float] | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise Refused(("", 'takes {"max_events": 50, "max_wait": 5} (50 events or 5 seconds), or null'))
    faults = [(f"/{escape(name)}", "is not a known field") for name in {*value} - {"max_events", "max_wait"}]
    size, wait = value.get("max_events", DEFAULT_BATCH), value.get("max_wait", DEFAULT_WAIT)
    if not _is_integer(size, 1, MAX_BATCH):
        faults.append(("/max_events", f"takes a whole number of events from 1 to {MAX_BATCH}"))
    if not isinstance(wait, int | float) or isinstance(wait, bool) or not 0 <= wait <= MAX_WAIT:
        faults.append(("/max_wait", f"takes a number of seconds from 0 to {MAX_WAIT}"))
    if faults:
        raise Refused(*faults)
    return {"max_events": size, "max_wait": wait}


def _validation(value: Any) -> str:
    return "" if value is None else one_of(value, [Endpoint.Validation.CLOUDEVENTS.value])


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Refused(("", "takes true or false"))
    return value


def _between(low: int, high: Callable[[], int], unit: str) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        if not _is_integer(value, low, high()):
            raise Refused(("", f"takes a whole number of {unit} from {low} to {high()}"))
        return int(value)

    return check


def _is_integer(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _strings(value: Any, detail: str) -> list[str]:
    if not isinstance(value, list | tuple):
        raise Refused(("", detail))
    if wrong := [(f"/{n}", "takes text") for n, item in enumerate(value) if not isinstance(item, str)]:
        raise Refused(*wrong)
    return list(value)


def _storable(value: Any, limit: int = MAX_METADATA_BYTES) -> None:
    """Attack: U+0000, a lone surrogate or a number that is none makes PostgreSQL refuse the row: a 500."""
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError):
        raise Refused(("", "takes Unicode text and JSON values only")) from None
    if size > limit:
        raise Refused(("", f"has at most {limit} bytes, this has {size}"))
    if re.search(r"(?<!\\)(?:\\\\)*\\u0000", text):
        raise Refused(("", "cannot hold the character U+0000"))


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "url": _url,
    "destination": endpoint_destination.check,
    "event_types": _event_types,
    "version": _version,
    "active": _boolean,
    "description": _description,
    "metadata": _metadata,
    "channels": _channels,
    "filter": _filter,
    "payload_format": _payload_format,
    "content_type": _content_type,
    "signature_schemes": _signature_schemes,
    "headers": _headers,
    "auth": check_auth,
    "retry_policy": _retry_policy,
    "retry_client_errors": _boolean,
    "timeout": _between(1, lambda: conf.MAX_TIMEOUT, "seconds"),
    "rate_limit": _rate_limit,
    "max_in_flight": _between(1, lambda: MAX_IN_FLIGHT, "parallel requests"),
    "ordered": _boolean,
    "batch": _batch,
    "validation": _validation,
}
# Shown in answers only.
READ_ONLY = (
    "id", "tenant_id", "status", "disabled_reason", "consent", "breaker", "next_due_at", "pending", "secret",
    "signing_keys",
    "created_at", "updated_at",
)  # fmt: skip
