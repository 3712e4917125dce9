"""Which charts a run gets. A chart whose figures were not measured is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from benchmarks.charts import COLOURS, Bar, Mark, Series, bars, lines
from benchmarks.report import NOISE, PERCENTILES, as_spread, by_weight, dig

Results = Mapping[str, Any]
_NAMES = {
    "clarion": ("Clarion: deliveries", "a"),
    "celery_noop_prefork2": ("Celery: empty tasks, prefork 2", "e"),
    "celery_noop_solo": ("Celery: empty tasks, solo", "e"),
    "django_webhook_prefork2": ("django-webhook: deliveries, prefork 2", "b"),
    "django_webhook_threads32": ("django-webhook: deliveries, threads 32", "b"),
    "django_webhook_prefork2_tuned": ("django-webhook: prefork 2, tuned", "b"),
}
_BAD = {"hang": "half hang", "slow": "half answer after 5 s", "refuse": "half refuse"}
_QUIET = {"beat", "dead-letter", "processing"}  # as good as idle: their lines would only hide others
_SLOWEST = 12  # pages of the chart
_LONG = 600  # seconds from which on an axis is in minutes
_ADDRESS = 48  # characters of an address


def draw(results: Results) -> dict[str, str]:
    """File name without ``.svg`` -> SVG text."""
    drawn = {name: picture(results) for name, picture in _PICTURES.items()}
    return {name: text for name, text in drawn.items() if text}


def _throughput(results: Results) -> str:
    rates = dig(results, ("throughput", "per_second")) or {}
    rows = [Bar(_NAMES[name][0], rates[name], _NAMES[name][1], name == "clarion") for name in _NAMES if name in rates]
    return bars("Deliveries and tasks a second", _rounds(results), rows) if rows else ""


def _ratios(results: Results) -> str:
    ratios = dig(results, ("throughput", "ratios")) or {}
    rows = [Bar(f"over {_NAMES[name][0]}", ratios[name], _NAMES[name][1]) for name in _NAMES if name in ratios]
    note = f"Clarion's deliveries over each, round by round. {_rounds(results)}"
    return bars("How many times as many", note, rows) if rows else ""


def _rounds(results: Results) -> str:
    return (
        f"{dig(results, ('throughput', 'endpoints'))} endpoints, durable PostgreSQL; "
        f"median and range of {dig(results, ('throughput', 'rounds'))} rounds"
    )


def _cpu(results: Results) -> str:
    shares = dig(results, ("throughput", "cpu_ms_per_delivery_by_process")) or {}
    rows = [Bar(name, share, "a") for name, share in by_weight(shares)]
    return bars("Where the CPU time goes", "Milliseconds per delivery, by process, under load", rows) if rows else ""


def _latency(results: Results) -> str:
    rows = _spreads(
        (f"{title} {name}", dig(results, (key, name)), colour)
        for title, key, colour in (("idle", "idle_latency_ms", "a"), ("half load", "half_load_latency_ms", "b"))
        for name in PERCENTILES
    )
    return bars("Latency", "Milliseconds from accepted to received", rows) if rows else ""


def _noisy(results: Results) -> str:
    rows = _spreads((_BAD[mode], dig(results, ("noisy_neighbour", mode)), "c") for mode in NOISE)
    note = "p99 of the healthy half while the others are bad, over its p99 in a calm run"
    return bars("Noisy neighbours", note, rows, Mark(3, "bar: at most 3")) if rows else ""


def _noisy_timeline(results: Results) -> str:
    timelines = {mode: dig(results, ("noisy", mode, "timeline")) or [] for mode in NOISE}
    series = _series({_BAD[mode]: [(row[0], row[2]) for row in rows] for mode, rows in timelines.items()})
    note = "p99 in ms of the healthy half, by the second in which the event was accepted"
    return lines("After the others turn bad", note, series, "seconds since the turn") if series else ""


def _shapes(results: Results) -> str:
    groups = [
        ("fan-out", dig(results, ("shapes", "fan_out")) or {}, "a"),
        ("payload", dig(results, ("shapes", "payload")) or {}, "b"),
    ]
    rows = _spreads(
        chain(
            ((f"{group} {name}", dig(one, ("deliveries_per_second",)), colour) for group, found, colour in groups
             for name, one in found.items()),
            ((name, dig(results, ("shapes", "scaling", name)), "c") for name in ("1 worker", "2 workers")),
        )
    )  # fmt: skip
    return bars("Other shapes of the work", "Deliveries a second, recorded, in bursts", rows) if rows else ""


def _memory(results: Results) -> str:
    found = dig(results, ("memory", "memory_mb")) or {}
    curves = {name: one["curve"] for name, one in found.items() if name not in _QUIET}
    end = max((curve[-1][0] for curve in curves.values()), default=0)
    unit, seconds = ("minutes", 60) if end > _LONG else ("seconds", 1)
    series = _series({name: [(at / seconds, mb) for at, mb in curve] for name, curve in curves.items()})
    note = "MB resident under load, while deliveries pile up behind a dead endpoint"
    return lines("Memory", note, series, unit) if series else ""


def _growth(results: Results) -> str:
    kept = dig(results, ("growth", "kept")) or {}
    rows = _spreads((name.replace("_", " "), one["ratio"], "a") for name, one in kept.items())
    note = "What is left of its speed beside millions of old rows: 1 is as fast as with empty tables"
    return bars("Growth", note, rows, Mark(0.9, "bar: at least 0.9")) if rows else ""


def _pages(results: Results) -> str:
    pages = dig(results, ("growth", "pages")) or {}
    p95 = {
        f"{group}: {name.removeprefix('/admin/webhooks/')}": one["loaded"]["p95"]
        for group, found in pages.items()
        for name, one in found.items()
    }
    slowest = sorted(p95.items(), key=lambda item: -item[1])[:_SLOWEST]
    rows = _spreads((name[:_ADDRESS], value, "b") for name, value in slowest)
    note = f"p95 in ms of the {_SLOWEST} slowest lists and pages beside millions of old rows"
    return bars("Pages", note, rows) if rows else ""


def _spreads(found: Iterable[tuple[str, Any, str]]) -> list[Bar]:
    """Bars for those figures that are there."""
    return [Bar(label, value, colour) for label, one, colour in found if (value := as_spread(one))]


def _series(found: Mapping[str, Sequence[tuple[float, float]]]) -> list[Series]:
    """Lines in colours of their own for those curves that have points."""
    named = zip(found.items(), COLOURS, strict=False)
    return [Series(name, points, colour) for (name, points), colour in named if points]


_PICTURES: dict[str, Callable[[Results], str]] = {
    "throughput": _throughput,
    "ratios": _ratios,
    "cpu": _cpu,
    "latency": _latency,
    "noisy": _noisy,
    "noisy-timeline": _noisy_timeline,
    "shapes": _shapes,
    "memory": _memory,
    "growth": _growth,
    "pages": _pages,
}
