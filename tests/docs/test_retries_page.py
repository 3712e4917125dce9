"""docs/retries.md agrees with the code: the tables of policies and of verdicts."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from tests.docs.pages import page
from webhooks.core import backoff
from webhooks.core.outcome import Verdict, judge

_POLICY = re.compile(r"^\| `(\w+)` \|([\d, ]*)\| (\d+) \| (.+?) \|$", re.MULTILINE)


def total(seconds: float) -> str:
    """``1210`` -> ``20 min 10 s``."""
    whole = timedelta(seconds=seconds) // timedelta(seconds=1)
    parts = ((whole // 3600, "h"), (whole // 60 % 60, "min"), (whole % 60, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number) or "0 s"


def test_the_table_shows_every_policy_with_its_steps_tries_and_total() -> None:
    shown = {
        name: ([float(step) for step in steps.split(",") if step.strip()], int(tries), in_all)
        for name, steps, tries, in_all in _POLICY.findall(page("docs/retries.md"))
    }
    assert shown == {name: (list(steps), len(steps) + 1, total(sum(steps))) for name, steps in backoff.POLICIES.items()}


def test_the_limits_of_an_own_schedule_are_those_of_the_code() -> None:
    text = page("docs/retries.md")
    assert f"at most {backoff.MAX_STEPS} steps of at most a week ({backoff.MAX_STEP:.0f} s)" in text
    assert f"up to {backoff.JITTER:.0%}".replace("%", " %") in text


@pytest.mark.parametrize(
    ("row", "statuses", "verdict"),
    [
        ("2xx", [200, 201, 204, 299], Verdict.SUCCEEDED),
        ("408, 425, 429, any 5xx", [408, 425, 429, 500, 503, 599], Verdict.RETRY),
        ("410", [410], Verdict.GONE),
        ("Any other 3xx and 4xx", [301, 302, 307, 400, 401, 404, 409, 422], Verdict.DEAD),
    ],
)
def test_the_table_of_answers_says_what_is_done(row: str, statuses: list[int], verdict: Verdict) -> None:
    assert f"| {row} |" in page("docs/retries.md")
    assert {judge(status, None) for status in statuses} == {verdict}


def test_an_answer_is_in_doubt_nowhere_else() -> None:
    for error in (
        "access_refused",
        "no_such_queue",
        "broker_refused",
        "unreachable_target",
        "connect_refused",
        "tls_error",
        "timeout",
        "connection_reset",
    ):
        assert judge(None, error) is Verdict.RETRY
    for error in ("invalid_url", "unacceptable_message"):
        assert judge(None, error) is Verdict.DEAD
    assert judge(404, None, retry_client_errors=True) is Verdict.RETRY
