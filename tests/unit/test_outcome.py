"""The verdict on every status and every error class."""

from __future__ import annotations

import pytest

from webhooks.core.outcome import PERMANENT_ERRORS, Verdict, judge
from webhooks.net.result import ErrorClass

RETRIED = {408, 425, 429, *range(500, 600)}


@pytest.mark.parametrize("status", range(100, 600))
def test_every_status(status: int) -> None:
    if 200 <= status < 300:
        plain = stubborn = Verdict.SUCCEEDED
    elif status == 410:
        plain = stubborn = Verdict.GONE
    else:
        plain = Verdict.RETRY if status in RETRIED else Verdict.DEAD
        stubborn = Verdict.RETRY
    assert judge(status, None) is plain
    assert judge(status, None, retry_client_errors=True) is stubborn
    # The status is known and counts, although its body was cut off.
    assert judge(status, ErrorClass.RESPONSE_INCOMPLETE) is plain


@pytest.mark.parametrize("status", [600, 999])
def test_an_unheard_of_status_is_retried(status: int) -> None:
    assert judge(status, None) is Verdict.RETRY


@pytest.mark.parametrize("error", ErrorClass)
def test_every_error(error: ErrorClass) -> None:
    dead = error in (ErrorClass.INVALID_URL, ErrorClass.UNACCEPTABLE_MESSAGE)
    expected = Verdict.DEAD if dead else Verdict.RETRY
    assert judge(None, error) is expected
    # A forbidden address stays forbidden, whatever the endpoint wants to have retried.
    assert judge(None, error, retry_client_errors=True) is expected


def test_the_permanent_errors_are_classes_of_the_client() -> None:
    assert set(ErrorClass) >= PERMANENT_ERRORS
