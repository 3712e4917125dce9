"""Long series of the fault suite are interrupted and gone on with."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import __main__ as command
from tests.faults import scenarios, series, shifts
from tests.faults.invariants import Verdict
from tests.faults.scenario import SCENARIOS, Result

__all__ = ["scenarios"]
PLAYED = Result(
    SCENARIOS["workers_killed"], 7, Verdict(events=10, requests=20, in_flight=3), faults=4, settled=1.5, notes=["so"]
)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A series of two plays, one of them broken."""
    path = tmp_path / "series.jsonl"
    assert series.begin(path, 2000, quick=False) == []
    series.keep(path, PLAYED)
    series.keep(path, Result(SCENARIOS["broker_killed"], 7, Verdict(lost=1, broken=["one was lost"])))
    return path


@pytest.fixture
def interruptible() -> Iterator[None]:
    """The command takes SIGTERM for Ctrl-C; the tests go on afterwards."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_a_series_gives_back_its_plays_as_they_were(kept: Path) -> None:
    first, second = series.begin(kept, 2000, quick=False)
    assert first == PLAYED
    assert second.verdict.broken == ["one was lost"]


@pytest.mark.parametrize(("events", "quick", "named"), [(200, False, "events"), (200, True, "events and quick")])
def test_plays_of_another_size_are_not_taken_for_those_of_this_series(
    kept: Path, events: int, quick: bool, named: str
) -> None:
    with pytest.raises(ValueError, match=f"other {named}: name another file"):
        series.begin(kept, events, quick)


def test_plays_of_other_code_are_not_taken_for_those_of_this_series(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(series, "_TESTED", ("project",))
    with pytest.raises(ValueError, match="other code"):
        series.begin(kept, 2000, quick=False)


def test_a_play_whose_line_was_cut_short_is_still_to_be_played(kept: Path) -> None:
    with kept.open("a") as file:
        file.write('{"scenario": "broker_fl')
    assert len(series.begin(kept, 2000, quick=False)) == 2
    series.keep(kept, PLAYED)
    assert len(series.begin(kept, 2000, quick=False)) == 3


@pytest.mark.parametrize("content", ["", "{}", "{}\n", "[1]\n", "some words\n"])
def test_another_kind_of_file_is_refused_and_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_text(content)
    with pytest.raises(ValueError, match="holds no series of plays: name another file"):
        series.begin(path, 2000, quick=False)
    assert path.read_text() == content


def test_a_series_in_a_folder_that_is_not_there_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["--seed", "7", "--series", str(tmp_path / "none" / "series.jsonl")])
    assert ended.value.code == 2
    assert "No such file or directory" in capsys.readouterr().err


def test_a_play_that_was_left_out_on_this_machine_is_still_to_be_played(kept: Path) -> None:
    before = kept.read_text()
    series.keep(kept, Result(SCENARIOS["rabbitmq_killed"], 7, skipped="not installed"))
    assert kept.read_text() == before


def test_all_scenarios_are_played_with_each_seed_those_of_rabbitmq_at_the_end() -> None:
    names = ["rabbitmq_killed", "workers_killed", "broker_killed", "endpoint_paused"]
    turns = shifts.turns(names, range(3))
    assert sorted(turns) == sorted((name, seed) for name in names for seed in range(3))
    assert [seed for _, seed in turns] == [0, 0, 0, 1, 1, 1, 2, 2, 2, 0, 1, 2]
    assert {name for name, _ in turns[-3:]} == {"rabbitmq_killed"}


@pytest.mark.usefixtures("interruptible")
def test_a_series_that_has_everything_plays_nothing_and_concludes_with_what_it_has(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--seed", "7", "--only", "workers_killed,broker_killed", "--series", str(kept)]
    assert command.main(arguments) == 1, "one of the plays had broken a promise"
    said = capsys.readouterr().out
    assert "2 have been played before, 0 are left" in said
    assert said.endswith("faults: scenarios=2 events=10 lost=1 duplicates=0 in_flight=3\n")


def test_a_series_without_a_seed_is_refused(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["--series", str(kept)])
    assert ended.value.code == 2
    assert "takes a --seed" in capsys.readouterr().err
