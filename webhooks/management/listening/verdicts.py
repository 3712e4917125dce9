"""What each signature scheme says of a request, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from webhooks.core.signatures import SCHEMES
from webhooks.management.http_server import Arrival
from webhooks.receive import TIMED, BadSecret, StaleTimestamp, VerificationFailed, verify
from webhooks.receive.keys import Secret

VERIFIED, WRONG, STALE, ABSENT, NO_KEY = "verified", "wrong", "stale", "absent", "no key"
_MARK = {"standard": "v1,", "standard-ed25519": "v1a,"}  # both stand in one header


@dataclass(frozen=True, slots=True)
class Verdict:
    """``state``: one of the words above. ``reason``: a sentence where it was refused."""

    scheme: str
    state: str
    reason: str = ""


def judge(
    arrival: Arrival, secrets: Sequence[Secret], schemes: Sequence[str], tolerance: float, url: str
) -> list[Verdict]:
    """A verdict for each scheme. ``url``: that the webhook was registered with (``rfc9421`` covers it)."""
    return [_judge(name, arrival, secrets, tolerance, url) for name in schemes]


def is_verified(verdicts: Sequence[Verdict]) -> bool:
    """One right signature is enough (during a rotation ``hex`` is made with the new secret alone), but where schemes
    that sign the time could be checked it has to be one of those.

    Attack: a recorded request, whose ``hex`` stays right for ever.
    """
    checked = [verdict for verdict in verdicts if verdict.state not in (ABSENT, NO_KEY)]
    timed = [verdict for verdict in checked if verdict.scheme in TIMED]
    return any(verdict.state == VERIFIED for verdict in timed or checked)


def _judge(name: str, arrival: Arrival, secrets: Sequence[Secret], tolerance: float, url: str) -> Verdict:
    if not _is_sent(name, arrival):
        return Verdict(name, ABSENT)
    if not secrets:
        return Verdict(name, NO_KEY)
    try:
        verify(
            arrival.body,
            arrival.headers,
            secrets,
            schemes=(name,),
            tolerance=tolerance,
            method=arrival.method,
            url=url,
        )
    except BadSecret:
        return Verdict(name, NO_KEY)
    except StaleTimestamp as failure:
        return Verdict(name, STALE, _reason(name, failure))
    except VerificationFailed as failure:
        return Verdict(name, WRONG, _reason(name, failure))
    return Verdict(name, VERIFIED)


def _is_sent(name: str, arrival: Arrival) -> bool:
    """``Content-Digest`` alone is no signature, so the last header of the scheme has to be there."""
    header = SCHEMES[name].headers[-1].lower()
    return any(key.lower() == header and _MARK.get(name, "") in value for key, value in arrival.headers)


def _reason(name: str, failure: VerificationFailed) -> str:
    return str(failure).removeprefix(f"{name}: ")
