"""Cutting a claim into requests, and reading what a receiver says of each event of a batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import msgspec

from webhooks.net.result import HttpResult
from webhooks.services.claim import Claimed

MAX_BATCH_BODY = 1_000_000  # bytes of event data in one request: common web servers refuse bodies above 1 MiB
ANSWER_LIMIT = 131_072  # bytes read of a batch's answer: a status for each of 100 events with ids of any length


class _Item(msgspec.Struct):
    id: str
    status: int


class _Answer(msgspec.Struct):
    results: list[_Item]


_answer = msgspec.json.Decoder(_Answer)


def parcels(claimed: Sequence[Claimed], size: int) -> list[list[Claimed]]:
    """The requests of a claim, each with at most ``size`` events and MAX_BATCH_BODY bytes.

    First tries and retries do not mix, so a batch that failed is sent again as it was. A batch that is not
    full and none of whose deliveries has waited long enough is left out: it stays for the next claim.
    """
    if not size:
        return [[row] for row in claimed]
    made: list[list[Claimed]] = []
    for _, rows in groupby(sorted(claimed, key=_age), key=lambda row: row.attempt):
        *full, last = _cut(list(rows), size)
        made += full
        if len(last) >= size or any(row.waited for row in last):
            made.append(last)
    return made


def _age(row: Claimed) -> tuple[int, str]:
    """Retries first; the rest in the order of their events."""
    return -row.attempt, row.event_id.hex


def _cut(rows: Sequence[Claimed], size: int) -> Iterator[list[Claimed]]:
    part: list[Claimed] = []
    held = 0
    for row in rows:
        weight = len(row.data or b"")
        if part and (len(part) >= size or held + weight > MAX_BATCH_BODY):
            yield part
            part, held = [], 0
        part.append(row)
        held += weight
    yield part


def statuses(result: HttpResult) -> dict[str, int] | None:
    """What a 207 answer ``{"results":[{"id","status"}]}`` says of each event; None when it is no such answer."""
    if result.status != 207 or result.body_truncated:
        return None
    try:
        return {item.id: item.status for item in _answer.decode(result.body).results if 100 <= item.status <= 599}
    except (msgspec.DecodeError, RecursionError):
        return None
