"""docs/senders.md: what it says about arguments, patterns, limits and answers is what happens."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any

import pytest

import webhooks
from tests.client import ApiClient
from tests.docs.pages import blocks, page, section
from webhooks import errors
from webhooks.conf import Settings
from webhooks.core import patterns

PAGE = page("docs/senders.md")
BODIES: list[dict[str, Any]] = [
    json.loads(body) for block in blocks(PAGE, "bash") for body in re.findall(r"-d '(.*?)'", block, re.DOTALL)
]
EVENT = {"type": "order.created", "data": {"order": 1001}}


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its head."""
    return rows_of(section(PAGE, heading))


def rows_of(text: str) -> list[list[str]]:
    """The cells of the first table of a text, without its head."""
    table: list[str] = []
    for line in text.splitlines():
        if line.startswith("|"):
            table.append(line)
        elif table:
            break
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]


def test_the_signature_of_emit_is_the_one_on_the_page() -> None:
    (shown,) = re.findall(r"`webhooks\.emit\((.*?)\)` returns", PAGE)
    parameters = inspect.signature(webhooks.emit).parameters.values()
    keywords = [
        name.name if name.default is name.empty else f"{name.name}={name.default!r}"
        for name in parameters
        if name.kind is name.KEYWORD_ONLY
    ]
    assert shown == ", ".join(["type", "data", "*", *keywords])
    explained = {cell.strip("`") for cell, _ in rows("From Django code")}
    assert explained == {name.name for name in parameters} - {"type"}


def test_the_exceptions_on_the_page_exist() -> None:
    table = re.findall(r"^\| `([A-Z]\w+)` \|", section(PAGE, "From Django code"), re.MULTILINE)
    assert table
    for name in table:
        assert issubclass(getattr(errors, name), errors.ClarionError)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: next(iter(body)))
def test_the_examples_over_http_are_accepted(api: ApiClient, body: dict[str, Any]) -> None:
    answer = api.post("/api/events/batch" if "events" in body else "/api/events", body)
    assert answer.status_code == 202
    if "events" not in body:
        (listed,) = re.findall(r"The answer is 202 with `\{(.*?)\}`", PAGE)
        assert list(answer.json()) == [name.strip('" ') for name in listed.split(",")]


def test_publishing_twice_is_answered_as_the_table_says(api: ApiClient) -> None:
    answers = [
        api.post("/api/events", {**EVENT, "id": "order-1001"}),
        api.post("/api/events", {**EVENT, "id": "order-1001"}),
        api.post("/api/events", {"type": "order.created", "data": {"order": 2}, "id": "order-1001"}),
    ]
    said = [re.match(r"(\d{3})(?:, `\"duplicate\": (\w+)`)?", cell) for _, cell in rows("Publishing twice")]
    assert [answer.status_code for answer in answers] == [int(match[1]) for match in said if match]
    assert [answer.json().get("duplicate") for answer in answers] == [False, True, None]


def test_some_and_none_of_a_batch(api: ApiClient) -> None:
    some = api.post("/api/events/batch", {"events": [EVENT, {"type": "order created", "data": 1}]})
    assert some.status_code == 207
    assert [set(error) for error in some.json()["errors"]] == [{"index", "errors"}]
    assert api.post("/api/events/batch", {"events": [{"type": "order created", "data": 1}]}).status_code == 422


def test_the_patterns_fit_what_the_table_says() -> None:
    for pattern, fits, does_not in rows("Event types and patterns"):
        word = pattern.strip("`")
        types = ["order.created", "order", "x"] if word == "*" else re.findall(r"`([\w.]+)`", fits)
        assert types
        assert all(patterns.matches(word, each) for each in types), pattern
        if word == "*":
            assert word not in patterns.candidates("delivery.dead", catch_all=False)
        else:
            assert not any(patterns.matches(word, each) for each in re.findall(r"`([\w.]+)`", does_not)), pattern


def test_the_limits_are_those_of_the_settings() -> None:
    assert f"{Settings.MAX_EVENT_BYTES // 1024} KiB (`WEBHOOKS_MAX_EVENT_BYTES`)" in PAGE
    assert f"{Settings.MAX_JSON_DEPTH} levels (`WEBHOOKS_MAX_JSON_DEPTH`)" in PAGE
    assert f"up to {Settings.MAX_BATCH_EVENTS} events and {Settings.MAX_BATCH_BYTES >> 20} MiB" in PAGE
    assert f"at most {patterns.MAX_LENGTH} characters" in PAGE
    assert f"(`WEBHOOKS_RETENTION_DAYS`, {Settings.RETENTION_DAYS} days)" in PAGE


def test_each_status_of_the_table_is_answered(api: ApiClient, tenant: Any) -> None:
    from tests.factories import make_key

    reader = ApiClient(make_key(tenant, "events:read"))
    api.post("/api/events", {**EVENT, "id": "taken"})
    seen = {
        api.post("/api/events", b'{"type": ').status_code,
        ApiClient("clk_unknown_0").post("/api/events", EVENT).status_code,
        reader.post("/api/events", EVENT).status_code,
        api.get("/api/events/evt_00000000000070008000000000000000").status_code,
        api.post("/api/events", {"type": "order.other", "data": 1, "id": "taken"}).status_code,
        api.post("/api/events", b" " * (Settings.MAX_EVENT_BYTES + 1)).status_code,
        api.post("/api/events", b"<event/>", headers={"Content-Type": "text/xml"}).status_code,
        api.post("/api/events", {"data": 1}).status_code,
    }
    assert seen | {503} == {int(status) for status, _ in rows("Errors")}
