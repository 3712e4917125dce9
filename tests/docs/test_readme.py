"""README: the tour works as printed, against what ``make run`` starts."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.docs.pages import blocks, page
from tests.docs.shell import Shell
from tests.stack.processes import Up
from tests.waiting import eventually

README = page("README.md")
STEPS: dict[str, str] = dict(
    re.findall(r"^<!-- tour: (\w+) -->\n```bash\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
)
_PATIENCE = 60.0  # seconds until the stack has done what a step waits for


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """What ``make run`` starts, with its data folder where the README expects it, on free ports."""
    folder = tmp_path_factory.mktemp("tour", numbered=True)
    with Up(folder / ".clarion", "--port-base", "0") as up:
        up.expect("Clarion is ready", timeout=150)
        yield up


class Tour:
    """The tour's shell, and the stack's own answer to what has become of it."""

    def __init__(self, up: Up) -> None:
        self.facts = up.facts
        self.shell = Shell(up.data_dir.parent)
        self.printed: dict[str, str] = {}

    def step(self, name: str) -> str:
        """Type one block of the README."""
        self.printed[name] = self.shell.type(STEPS[name])
        return self.printed[name]

    def get(self, path: str) -> Any:
        request = urllib.request.Request(  # noqa: S310 - an address of our own
            self.facts["api_url"] + path, headers={"Authorization": f"Bearer {self.facts['api_key']}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.load(answer)

    def wait(self, path: str, enough: Callable[[list[Any]], bool]) -> None:
        """Ask again until the list at ``path`` is as wanted: slower machines than a reader's run tests."""
        eventually(lambda: enough(self.get(path)["results"]), timeout=_PATIENCE)


@pytest.fixture
def tour(stack: Up) -> Iterator[Tour]:
    made = Tour(stack)
    yield made
    made.shell.close()


def last_json(printed: str) -> Any:
    """The object at the end of what a step printed."""
    return json.loads(printed[printed.index("{") :])


@pytest.mark.timeout(300)
def test_the_tour_does_what_it_says(tour: Tour) -> None:
    tour.step("prepare")
    webhook = last_json(tour.step("subscribe"))
    assert webhook["secret"].startswith("whsec_")
    assert webhook["event_types"] == ["order.*"]
    deliveries = f"/deliveries?webhook={webhook['id']}"

    assert last_json(tour.step("publish"))["duplicate"] is False
    tour.wait(deliveries, lambda found: [each["status"] for each in found] == ["succeeded"])
    delivery = last_json(tour.step("look"))
    assert [attempt["response_status"] for attempt in delivery["attempts"]] == [200]

    tour.step("break")
    tour.wait(deliveries, lambda found: len(found) == 2 and found[0]["attempt_count"] > 0)
    broken = last_json(tour.step("retry"))
    assert broken["event_type"] == "order.paid"
    assert "nothing listens" in broken["reason"]

    tour.wait(f"/dead-letters?webhook={webhook['id']}", lambda found: bool(found))
    letters = last_json(tour.step("dead"))["results"]
    assert [letter["attempt_count"] for letter in letters] == [3]

    again = last_json(tour.step("replay"))
    assert again["trigger"] == "replay"
    assert again["event_id"] == broken["event_id"]
    tour.wait(deliveries, lambda found: len(found) == 3 and found[0]["status"] == "succeeded")

    assert tour.step("delete").split() == ["204"]


def test_every_command_of_the_page_is_in_the_tour_or_tried_elsewhere() -> None:
    """The others are those of the set-up, which the tests of the Makefile run, and of the host project."""
    elsewhere = ("make run\n", "make test\n", "celery -A shop")
    untold = [
        block for block in blocks(README, "bash") if block not in STEPS.values() and not block.startswith(elsewhere)
    ]
    assert untold == []


def test_the_tour_leaves_no_step_out() -> None:
    assert list(STEPS) == ["prepare", "subscribe", "publish", "look", "break", "retry", "dead", "replay", "delete"]
