"""Charts are right: lengths by the scale, ranges, marks, and text that cannot break out."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from benchmarks.charts import WIDTH, Bar, Mark, Series, bars, lines, number, ticks
from benchmarks.figures import Spread

SVG = "{http://www.w3.org/2000/svg}"


def flat(value: float) -> Spread:
    return {"median": value, "low": value, "high": value}


def drawn(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)  # noqa: S314 - our own text


def lengths(chart: ElementTree.Element) -> list[float]:
    return [float(one.get("width", "")) for one in chart.iter(f"{SVG}rect")][1:]  # the first is the ground


def test_the_length_of_a_bar_is_its_median_by_one_scale() -> None:
    chart = drawn(bars("Title", "note", [Bar("much", flat(200.0)), Bar("half of it", flat(100.0))]))
    much, half = lengths(chart)
    assert much == pytest.approx(2 * half, abs=0.2)
    assert much > WIDTH / 4


def test_the_whisker_reaches_from_the_lowest_to_the_highest() -> None:
    chart = drawn(bars("Title", "note", [Bar("one", {"median": 50.0, "low": 25.0, "high": 100.0})]))
    whisker = next(path for path in chart.iter(f"{SVG}path") if path.get("class") == "range").get("d", "")
    bar = next(rect for rect in chart.iter(f"{SVG}rect") if rect.get("class") == "fe")
    left, length = float(bar.get("x", "")), float(bar.get("width", ""))
    start, end = (float(text.split()[0]) for text in whisker[1:].split("M")[0].split("H"))
    assert start == pytest.approx(left + length / 2, abs=0.2)
    assert end == pytest.approx(left + length * 2, abs=0.2)
    assert "25.0–100" in "".join(chart.itertext())  # noqa: RUF001 - a range


def test_everything_stays_inside_however_long_the_names_and_numbers_are() -> None:
    rows = [Bar("a peer with a rather long name, tuned", {"median": 123_456.0, "low": 111_111.0, "high": 999_999.0})]
    chart = drawn(bars("Title", "note", rows))
    for element in chart.iter():
        for name in ("x", "width"):
            assert -0.5 <= float(element.get(name, "0")) <= WIDTH
    words = next(text for text in chart.iter(f"{SVG}text") if text.get("class") == "value")
    assert float(words.get("x", "")) + 6 * len("".join(words.itertext())) <= WIDTH  # 6 units: a narrow character


def test_a_mark_stands_where_the_scale_puts_its_value() -> None:
    chart = drawn(bars("Title", "note", [Bar("one", flat(3.0))], Mark(1.5, "half")))
    bar = next(rect for rect in chart.iter(f"{SVG}rect") if rect.get("class") == "fe")
    mark = next(path for path in chart.iter(f"{SVG}path") if path.get("class") == "mark").get("d", "")
    middle = float(bar.get("x", "")) + float(bar.get("width", "")) / 2
    assert float(mark[1:].split()[0]) == pytest.approx(middle, abs=0.2)


def test_a_line_goes_through_its_points() -> None:
    chart = drawn(lines("Title", "note", [Series("one", [(0, 0), (50, 5), (100, 10)])], "seconds"))
    line = next(chart.iter(f"{SVG}polyline")).get("points", "")
    (x0, y0), (x1, y1), (x2, y2) = (tuple(map(float, point.split(","))) for point in line.split())
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2)
    assert y0 - y1 == pytest.approx(y1 - y2, abs=0.2)
    assert y2 < y0


def test_names_are_text_not_markup() -> None:
    chart = drawn(bars("<Title> & more", '"note"', [Bar("a<b", flat(1.0))]))
    assert "a<b" in "".join(chart.itertext())
    drawn(lines("<&>", "<&>", [Series("<&>", [(1, 1)])], "<&>", Mark(1, "<&>")))


def test_light_and_dark_have_the_same_classes() -> None:
    style = next(drawn(bars("Title", "note", [Bar("one", flat(1.0))])).iter(f"{SVG}style")).text or ""
    light, dark = style.split("@media (prefers-color-scheme: dark)")
    for name in (
        "ground",
        "note",
        "grid",
        "axis",
        "range",
        "mark",
        *(f"f{c}" for c in "abcdef"),
        *(f"s{c}" for c in "abcdef"),
    ):
        assert f".{name} {{" in light
        assert f".{name} {{" in dark


@pytest.mark.parametrize(
    ("highest", "wanted"),
    [(2051, [0, 500, 1000, 1500, 2000, 2500]), (3, [0, 1, 2, 3]), (0.95, [0, 0.2, 0.4, 0.6, 0.8, 1.0]), (0, [0, 0.2])],
)
def test_an_axis_has_round_numbers_that_reach_the_highest_value(highest: float, wanted: list[float]) -> None:
    found = ticks(highest)
    assert found[: len(wanted)] == pytest.approx(wanted)
    assert found[-1] >= highest


@pytest.mark.parametrize(
    ("value", "text"),
    [(1982.16, "1,982"), (24.54, "24.5"), (2.375, "2.38"), (0.98, "0.98"), (0.0043, "0.004"), (0, "0.00")],
)
def test_a_number_has_about_three_digits(value: float, text: str) -> None:
    assert number(value) == text


def test_it_refuses_to_draw_nothing() -> None:
    with pytest.raises(ValueError, match="nothing to draw"):
        bars("Title", "note", [])
    with pytest.raises(ValueError, match="nothing to draw"):
        lines("Title", "note", [Series("empty", [])], "x")
