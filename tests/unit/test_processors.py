"""Functions of a host project that are called with received messages: how they are registered and found."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from webhooks.core import processors
from webhooks.core.processors import Message, Processor, fitting, named, processor

MESSAGE = Message(
    id="rcv_1", run_id="prr_1", tenant_id="ten_1", source_id="src_1", source="repos", provider="github", key="72d3162e",
    type="push", event_type="github.push", content_type="application/json", headers={"x-github-event": "push"},
    body=b'{"ref":"main"}', data=b'{"ref":"main"}',
    created_at=datetime(2026, 1, 1, tzinfo=UTC), received_at=datetime(2026, 1, 1, tzinfo=UTC),
)  # fmt: skip


@pytest.fixture(autouse=True)
def _registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processors, "_registry", {})


def handle(message: Message) -> None:
    """A processor."""


def other(message: Message) -> None:
    """Another one."""


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("github.push", True), ("github.*", True), ("github.**", True), ("*", True),
        ("github.pull_request", False), ("github.push.*", False), ("stripe.*", False),
    ],
)  # fmt: skip
def test_it_is_found_by_the_type_of_the_event(pattern: str, fits: bool) -> None:
    processor(pattern)(handle)
    assert bool(fitting("github.push", "src_1", "repos")) == fits


@pytest.mark.parametrize(
    ("source", "fits"),
    [(None, True), ("repos", True), ("src_1", True), (("x", "src_1"), True), ("src_2", False), ("other", False)],
)
def test_it_may_ask_for_sources_by_name_or_id(source: Any, fits: bool) -> None:
    processor("*", source=source)(handle)
    assert bool(fitting("github.push", "src_1", "repos")) == fits


def test_its_name_is_where_it_stands_unless_it_is_given_another() -> None:
    processor("*")(handle)
    processor("*", name="shop.charge")(other)
    assert [one.name for one in fitting("a", "", "")] == [f"{__name__}.handle", "shop.charge"]
    assert named("shop.charge") is not None
    assert named("shop.charged") is None


def test_a_module_that_is_imported_again_replaces_its_own() -> None:
    processor("a.*")(handle)
    processor("b.*")(handle)
    assert [one.pattern for one in (named(f"{__name__}.handle"),) if one] == ["b.*"]


def test_two_functions_cannot_have_one_name() -> None:
    processor("*", name="shop.charge")(handle)
    with pytest.raises(ValueError, match=r"two processors called shop\.charge"):
        processor("*", name="shop.charge")(other)


async def _waits(message: Message) -> None:
    """A coroutine function."""


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"pattern": "a..b"}, "a pattern is"),
        ({"pattern": "*", "time_limit": 0}, "time_limit"),
        ({"pattern": "*", "time_limit": 4000}, "time_limit"),
        ({"pattern": "*", "max_attempts": 0}, "max_attempts"),
        ({"pattern": "*", "max_attempts": 51}, "max_attempts"),
        ({"pattern": "*", "backoff": "never"}, "unknown policy"),
        ({"pattern": "*", "backoff": {"schedule": [-1]}}, "schedule is a list"),
        ({"pattern": "*", "name": "charge"}, "words joined by dots"),
        ({"pattern": "*", "name": "shop." + "x" * 200}, "at most 200"),
    ],
)
def test_it_refuses_what_cannot_be(options: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        processor(**options)(handle)


def test_it_refuses_functions_that_nobody_could_find_again_or_await() -> None:
    with pytest.raises(ValueError, match="words joined by dots"):
        processor("*")(lambda message: None)
    with pytest.raises(ValueError, match="coroutine"):
        processor("*", name="shop.waits")(_waits)


@pytest.mark.parametrize(
    ("backoff", "max_attempts", "delays"),
    [
        ({"schedule": [1, 5], "jitter": 0}, 5, [1, 5, 5, 5, None]),
        ({"schedule": [1, 5, 9], "jitter": 0}, 2, [1, None]),
        ("none", 3, [None]),
        ({"schedule": [0], "jitter": 0}, 1, [None]),
    ],
    ids=["the last step repeats", "attempts end it", "no retries", "one attempt"],
)
def test_a_retry_waits_as_the_schedule_says(backoff: Any, max_attempts: int, delays: list[float | None]) -> None:
    made = Processor("shop.charge", "*", handle, backoff=backoff, max_attempts=max_attempts)
    assert [made.delay(attempts) for attempts in range(1, len(delays) + 1)] == delays


def test_the_default_schedule_has_jitter() -> None:
    made = Processor("shop.charge", "*", handle)
    drawn = {made.delay(1) for _ in range(20)}
    assert len(drawn) > 1
    assert all(delay and 10 <= delay <= 11 for delay in drawn)


def test_a_message_reads_its_json() -> None:
    assert MESSAGE.json() == {"ref": "main"}
    form = replace(
        MESSAGE, content_type="application/x-www-form-urlencoded", body=b"payload=%7B%22a%22%3A1%7D", data=b'{"a":1}'
    )
    assert form.json() == {"a": 1}
    with pytest.raises(ValueError, match="Expecting value"):
        replace(MESSAGE, body=b"a=1", data=b"").json()
