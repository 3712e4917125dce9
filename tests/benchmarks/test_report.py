"""latest.json, the table and the verdicts, from fabricated outcomes."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks import isolated, memory, pictures, registry
from benchmarks.options import FULL, QUICK
from benchmarks.report import REQUIREMENTS, Requirement, assemble, markdown, sections

KEYS = {
    "machine", "commit", "ratios", "deliveries_per_second", "statements_per_delivery", "cpu_ms_per_delivery",
    "idle_latency_ms", "half_load_latency_ms", "receive_ms", "noisy_neighbour", "growth_ratio", "memory_mb",
    "receiver_capacity_per_second",
}  # fmt: skip
ABOUT = {"at": "2026-01-02T03:04:05Z", "commit": "0123456789abcdef+", "machine": {"cpu_count": 2, "model": "CPU"}}


def rounds(median: float) -> dict[str, float]:
    return {"median": median, "low": median * 0.9, "high": median * 1.1}


def throughput() -> dict[str, Any]:
    names = ("celery_noop_prefork2", "celery_noop_solo", "django_webhook_prefork2", "django_webhook_threads32")
    return {
        "endpoints": 20,
        "rounds": 3,
        "deliveries_per_second": rounds(2000),
        "per_second": {"clarion": rounds(2000), **{name: rounds(100) for name in names}},
        "ratios": {name: rounds(20) for name in names},
        "statements_per_delivery": rounds(0.4),
        "heaviest_statements": [
            {"statement": "SELECT a|b", "calls": 5, "calls_per_delivery": 0.1, "total_ms": 7.0, "ms_per_delivery": 0.2}
        ],
        "cpu_ms_per_delivery": rounds(1.2),
        "cpu_ms_per_delivery_by_process": {"beat": rounds(0.1), "database": rounds(0.6)},
        "receiver_capacity_per_second": rounds(15_000),
        "failures": {},
    }


def complete() -> dict[str, dict[str, Any]]:
    three = {"p50": rounds(20), "p95": rounds(30), "p99": rounds(90)}
    found: dict[str, dict[str, Any]] = {
        "throughput": throughput(),
        "latency": {"idle": three, "half_load": three},
        "receive": {"paced": {"p50": rounds(3), "p95": rounds(8), "p99": rounds(15)}},
        "noisy": {
            mode: {"ratio": 1.5, "timeline": [[0.0, 5.0, 9.0, 20.0], [1.0, 5.0, 8.0, 30.0]]}
            for mode in ("hang", "slow", "refuse")
        },
        "shapes": {
            "fan_out": {"1:1": {"deliveries_per_second": rounds(500)}},
            "payload": {"1 KiB": {"deliveries_per_second": rounds(500)}},
            "scaling": {"1 worker": rounds(500), "2 workers": rounds(900), "ratio": rounds(1.8)},
        },
        "memory": {"memory_mb": {"delivery-1": memory.summary([[1.0, 1.0], [2.0, 3.0]])}},
        "growth": {
            "growth_ratio": rounds(0.95),
            "kept": {"deliveries_per_second": {"ratio": rounds(0.95)}, "sweep_ms_p50": {"ratio": rounds(0.99)}},
            "pages": {"platform": {"/api/events": {"loaded": {"p50": 5.0, "p95": 9.0}}}},
            "lists": {
                "slowest_p95_ms": 40.0,
                "slowest": "tenant: /api/events",
                "over_the_bar": {},
                "latencies_ms": {
                    "tenant": {"/api/events": {"p50": 20.0, "p95": 40.0}, "/api/slow": {"p50": 9.0, "p95": 51.0}}
                },
            },
        },
    }
    assert found.keys() == registry.SCENARIOS.keys()
    return {
        name: {
            "result": result,
            "seconds": 1.0,
            "software": {"python": "3.11.7", "postgres": "18.1", "broker": "valkey 9"},
        }
        for name, result in found.items()
    }


def test_every_agreed_key_is_there_and_measured() -> None:
    results = assemble(complete(), FULL, ABOUT)
    assert results.keys() >= KEYS
    for key in KEYS:
        assert results[key], key
    assert results["machine"] == {
        "cpu_count": 2,
        "model": "CPU",
        "python": "3.11.7",
        "postgres": "18.1",
        "broker": "valkey 9",
    }
    assert set(results["noisy_neighbour"]) == {"hang", "slow", "refuse"}
    assert results["throughput"] == throughput()
    assert results["memory_mb"] == {"delivery-1": {"median": 2.0, "low": 1.0, "high": 3.0, "growth": 3.0}}
    assert {one["verdict"] for one in results["bars"]} == {"met"}
    json.dumps(results)


def test_a_scenario_that_failed_leaves_its_keys_empty_and_its_reason() -> None:
    outcomes = complete() | {"latency": {"failed": "NotDone: the workers", "seconds": 60.0}}
    results = assemble(outcomes, FULL, ABOUT)
    assert results.keys() >= KEYS
    assert results["idle_latency_ms"] == {"p50": None, "p95": None, "p99": None}
    assert results["failures"] == {"latency": "NotDone: the workers"}
    assert "NotDone: the workers" in markdown(results)
    assert {one["verdict"] for one in results["bars"] if "idle" in one["what"]} == {"not measured"}


def test_a_run_without_any_result_still_reports() -> None:
    results = assemble({name: {"failed": "no disk", "seconds": 0.0} for name in registry.SCENARIOS}, QUICK, ABOUT)
    assert results.keys() >= KEYS
    assert len(results["failures"]) == len(registry.SCENARIOS)
    assert pictures.draw(results) == {}
    assert "no disk" in markdown(results)


def test_each_list_is_shown_with_whether_it_meets_the_bar_slowest_first() -> None:
    (shown,) = [part for part in sections(assemble(complete(), FULL, ABOUT)) if part.columns[0] == "who"]
    assert shown.rows == [
        ("tenant", "/api/slow", "9", "51", "missed"),
        ("tenant", "/api/events", "20", "40", "met"),
    ]


def test_a_contestant_that_failed_is_a_failure_of_the_run() -> None:
    outcomes = complete()
    outcomes["throughput"]["result"]["failures"] = {"django_webhook_prefork2": "no network"}
    assert assemble(outcomes, FULL, ABOUT)["failures"] == {"throughput: django_webhook_prefork2": "no network"}


@pytest.mark.parametrize(
    ("at_least", "median", "verdict"),
    [
        (True, 1.5, "met"), (True, 1.6, "met"), (True, 1.2, "missed by 20 %"),
        (False, 1.5, "met"), (False, 1.4, "met"), (False, 3.0, "missed by 100 %"),
    ],
)  # fmt: skip
def test_the_median_decides_whether_a_bar_is_met(at_least: bool, median: float, verdict: str) -> None:
    one = Requirement("what", ("figure",), 1.5, at_least)
    assert one.verdict({"figure": {"median": median, "low": 0.0, "high": 9.0}}) == verdict
    assert one.verdict({"figure": median}) == verdict


def test_every_bar_of_the_design_has_its_bound() -> None:
    found = {one.figure: (one.bound, one.at_least) for one in REQUIREMENTS}
    assert found == {
        ("ratios", "celery_noop_prefork2"): (1.5, True),
        ("ratios", "django_webhook_prefork2"): (12, True),
        ("ratios", "django_webhook_threads32"): (12, True),
        ("statements_per_delivery",): (2, False),
        ("idle_latency_ms", "p50"): (25, False),
        ("idle_latency_ms", "p99"): (100, False),
        ("receive_ms", "p95"): (20, False),
        ("noisy_neighbour", "hang"): (3, False),
        ("growth_ratio",): (0.9, True),
        ("growth", "lists", "slowest_p95_ms"): (50, False),
    }


def test_the_table_shows_medians_with_ranges_and_the_heaviest_process_first() -> None:
    parts = {part.title: part.rows for part in sections(assemble(complete(), FULL, ABOUT))}
    assert parts["Bars"][0] == (REQUIREMENTS[0].what, "20.0", "18.0 to 22.0", ">= 1.5, aim 2", "met")
    assert [row[0] for row in parts["CPU by process, ms per delivery"]] == ["database", "beat"]
    assert "Failed" not in parts


def test_markdown_survives_a_statement_with_a_bar_in_it() -> None:
    text = markdown(assemble(complete(), FULL, ABOUT))
    assert r"| SELECT a\|b | 5 |" in text
    assert "commit 0123456789ab with changes" in text


def test_every_chart_of_a_complete_run_is_svg() -> None:
    drawn = pictures.draw(assemble(complete(), FULL, ABOUT))
    assert drawn.keys() == pictures._PICTURES.keys()
    for text in drawn.values():
        assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - our own text


def test_a_scenario_without_a_module_is_skipped_loudly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.SCENARIOS, "absent", "benchmarks.absent")
    assert isolated.run("absent", QUICK)["failed"] == "skipped: there is no module benchmarks.absent"


def test_a_scenario_that_fails_says_why_and_leaves_nothing_running(monkeypatch: pytest.MonkeyPatch) -> None:
    """The services cannot be reached: the scenario's process fails, this one goes on."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:9/nothing")
    outcome = isolated.run("throughput", QUICK)
    assert "OperationalError" in outcome["failed"]
    assert outcome["seconds"] > 0
