"""What the demonstration expects follows from its table and the payloads alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from webhooks.core import patterns
from webhooks.management.demo.payloads import Payload, load_payloads
from webhooks.management.demo.scenario import PARTS, Part, expected, plan

FOLDER = Path(__file__).resolve().parents[2] / "demo" / "github"
PAYLOADS = load_payloads(FOLDER)
BY_NAME = {part.name: part for part in PARTS}


def types_of(name: str, count: int = len(PAYLOADS)) -> list[str]:
    publications = [each for wave in plan(PAYLOADS, count, "run") for each in wave]
    return sorted(payload.type for payload in expected(BY_NAME[name], publications).values())


def test_every_event_of_github_is_there_and_is_real_json() -> None:
    assert len(PAYLOADS) == 64
    assert len({payload.type.split(".")[1] for payload in PAYLOADS}) == 58
    assert len({payload.type for payload in PAYLOADS}) == 64
    for payload in PAYLOADS:
        patterns.check_event_type(payload.type)
        assert isinstance(json.loads(payload.data), dict)
    assert "github.repository_dispatch.on_demand_test" in {payload.type for payload in PAYLOADS}


def test_the_type_names_the_event_and_the_action_of_the_payload() -> None:
    for payload in PAYLOADS:
        _, _, *action = payload.type.split(".")
        said = json.loads(payload.data).get("action")
        assert [said.replace("-", "_")] == action if action else True


def test_data_is_the_text_of_the_file_byte_for_byte() -> None:
    payload = next(payload for payload in PAYLOADS if payload.type == "github.push")
    assert (FOLDER / "push.json").read_bytes() == payload.data + b"\n"
    assert b"\n  " in payload.data  # indentation and all: a service that parses and prints it again is found out


def test_each_endpoint_is_to_get_this() -> None:
    assert types_of("healthy") == sorted(payload.type for payload in PAYLOADS)
    assert types_of("slow") == [
        "github.deployment.created",
        "github.deployment_status.created",
        "github.package.published",
        "github.release.published",
    ]
    assert types_of("flaky") == [
        "github.branch_protection_rule.edited",
        "github.member.added",
        "github.push",
    ]
    assert types_of("broken") == ["github.page_build"]
    assert types_of("chosen") == [
        *(f"github.issues.{action}" for action in ("edited", "labeled", "opened", "reopened")),
        *(f"github.pull_request.{action}" for action in ("closed", "labeled", "opened", "synchronize")),
    ]
    assert types_of("gone") == [
        "github.check_run.created",
        "github.check_suite.completed",
        "github.team.added_to_repository",
        "github.workflow_job.in_progress",
        "github.workflow_run.completed",
    ]


def test_an_event_for_the_endpoint_that_is_given_up_is_published_first() -> None:
    first, *_ = plan(PAYLOADS, 64, "run")
    assert BY_NAME["broken"].wants(first[0].payload.type)


def test_events_of_the_failing_endpoint_are_published_in_different_waves() -> None:
    waves = plan(PAYLOADS, 64, "run")
    assert [sum(BY_NAME["flaky"].wants(each.payload.type) for each in wave) for wave in waves] == [
        1, 0, 0, 1, 0, 0, 1, 0,
    ]  # fmt: skip


@pytest.mark.parametrize("count", [1, 5, 64, 65, 300, 2500])
def test_as_many_events_as_asked_for_with_ids_of_their_own(count: int) -> None:
    waves = plan(PAYLOADS, count, "run")
    publications = [each for wave in waves for each in wave]
    assert len(publications) == len({each.id for each in publications}) == count
    assert all(each.id.startswith("run-") and len(each.id) <= 128 for each in publications)
    assert max(sum(len(each.payload.data) for each in wave) for wave in waves) < 5_000_000
    for name, most in (("slow", 4), ("flaky", 3), ("broken", 1)):
        assert len(types_of(name, count)) <= most


@pytest.mark.parametrize(
    ("pattern", "event_type", "matches"),
    [
        ("a.b", "a.b", True),
        ("a.b", "a.b.c", False),
        ("a.b", "axb", False),
        ("a.*", "a.b", True),
        ("a.*", "a", False),
        ("a.*", "a.b.c", False),
        ("a.*", "ab.c", False),
        ("a.**", "a.b", True),
        ("a.**", "a.b.c", True),
        ("a.**", "a", False),
        ("*", "a.b.c", True),
    ],
)
def test_patterns_mean_what_the_contract_says(pattern: str, event_type: str, matches: bool) -> None:
    assert Part("x", "", (pattern,)).wants(event_type) is matches


def test_a_folder_without_payloads_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="run this from a clone"):
        load_payloads(tmp_path)


def test_a_character_that_no_type_can_hold_becomes_an_underscore(tmp_path: Path) -> None:
    (tmp_path / "a.b-c d.json").write_bytes(b'{"x": 1.0}\n')
    assert load_payloads(tmp_path) == [Payload("github.a.b_c_d", b'{"x": 1.0}')]
