"""Matching what was accepted with what arrived."""

from __future__ import annotations

import pytest

from benchmarks.arrivals import Accepted, Arrival, parse, summary, timeline, waits
from benchmarks.load import Stream
from benchmarks.workload import ORDER, WrongDeliveries

ENDPOINTS = {"a": ["/1", "/2"], "b": ["/3"]}


def accepted(event: str, tenant: str, at: float) -> Accepted:
    return Accepted(event, tenant, at, at)


def test_each_event_waits_once_at_each_endpoint_of_its_tenant() -> None:
    found = waits(
        [accepted("e2", "b", 11.0), accepted("e1", "a", 10.0)],
        [Arrival("e1", "/1", 10.5), Arrival("e1", "/2", 10.25), Arrival("e2", "/3", 11.125)],
        ENDPOINTS,
    )
    assert [(wait.tenant, wait.path, wait.ms) for wait in found] == [
        ("a", "/1", 500),
        ("a", "/2", 250),
        ("b", "/3", 125),
    ]


def test_a_repeat_does_not_count() -> None:
    came = [Arrival("e", "/3", 10.5), Arrival("e", "/3", 12.0)]
    assert [wait.ms for wait in waits([accepted("e", "b", 10.0)], came, ENDPOINTS)] == [500]


def test_an_event_that_did_not_arrive_everywhere_is_no_result() -> None:
    with pytest.raises(WrongDeliveries, match="1 of 2 never arrived, the first: e at /2"):
        waits([accepted("e", "a", 10.0)], [Arrival("e", "/1", 10.5)], ENDPOINTS)


def test_the_lines_of_the_receiver_are_read() -> None:
    assert parse("evt_1 /ok/1 12.5\nevt_2 /ok/2 13.000001") == [
        Arrival("evt_1", "/ok/1", 12.5),
        Arrival("evt_2", "/ok/2", 13.000001),
    ]
    assert parse("") == []


def test_a_summary_has_percentiles_and_the_worst() -> None:
    assert summary(float(n) for n in range(1, 101)) == {"samples": 100, "p50": 50, "p95": 95, "p99": 99, "max": 100}
    assert summary([]) == {"samples": 0}


def test_a_timeline_goes_by_the_second_of_acceptance() -> None:
    found = waits(
        [accepted("e1", "b", 10.1), accepted("e2", "b", 10.9), accepted("e3", "b", 11.0)],
        [Arrival("e1", "/3", 10.2), Arrival("e2", "/3", 11.9), Arrival("e3", "/3", 11.001)],
        ENDPOINTS,
    )
    assert [(row[0], round(row[3])) for row in timeline(found, 10.0)] == [(0, 1000), (1, 1)]


@pytest.mark.parametrize("size", [1024, 20 * 1024, 250 * 1024])
def test_a_payload_has_the_size_that_was_asked_for(size: int) -> None:
    import json

    data = Stream("t", 1, 1, size=size).data()
    assert len(data) == size
    assert json.loads(data).keys() == {*json.loads(ORDER), "note"}
