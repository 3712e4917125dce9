"""The one validation of event types and their versions, whoever writes them. Names are those of the API."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from webhooks.conf import conf
from webhooks.core import jsonvalues, patterns
from webhooks.core.compatibility import breaking_changes
from webhooks.core.schemas import TooCostly, UnsafeSchema, compile_schema
from webhooks.errors import FieldError, InvalidInput
from webhooks.models import EventTypeVersion
from webhooks.services import moments
from webhooks.services.endpoint_auth import Refused

MAX_DESCRIPTION = 10_000  # characters
MAX_MESSAGE = 500  # characters, the column's width
# Names that are words of the API's paths.
_RESERVED = ("import",)
_VERSION = re.compile(r"[A-Za-z0-9._-]{1,32}\Z")
Check = Callable[[Any], Any]


def clean_type(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Checked fields of a type that were given. Raises :class:`InvalidInput`."""
    return _clean(fields, _OF_TYPE)


def clean_version(fields: Mapping[str, Any], before: EventTypeVersion | None = None) -> dict[str, Any]:
    """Checked fields of a version that were given, ``schema`` and ``example`` as JSON text.

    ``before``: the version that they are to change; what breaks the promises of its schema is refused.
    Raises :class:`InvalidInput` with all faults found.
    """
    cleaned = _clean(fields, _OF_VERSION)
    faults: list[FieldError] = []
    if before is not None and before.schema is not None and "schema" in cleaned:
        faults = _breaking(before.schema, cleaned["schema"])
    text = cleaned.get("schema", before.schema if before else None)
    example = cleaned.get("example", before.example if before else None)
    if not faults and text is not None and example is not None and ("schema" in cleaned or "example" in cleaned):
        faults = _example_faults(text, example)
    if faults:
        raise InvalidInput(faults)
    return cleaned


def _clean(fields: Mapping[str, Any], checks: Mapping[str, Check]) -> dict[str, Any]:
    cleaned: dict[str, Any] = {}
    faults: list[FieldError] = []
    for name, value in fields.items():
        if name not in checks:
            faults.append(FieldError(f"/{_step(name)}", f"is not a known field; known: {', '.join(checks)}"))
            continue
        try:
            cleaned[name] = checks[name](value)
        except Refused as refused:
            faults += [FieldError(f"/{name}{at}", detail) for at, detail in refused.faults]
    if faults:
        raise InvalidInput(faults)
    return cleaned


def _step(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _breaking(old: str, new: str | None) -> list[FieldError]:
    if new is None:
        return [FieldError("/schema", "cannot be taken away: receivers rely on it; set enforcement to off")]
    found = breaking_changes(jsonvalues.read(old), jsonvalues.read(new))
    return [
        FieldError(f"/schema{pointer}", f"{detail}: a breaking change; add a new version instead")
        for pointer, detail in found
    ]


def _example_faults(text: str, example: str) -> list[FieldError]:
    schema = compile_schema(jsonvalues.read(text), max_bytes=conf.MAX_SCHEMA_BYTES)
    try:
        faults, _ = schema.faults(jsonvalues.read(example), conf.SCHEMA_STEPS)
    except TooCostly:
        return [FieldError("/example", f"takes more than {conf.SCHEMA_STEPS} steps to check by the schema")]
    return [FieldError(f"/example{fault.pointer}", f"{fault.detail} (rule {fault.rule or '/'})") for fault in faults]


# --- one check for each field: the value in, the column's value out


def _name(value: Any) -> str:
    try:
        patterns.check_event_type(value if isinstance(value, str) else "")
    except patterns.InvalidPattern as error:
        raise Refused(("", str(error))) from None
    if value in _RESERVED:
        raise Refused(("", f"{value} is a word of this API's paths and cannot be a type"))
    return str(value)


def version_name(value: Any) -> str:
    """The name of a version. Raises :class:`Refused`."""
    if not isinstance(value, str) or not _VERSION.match(value):
        raise Refused(("", "takes 1 to 32 characters of A-Z a-z 0-9 . _ and -, such as v2"))
    return value


def _text(limit: int) -> Check:
    def check(value: Any) -> str:
        if not isinstance(value, str) or len(value) > limit or "\0" in value:
            raise Refused(("", f"takes text of at most {limit} characters"))
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Refused(("", "takes Unicode text")) from None
        return value

    return check


def _schema(value: Any) -> str | None:
    if value is None:
        return None
    try:
        compile_schema(value, max_bytes=conf.MAX_SCHEMA_BYTES)
    except UnsafeSchema as error:
        raise Refused(*error.faults) from None
    return jsonvalues.write(value)


def _example(value: Any) -> str | None:
    if value is None:
        return None
    try:
        text = jsonvalues.write(value)
    except jsonvalues.Unreadable as error:
        raise Refused(("", str(error))) from None
    if len(text.encode()) > conf.MAX_SCHEMA_BYTES:
        raise Refused(("", f"has at most {conf.MAX_SCHEMA_BYTES} bytes"))
    return text


def enforcement(value: Any) -> str:
    """One of off, warn and block. Raises :class:`Refused`."""
    if value not in EventTypeVersion.Enforcement.values:
        raise Refused(("", f"takes one of {', '.join(EventTypeVersion.Enforcement.values)}"))
    return str(value)


def _moment(value: Any) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value
    if (moment := moments.parse(value)) is None:
        raise Refused(("", "takes a time such as 2030-01-01T00:00:00Z, or null"))
    return moment


_DEPRECATION: dict[str, Check] = {"deprecated_at": _moment, "deprecation_message": _text(MAX_MESSAGE)}
_OF_TYPE: dict[str, Check] = {
    "name": _name,
    "description": _text(MAX_DESCRIPTION),
    "version": version_name,
    **_DEPRECATION,
}
_OF_VERSION: dict[str, Check] = {
    "version": version_name,
    "description": _text(MAX_DESCRIPTION),
    "schema": _schema,
    "example": _example,
    "enforcement": enforcement,
    **_DEPRECATION,
}
