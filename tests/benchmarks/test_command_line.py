"""``python -m benchmarks``: what it takes, and what it refuses before anything is started."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.__main__ import RESULTS, _command_line, _informed
from benchmarks.options import FULL, QUICK
from benchmarks.registry import SCENARIOS


def given(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr("sys.argv", ["benchmarks", *words])


def test_without_options_it_runs_everything_in_full_into_the_kept_results(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch)
    assert _command_line() == (list(SCENARIOS), FULL, RESULTS)


@pytest.mark.parametrize("words", [["--quick"], ["--only", "throughput"], ["--rounds", "1"]])
def test_anything_less_leaves_the_kept_results_alone(monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    given(monkeypatch, *words)
    assert _command_line()[2] == RESULTS / "partial"


def test_sizes_can_be_changed_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, "--quick", "--old-rows", "7", "--seconds", "1.5")
    assert _command_line()[1] == replace(QUICK, old_rows=7, seconds=1.5)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--only", "throughput,nothing"], "no scenario 'nothing'"),
        (["--endpoints", "6"], "6 is not a multiple of 4"),
        (["--endpoints", "0"], "0 is not a multiple of 4"),
        (["--deliveries", "19"], "19 is less than one for each of 20 endpoints"),
        (["--minutes", "0"], "memory is watched for a time"),
        (["--rate", "-1"], "memory is watched for a time"),
        (["--rounds", "0"], "no median without a round"),
    ],
)
def test_it_refuses_what_cannot_be_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], complaint: str
) -> None:
    given(monkeypatch, *words)
    with pytest.raises(SystemExit) as exit_:
        _command_line()
    assert exit_.value.code == 2
    assert complaint in capsys.readouterr().err


def test_the_capacity_that_one_scenario_measures_is_known_to_the_next_ones() -> None:
    assert _informed(FULL, {"failed": "NotDone"}).capacity == 0
    informed = _informed(FULL, {"result": {"capacity_per_second": 1234}})
    assert informed == replace(FULL, capacity=1234.0)
    assert _informed(informed, {"result": {"capacity_per_second": 999}}) == informed
    assert _informed(informed, {"result": {}}) == informed
