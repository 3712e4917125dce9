"""Charts as SVG text: horizontal bars with ranges, and lines. Readable on light and dark ground."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from benchmarks.figures import Spread

WIDTH = 760  # of every chart, in SVG units
_PAD = 24  # between the edge and anything
_HEAD = 74  # height of title and subtitle
_ROW = 34  # height of one bar with its space
_BAR = 18  # height of the bar itself
_THIN = 1.5  # length of the shortest bar, so that it can be seen
_FOOT = 40  # height of the axis with its numbers
_CHARACTER = 7.7  # width of an average character at 14 px
_SMALL = 6.4  # the same at 12.5 px
_PLOT = 300  # height of a line chart's plot
_TICKS = 5  # about as many numbers on an axis
COLOURS = ("a", "b", "c", "d", "e", "f")  # classes below, in the order of series

_STYLE = """
    .ground { fill: #fbfbfa; stroke: #d5d4cf }
    text { font: 14px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #24262b }
    .title { font-size: 17px; font-weight: 600 }
    .note { font-size: 12.5px; fill: #5b5e66 }
    .ours { font-weight: 600 }
    .value { paint-order: stroke; stroke: #fbfbfa; stroke-width: 4px }
    .grid { stroke: #e4e3de; stroke-width: 1 }
    .axis { stroke: #8d8c86; stroke-width: 1 }
    .range { stroke: #24262b; stroke-width: 1.5; fill: none }
    .mark { stroke: #a8322d; stroke-width: 1.5; stroke-dasharray: 5 4; fill: none }
    .marktext { font-size: 12.5px; fill: #a8322d }
    .line { fill: none; stroke-width: 2; stroke-linejoin: round }
    .fa { fill: #3b6fb5 } .fb { fill: #b5812a } .fc { fill: #3f8a55 } .fd { fill: #8a5a9e } .fe { fill: #6e7078 }
    .ff { fill: #b0504a }
    .sa { stroke: #3b6fb5 } .sb { stroke: #b5812a } .sc { stroke: #3f8a55 } .sd { stroke: #8a5a9e }
    .se { stroke: #6e7078 } .sf { stroke: #b0504a }
    @media (prefers-color-scheme: dark) {
      .ground { fill: #17191d; stroke: #3a3d44 }
      text { fill: #e8e9ec }
      .value { stroke: #17191d }
      .note { fill: #a9adb6 }
      .grid { stroke: #2b2e35 }
      .axis { stroke: #7d8089 }
      .range { stroke: #e8e9ec }
      .mark { stroke: #ef8a82 }
      .marktext { fill: #ef8a82 }
      .fa { fill: #5b8fd8 } .fb { fill: #c9964a } .fc { fill: #5aa871 } .fd { fill: #a67bbb } .fe { fill: #868993 }
      .ff { fill: #d0716a }
      .sa { stroke: #5b8fd8 } .sb { stroke: #c9964a } .sc { stroke: #5aa871 } .sd { stroke: #a67bbb }
      .se { stroke: #868993 } .sf { stroke: #d0716a }
    }
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its length is the median, the whisker the range."""

    label: str
    value: Spread
    colour: str = "e"
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A value to compare with: a dashed line."""

    value: float
    label: str


@dataclass(frozen=True, slots=True)
class Series:
    """One line through ``points`` (x, y)."""

    label: str
    points: Sequence[tuple[float, float]]
    colour: str = "a"


def number(value: float) -> str:
    """About three digits, thousands with commas: 1,982, 24.5, 2.37, 0.98, 0.004."""
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if size >= 0.1 or value == 0 else f"{value:.3f}"


def ticks(highest: float) -> list[float]:
    """Round numbers from 0 to at least ``highest`` (> 0), a step of 1, 2 or 5 times a power of ten apart."""
    if highest <= 0:
        highest = 1.0
    rough = highest / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    return [n * step for n in range(math.ceil(highest / step - 1e-9) + 1)]


def bars(title: str, note: str, rows: Sequence[Bar], mark: Mark | None = None) -> str:
    """Horizontal bars, one below the other. ValueError without any."""
    if not rows:
        raise ValueError(f"{title}: nothing to draw")
    left = _PAD + max(len(row.label) for row in rows) * _CHARACTER + 12
    texts = [_measured(row.value) for row in rows]
    right = WIDTH - _PAD - max(len(value) * _CHARACTER + len(between) * _SMALL for value, between in texts) - 14
    steps = ticks(max([row.value["high"] for row in rows] + ([mark.value] if mark else [])))
    scale = (right - left) / steps[-1]
    bottom = _HEAD + len(rows) * _ROW
    parts = [_grid(left + step * scale, bottom, step) for step in steps]
    words = []
    for n, (row, (value, between)) in enumerate(zip(rows, texts, strict=True)):
        middle = _HEAD + (n + 0.5) * _ROW
        parts.append(_bar(row, middle, left, scale))
        words.append(_words(row, middle, left, scale, value, between))
    if mark:
        parts.append(_mark_down(left + mark.value * scale, bottom, mark.label))
    parts += words  # above the mark
    return _frame(title, note, bottom + _FOOT, parts)


def _measured(value: Spread) -> tuple[str, str]:
    """The median, and the range unless it is one value."""
    low, high = number(value["low"]), number(value["high"])
    return number(value["median"]), "" if low == high else f"  {low}–{high}"  # noqa: RUF001 - a range


def _bar(row: Bar, middle: float, left: float, scale: float) -> str:
    low, high = left + row.value["low"] * scale, left + row.value["high"] * scale
    whisker = (
        f'<path class="range" d="M{low:.1f} {middle:.1f}H{high:.1f}M{low:.1f} {middle - 4:.1f}v8M{high:.1f} '
        f'{middle - 4:.1f}v8"/>'
        if high - low >= 1
        else ""
    )
    return (
        f'<rect class="f{row.colour}" x="{left:.1f}" y="{middle - _BAR / 2:.1f}" '
        f'width="{max(row.value["median"] * scale, _THIN):.1f}" height="{_BAR}" rx="2"/>{whisker}'
    )


def _words(row: Bar, middle: float, left: float, scale: float, value: str, between: str) -> str:
    end = left + max(row.value["high"] * scale, _THIN)
    name = ' class="ours"' if row.ours else ""
    return (
        f'<text{name} x="{left - 10:.1f}" y="{middle + 5:.1f}" text-anchor="end">{escape(row.label)}</text>'
        f'<text class="value" x="{end + 8:.1f}" y="{middle + 5:.1f}"><tspan{name}>{value}</tspan>'
        f'<tspan class="note">{between}</tspan></text>'
    )


def _grid(x: float, bottom: float, value: float) -> str:
    kind = "axis" if value == 0 else "grid"
    return (
        f'<path class="{kind}" d="M{x:.1f} {_HEAD}V{bottom:.1f}"/>'
        f'<text class="note" x="{x:.1f}" y="{bottom + 20:.1f}" text-anchor="middle">{_tick(value)}</text>'
    )


def _mark_down(x: float, bottom: float, label: str) -> str:
    side = "end" if x > WIDTH * 0.7 else "start"
    shift = -6 if side == "end" else 6
    return (
        f'<path class="mark" d="M{x:.1f} {_HEAD - 12}V{bottom:.1f}"/>'
        f'<text class="marktext" x="{x + shift:.1f}" y="{_HEAD - 4}" text-anchor="{side}">{escape(label)}</text>'
    )


def lines(title: str, note: str, series: Sequence[Series], x_name: str, mark: Mark | None = None) -> str:
    """Lines over a common x axis that begins at 0, with a legend below. ValueError without any point."""
    points = [point for one in series for point in one.points]
    if not points:
        raise ValueError(f"{title}: nothing to draw")
    x_steps = ticks(max(x for x, _ in points))
    y_steps = ticks(max([y for _, y in points] + ([mark.value] if mark else [])))
    left = _PAD + max(len(_tick(step)) for step in y_steps) * _CHARACTER + 10
    right, bottom = WIDTH - _PAD - 10, _HEAD + _PLOT
    x_scale, y_scale = (right - left) / x_steps[-1], _PLOT / y_steps[-1]
    parts = [_level(left, right, bottom - step * y_scale, step) for step in y_steps]
    parts += [
        f'<text class="note" x="{left + x * x_scale:.1f}" y="{bottom + 20}" text-anchor="middle">{_tick(x)}</text>'
        for x in x_steps
    ]
    parts.append(f'<text class="note" x="{right}" y="{bottom + 38}" text-anchor="end">{escape(x_name)}</text>')
    if mark:
        y = bottom - mark.value * y_scale
        parts.append(f'<path class="mark" d="M{left:.1f} {y:.1f}H{right}"/>')
        parts.append(
            f'<text class="marktext" x="{right}" y="{y - 6:.1f}" text-anchor="end">{escape(mark.label)}</text>'
        )
    for one in series:
        path = " ".join(f"{left + x * x_scale:.1f},{bottom - y * y_scale:.1f}" for x, y in one.points)
        parts.append(f'<polyline class="line s{one.colour}" points="{path}"/>')
    legend, height = _legend(series, left, bottom + 60, right)
    return _frame(title, note, height + 14, parts + legend)


def _level(left: float, right: float, y: float, value: float) -> str:
    kind = "axis" if value == 0 else "grid"
    return (
        f'<path class="{kind}" d="M{left:.1f} {y:.1f}H{right}"/>'
        f'<text class="note" x="{left - 8:.1f}" y="{y + 4:.1f}" text-anchor="end">{_tick(value)}</text>'
    )


def _legend(series: Sequence[Series], left: float, top: float, right: float) -> tuple[list[str], float]:
    """The names side by side, in as many rows as they need; and where they end."""
    parts, x, y = [], left, top
    for one in series:
        width = 24 + len(one.label) * _CHARACTER + 18
        if x + width > right and x > left:
            x, y = left, y + 22
        parts.append(
            f'<rect class="f{one.colour}" x="{x:.1f}" y="{y - 9:.1f}" width="16" height="8" rx="2"/>'
            f'<text class="note" x="{x + 22:.1f}" y="{y:.1f}">{escape(one.label)}</text>'
        )
        x += width
    return parts, y


def _tick(value: float) -> str:
    return f"{value:,.10g}"


def _frame(title: str, note: str, height: float, parts: Sequence[str]) -> str:
    body = "\n  ".join(parts)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img"
  aria-labelledby="title note">
  <title id="title">{escape(title)}</title>
  <desc id="note">{escape(note)}</desc>
  <style>{_STYLE}  </style>
  <rect class="ground" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1:.0f}" rx="10"/>
  <text class="title" x="{_PAD}" y="34">{escape(title)}</text>
  <text class="note" x="{_PAD}" y="54">{escape(note)}</text>
  {body}
</svg>
"""
