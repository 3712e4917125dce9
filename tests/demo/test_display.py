"""Progress is bars on a terminal and few plain lines elsewhere."""

from __future__ import annotations

import io

from rich.console import Console

from webhooks.management.demo.display import Display
from webhooks.management.demo.scenario import PARTS

TOTALS = {part.name: 4 for part in PARTS}
NOTES = {part.name: "2 pending" for part in PARTS}


def test_elsewhere_a_line_is_written_when_something_has_changed() -> None:
    out = io.StringIO()
    with Display(Console(file=out, width=40), TOTALS) as display:
        half = {part.name: 2 for part in PARTS}
        display.show(half, NOTES)
        display.show(half, NOTES)
        display.show(TOTALS, NOTES)
    first, last = out.getvalue().splitlines()
    assert first.endswith("healthy 2/4  slow 2/4  flaky 2/4  broken 2/4  chosen 2/4  gone 2/4")
    assert last.endswith("healthy 4/4  slow 4/4  flaky 4/4  broken 4/4  chosen 4/4  gone 4/4")
    assert "\x1b" not in out.getvalue()


def test_on_a_terminal_each_endpoint_has_a_bar() -> None:
    out = io.StringIO()
    with Display(Console(file=out, force_terminal=True, width=140), TOTALS) as display:
        display.show(TOTALS, NOTES)
    text = out.getvalue()
    assert "\x1b" in text
    for part in PARTS:
        assert part.name in text
        assert part.about in text
    assert "4/4" in text
    assert "2 pending" in text
