"""Whom to tell of a security hole: the fields of RFC 9116, judged."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

YEAR = timedelta(days=366)  # section 2.5.5: Expires should lie less than a year ahead
_CONTACT = re.compile(r"(?:https://[^\s/]|mailto:[^\s@]+@[^\s@]|tel:\+?[0-9])[\x21-\x7e]*\Z")
_POLICY = re.compile(r"https://[\x21-\x7e]+\Z")


@dataclass(frozen=True, slots=True)
class Fault:
    """``fatal``: with it the file would be invalid or outdated. ``setting``: without the prefix."""

    setting: str
    detail: str
    fatal: bool = True


def moment(text: str) -> datetime | None:
    """A time with a zone (RFC 3339), None for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def faults(contact: Sequence[str], expires: str, policy: str, now: datetime) -> Iterator[Fault]:
    """What is wrong with the settings of the file; nothing when all is well.

    Attack: a line break in a value would add a field of its own to the file.
    """
    if not contact:
        yield Fault("SECURITY_CONTACT", "is empty: nobody is told whom to tell of a hole")
        return
    for item in contact:
        if not (item.isascii() and _CONTACT.match(item)):
            yield Fault("SECURITY_CONTACT", f"{item[:100]!r} is no mailto:, https: or tel: URI")
    until = moment(expires)
    if until is None:
        yield Fault("SECURITY_EXPIRES", "has to be a time such as 2030-01-01T00:00:00Z")
    elif until <= now:
        yield Fault("SECURITY_EXPIRES", "lies in the past, so nobody trusts the contact any more")
    elif until > now + YEAR:
        yield Fault("SECURITY_EXPIRES", "lies more than a year ahead; confirm the contact once a year", fatal=False)
    if policy and not _POLICY.match(policy):
        yield Fault("SECURITY_POLICY", "is no https: URI")
