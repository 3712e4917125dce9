"""From the scenarios' outcomes to latest.json, and from that to the table: the bars first, then what stands behind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks import lists
from benchmarks.charts import number
from benchmarks.figures import Spread, spread
from benchmarks.options import Options

RATIOS = ("celery_noop_prefork2", "celery_noop_solo", "django_webhook_prefork2", "django_webhook_threads32")
NOISE = ("hang", "slow", "refuse")
PERCENTILES = ("p50", "p95", "p99")
_SHOWN = 100  # characters of a statement
_SLOWEST = 12  # lists of the API in the table
# Where the figures of latest.json come from: scenario, then keys of its result.
_SOURCES = {
    "deliveries_per_second": ("throughput", "deliveries_per_second"),
    "statements_per_delivery": ("throughput", "statements_per_delivery"),
    "cpu_ms_per_delivery": ("throughput", "cpu_ms_per_delivery"),
    "receiver_capacity_per_second": ("throughput", "receiver_capacity_per_second"),
    "growth_ratio": ("growth", "growth_ratio"),
}


@dataclass(frozen=True, slots=True)
class Requirement:
    """A quality bar of the design: the median of ``figure`` is at least, or at most, ``bound``."""

    what: str
    figure: tuple[str, ...]  # keys in latest.json
    bound: float
    at_least: bool = False
    aim: float | None = None
    unit: str = ""

    def text(self) -> str:
        """The bar in words: ">= 1.5, aim 2"."""
        sign = ">=" if self.at_least else "<="
        return f"{sign} {self.bound:g}{self.unit}" + (f", aim {self.aim:g}" if self.aim is not None else "")

    def verdict(self, results: Mapping[str, Any]) -> str:
        """met, missed by so many per cent of the bound, or not measured."""
        measured = as_spread(dig(results, self.figure))
        if measured is None:
            return "not measured"
        short = (self.bound - measured["median"]) if self.at_least else (measured["median"] - self.bound)
        return "met" if short <= 0 else f"missed by {short / self.bound * 100:.0f} %"


_SLOWEST_LIST = ("growth", "lists", "slowest_p95_ms")
REQUIREMENTS = (
    Requirement("deliveries/s over Celery's empty tasks/s, prefork 2", ("ratios", RATIOS[0]), 1.5, True, 2),
    Requirement("deliveries/s over django-webhook's, prefork 2", ("ratios", RATIOS[2]), 12, True, 20),
    Requirement("deliveries/s over django-webhook's, threads 32", ("ratios", RATIOS[3]), 12, True, 20),
    Requirement("SQL statements per delivery under load", ("statements_per_delivery",), 2),
    Requirement("idle latency p50", ("idle_latency_ms", "p50"), 25, unit=" ms"),
    Requirement("idle latency p99", ("idle_latency_ms", "p99"), 100, unit=" ms"),
    Requirement("answer to an inbound webhook p95", ("receive_ms", "p95"), 20, unit=" ms"),
    Requirement("p99 of healthy endpoints while half hang, over calm", ("noisy_neighbour", "hang"), 3),
    Requirement("throughput with old rows over the empty tables", ("growth_ratio",), 0.9, True),
    Requirement("slowest list of the API beside old rows, p95", _SLOWEST_LIST, lists.BAR_MS, unit=" ms"),
)


def dig(tree: Any, keys: Iterable[str]) -> Any:
    """The value below these keys, None if one of them is missing."""
    for key in keys:
        tree = tree.get(key) if isinstance(tree, Mapping) else None
    return tree


def as_spread(value: Any) -> Spread | None:
    """A plain number is a median without a range. None for anything that is no figure."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return {"median": float(value), "low": float(value), "high": float(value)}
    if isinstance(value, Mapping) and {"median", "low", "high"} <= value.keys():
        return {key: float(value[key]) for key in ("median", "low", "high")}
    return None


def assemble(outcomes: Mapping[str, Mapping[str, Any]], options: Options, about: Mapping[str, Any]) -> dict[str, Any]:
    """latest.json. ``outcomes``: what :func:`benchmarks.isolated.run` returned; ``about``: at, commit, machine.

    Every key is there in every run; a figure that was not measured is null. Each scenario's full result is under
    its own name.
    """
    found = {name: outcome.get("result", {}) for name, outcome in outcomes.items()}
    software: Mapping[str, Any] = next((one["software"] for one in outcomes.values() if "software" in one), {})
    results: dict[str, Any] = {
        **about,
        "machine": {**about["machine"], **software},
        "options": asdict(options),
        "ratios": {name: dig(found, ("throughput", "ratios", name)) for name in RATIOS},
        **{name: dig(found, keys) for name, keys in _SOURCES.items()},
        "idle_latency_ms": _percentiles(found, "idle"),
        "half_load_latency_ms": _percentiles(found, "half_load"),
        "receive_ms": {name: dig(found, ("receive", "paced", name)) for name in PERCENTILES},
        "noisy_neighbour": {mode: as_spread(dig(found, ("noisy", mode, "ratio"))) for mode in NOISE},
        "memory_mb": _memory(found),
        "failures": failures(outcomes),
        "seconds": {name: outcome.get("seconds") for name, outcome in outcomes.items()},
        **found,
    }
    results["bars"] = [
        {
            "what": one.what,
            "bar": one.text(),
            "measured": dig(results, one.figure),
            "verdict": one.verdict(results),
        }
        for one in REQUIREMENTS
    ]
    return results


def _percentiles(found: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: dig(found, ("latency", key, name)) for name in PERCENTILES}


def _memory(found: Mapping[str, Any]) -> dict[str, Any] | None:
    """By process: median and range over the load, and ``growth``, the last third of it over the first."""
    curves = dig(found, ("memory", "memory_mb")) or {}
    return {
        name: {**spread([mb for _, mb in one["curve"]]), "growth": one["growth"]} for name, one in curves.items()
    } or None


def failures(outcomes: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Scenario, or scenario and part, -> reason."""
    reasons = {name: str(one["failed"]) for name, one in outcomes.items() if "failed" in one}
    for name, one in outcomes.items():
        for part, reason in (one.get("result", {}).get("failures") or {}).items():
            reasons[f"{name}: {part}"] = str(reason)
    return reasons


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the table."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]


def sections(results: Mapping[str, Any]) -> list[Section]:
    """The table of a run; parts without rows are left out."""
    parts = [
        Section(
            "Bars",
            ("what", "median", "range", "bar", ""),
            _bars(results),
        ),
        Section("Figures", ("what", "median", "range"), _figures(results)),
        Section("CPU by process, ms per delivery", ("process", "median", "range"), _by_process(results)),
        Section(
            "Memory under load, MB: medians of the first and the last third, and what the second half gains in an hour",
            ("process", "first", "last", "growth", "MB an hour"),
            [
                (name, number(one["first"]), number(one["last"]), f"{one['growth']:.3f}", f"{one['mb_per_hour']:+.2f}")
                for name, one in (dig(results, ("memory", "memory_mb")) or {}).items()
            ],
        ),
        Section(
            "The statements that keep PostgreSQL busiest",
            ("statement", "calls", "calls per delivery", "ms", "ms per delivery"),
            [
                (
                    one["statement"][:_SHOWN],
                    f"{one['calls']:,}",
                    f"{one['calls_per_delivery']:.4f}",
                    f"{one['total_ms']:,.0f}",
                    f"{one['ms_per_delivery']:.4f}",
                )
                for one in dig(results, ("throughput", "heaviest_statements")) or []
            ],
        ),
        Section(
            "The slowest lists of the API beside old rows, a page of 50",
            ("who", "list", "p50 ms", "p95 ms", ""),
            _lists(results),
        ),
        Section("Failed", ("scenario", "reason"), list(dict(results["failures"]).items())),
    ]
    return [part for part in parts if part.rows]


def _bars(results: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """All bars, also those that were not measured; none when no scenario of theirs ran."""
    measured = [dig(results, one.figure) for one in REQUIREMENTS]
    if not any(as_spread(value) for value in measured):
        return []
    return [
        (one.what, *_cells(value, one.unit), one.text(), one.verdict(results))
        for one, value in zip(REQUIREMENTS, measured, strict=True)
    ]


def _figures(results: Mapping[str, Any]) -> list[tuple[str, ...]]:
    wanted: list[tuple[str, Any, str]] = [
        ("deliveries a second, end to end", results["deliveries_per_second"], ""),
        *((f"{name} a second", value, "") for name, value in _peers(results)),
        ("deliveries over empty tasks, solo", dig(results, ("ratios", RATIOS[1])), ""),
        ("deliveries over django-webhook, prefork 2 tuned", _tuned(results), ""),
        ("requests a second the receiver takes", results["receiver_capacity_per_second"], ""),
        ("CPU per delivery, all processes", results["cpu_ms_per_delivery"], " ms"),
        *(
            (f"latency at half load {name}", dig(results, ("half_load_latency_ms", name)), " ms")
            for name in PERCENTILES
        ),
        *(
            (f"p99 of healthy endpoints over calm, half {mode}", results["noisy_neighbour"][mode], "")
            for mode in NOISE[1:]
        ),
    ]
    return [(what, *_cells(value, unit)) for what, value, unit in wanted if as_spread(value)]


def _lists(results: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The slowest ones and all that miss the bar; the others stand in latest.json."""
    found = [
        (who, name, ms)
        for who, by_page in (dig(results, ("growth", "lists", "latencies_ms")) or {}).items()
        for name, ms in by_page.items()
    ]
    found.sort(key=lambda row: -float(row[2]["p95"]))
    return [
        (who, name, f"{ms['p50']:g}", f"{ms['p95']:g}", "met" if ms["p95"] <= lists.BAR_MS else "missed")
        for place, (who, name, ms) in enumerate(found)
        if place < _SLOWEST or ms["p95"] > lists.BAR_MS
    ]


def _peers(results: Mapping[str, Any]) -> list[tuple[str, Any]]:
    rates = dig(results, ("throughput", "per_second")) or {}
    return [(name.replace("_", " "), value) for name, value in rates.items() if name != "clarion"]


def _tuned(results: Mapping[str, Any]) -> Any:
    return dig(results, ("throughput", "ratios", "django_webhook_prefork2_tuned"))


def _by_process(results: Mapping[str, Any]) -> list[tuple[str, ...]]:
    shares = dig(results, ("throughput", "cpu_ms_per_delivery_by_process")) or {}
    return [(name, *_cells(value, "")) for name, value in by_weight(shares)]


def by_weight(shares: Mapping[str, Spread]) -> list[tuple[str, Spread]]:
    """The largest median first."""
    return sorted(shares.items(), key=lambda item: -item[1]["median"])


def _cells(value: Any, unit: str) -> tuple[str, str]:
    """Median and range as text."""
    measured = as_spread(value)
    if measured is None:
        return "-", ""
    low, high = number(measured["low"]), number(measured["high"])
    return number(measured["median"]) + unit, "" if low == high else f"{low} to {high}"


def _circumstances(results: Mapping[str, Any]) -> str:
    """When, what, and on which machine, in one sentence."""
    machine, commit = results["machine"], results["commit"] or "unknown"
    changed = " with changes" if commit.endswith("+") else ""
    return (
        f"{results['at']}, commit {commit[:12]}{changed}, {machine.get('cpu_count')} cores of {machine.get('model')}, "
        f"{machine.get('system')}, Python {machine.get('python')}, PostgreSQL {machine.get('postgres')}, "
        f"{machine.get('broker')}."
    )


def markdown(results: Mapping[str, Any]) -> str:
    """The table as Markdown, under a line about the machine."""
    parts = ["# Results\n", f"{_circumstances(results)}\n"]
    for part in sections(results):
        parts.append(f"## {part.title}\n")
        parts.append("| " + " | ".join(part.columns) + " |")
        parts.append("|" + "---|" * len(part.columns))
        parts += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in part.rows]
        parts.append("")
    return "\n".join(parts)
