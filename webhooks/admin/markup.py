"""Pieces of HTML that several pages use. Everything that comes from a row is escaped here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

NOTHING = SafeString('<span class="c-none">-</span>')

# State -> colour. A word always stands in the badge, so colour is never the only sign.
_COLOURS = {
    **dict.fromkeys(("active", "succeeded", "closed", "replayed", "processed", "verified", "done"), "good"),
    **dict.fromkeys(("pending", "sending", "running", "received", "retry", "late"), "busy"),
    **dict.fromkeys(("held", "paused", "half_open", "open", "waiting"), "wait"),
    **dict.fromkeys(
        ("dead", "disabled", "failed", "lost", "blocked", "failing", "revoked", "rejected", "refused"), "bad"
    ),
}
_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))
PHASES = {
    "dns": "name look-up",
    "connect": "connect",
    "tls": "TLS",
    "first_byte": "waiting for the answer",
    "rest": "the rest",
}


def badge(state: str, label: str | None = None) -> SafeString:
    """A coloured word."""
    return format_html(
        '<span class="c-badge c-{}">{}</span>', _COLOURS.get(state, "calm"), label or state.replace("_", " ")
    )


def since(moment: datetime, now: datetime | None = None) -> str:
    """``3 min ago``, ``in 40 s``."""
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    size, unit = next((item for item in _UNITS if abs(seconds) >= item[0]), (1, "s"))
    count = int(abs(seconds) // size)
    if not count:
        return "now"
    return f"{count} {unit} ago" if seconds > 0 else f"in {count} {unit}"


def when(moment: datetime | None) -> SafeString:
    """A moment to the second and how long ago it was; the rest in the tooltip."""
    if moment is None:
        return NOTHING
    local = localtime(moment)
    return format_html(
        '<time class="c-when" datetime="{}" title="{}">{} <small>{}</small></time>',
        local.isoformat(), f"{local:%Y-%m-%d %H:%M:%S.%f %Z}", f"{local:%d %b %H:%M:%S}", since(moment),
    )  # fmt: skip


def milliseconds(value: float | None) -> SafeString:
    """``640 ms``, ``2.1 s``."""
    if not value:
        return NOTHING
    text = f"{value:.0f} ms" if value < 1000 else f"{value / 1000:.1f} s"
    return format_html('<span class="c-number">{}</span>', text)


def status(code: int | None) -> SafeString:
    """An HTTP status, coloured by its class."""
    if code is None:
        return NOTHING
    colour = "good" if 200 <= code < 300 else "bad" if code >= 500 or code < 200 else "wait"
    return format_html('<span class="c-badge c-{}">{}</span>', colour, code)


def link(obj: Model, text: str, css: str = "") -> SafeString:
    """A link to the admin page of an object."""
    url = reverse(f"admin:webhooks_{obj._meta.model_name}_change", args=[obj.pk])
    return format_html('<a href="{}" class="{}" title="{}">{}</a>', url, css, text, text)


def list_url(model: type[Model], **query: str) -> str:
    """The URL of a model's list with filters."""
    return f"{reverse(f'admin:webhooks_{model._meta.model_name}_changelist')}?{urlencode(query)}"


def phases(timings: Mapping[str, Any]) -> list[tuple[str, float]]:
    """(phase, milliseconds) in order, ``rest`` being what the named phases do not explain of ``total``."""
    named = [(name, _number(timings.get(name))) for name in PHASES if name != "rest"]
    rest = _number(timings.get("total")) - sum(value for _, value in named)
    return [(name, value) for name, value in [*named, ("rest", rest)] if value > 0]


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0.0


def bar(timings: Mapping[str, Any], scale: float) -> SafeString:
    """The phases as a bar; ``scale``: milliseconds of the full width. SVG, so no inline style is needed."""
    parts, left = [], 0.0
    for name, value in phases(timings):
        width = min(100.0 * value / scale, 100.0 - left) if scale > 0 else 0.0
        parts.append((name, f"{left:.2f}", f"{max(width, 0.5):.2f}", PHASES[name], f"{value:.1f}"))
        left += width
    rects = format_html_join(
        "", '<rect class="c-{}" x="{}" y="0" width="{}" height="8"><title>{}: {} ms</title></rect>', parts
    )
    label = ", ".join(f"{PHASES[name]} {value:.0f} ms" for name, value in phases(timings))
    return format_html(
        '<svg class="c-bar" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>',
        label, rects,
    )  # fmt: skip


def header_pairs(headers: Any) -> list[tuple[str, str]]:
    """Stored headers, an object or a list of pairs, as pairs of text."""
    items: Sequence[Any] = list(headers.items()) if isinstance(headers, Mapping) else headers or []
    return [(str(item[0]), str(item[1])) for item in items if isinstance(item, list | tuple) and len(item) == 2]
