"""One attempt: send a message and judge the answer. No database here."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast
from uuid import UUID

import structlog

from webhooks.conf import conf
from webhooks.core import backoff, ids
from webhooks.core.conversions import ConversionFailed
from webhooks.core.destinations import Destination
from webhooks.core.outcome import Verdict, judge
from webhooks.core.purged import REASON, is_purged
from webhooks.core.urls import CanonicalUrl, InvalidUrl, expand_path
from webhooks.models import Attempt
from webhooks.net import queues
from webhooks.net.result import ErrorClass, HttpResult
from webhooks.services.batching import ANSWER_LIMIT, statuses
from webhooks.services.claim import Claimed
from webhooks.services.exchange import exchange
from webhooks.services.message import Message, batch, in_version, request_headers, single
from webhooks.services.target import Config, Target

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Sent:
    """An attempt and what it means. ``delay``: seconds until the next try when the verdict is RETRY.

    ``against_endpoint``: the breaker counts it. A refusal of one payload (4xx) says nothing of the endpoint.
    """

    claimed: Claimed
    verdict: Verdict
    result: HttpResult
    url: str
    headers: dict[str, str]
    started_at: datetime
    reason: str = ""
    delay: float | None = None
    retry_after: float | None = None
    against_endpoint: bool = False
    outcome: str = Attempt.Outcome.FAILED
    attempt_id: UUID = field(default_factory=ids.new_id)


def send(target: Target, parcel: Sequence[Claimed]) -> list[Sent]:
    """Make one attempt with one delivery, or with a batch of them, and judge it for each.

    Never raises: the other rows of the claim still have to be recorded. What could not be sent comes last.
    """
    started_at = datetime.now(UTC)
    refused = [refusal for row in parcel if (refusal := _hopeless(target, row, started_at))]
    unfit = {refusal.claimed.delivery_id for refusal in refused}
    rows = []
    for row in parcel:
        if row.delivery_id in unfit:
            continue
        try:
            rows.append(in_version(target.config, row))
        except ConversionFailed as error:
            refused.append(_unconverted(target.config, row, started_at, error))
    if not rows:
        return refused
    try:
        return _post(target, rows, started_at) + refused
    except Exception:
        log.exception("attempt_failed_inside", delivery_id=ids.show(ids.DELIVERY, rows[0].delivery_id))
        detail = "Clarion failed while preparing the request; its log has the cause."
        result = HttpResult(error=ErrorClass.INTERNAL_ERROR, detail=detail)
        return _judge_each(target, rows, result, "", {}, started_at) + refused


def _hopeless(target: Target, row: Claimed, started_at: datetime) -> Sent | None:
    """A delivery for which no request can be made, or no further one."""
    if row.data is None:
        return _refused(row, started_at, "The event is gone: its retention is over.", ErrorClass.INTERNAL_ERROR)
    if is_purged(row.data):
        return _refused(row, started_at, f"Nothing is left to send: {REASON}.", ErrorClass.INTERNAL_ERROR)
    if row.attempt > len(backoff.schedule(target.config.retry_policy)) + 1:
        why = f"no retries left: {row.attempt - 1} attempts, the last one lost with its worker"
        return _refused(row, started_at, why, ErrorClass.INTERNAL_ERROR)
    if target.config.url is None and target.config.destination is None:
        return _refused(row, started_at, target.config.url_fault, ErrorClass.INVALID_URL)
    return None


def _unconverted(config: Config, row: Claimed, started_at: datetime, error: ConversionFailed) -> Sent:
    """An attempt that never left, because a project's function failed or is not there.

    Tried again like any failure: the next release, or this one once it is everywhere, may know better. The endpoint
    has no part in it.
    """
    # the sentence stands for the cause, whose own text may hold the publisher's data
    log.error("conversion_failed", delivery_id=ids.show(ids.DELIVERY, row.delivery_id), exc_info=error.__cause__)
    luck = random.random()  # noqa: S311 - jitter
    verdict, delay, reason = _next(config, row, Verdict.RETRY, str(error), None, luck)
    result = HttpResult(error=ErrorClass.CONVERSION_FAILED, detail=str(error))
    return Sent(row, verdict, result, "", {}, started_at, reason=reason, delay=delay, outcome=_outcome(verdict))


def _post(target: Target, rows: Sequence[Claimed], started_at: datetime) -> list[Sent]:
    config = target.config
    message = batch(target, rows) if config.batch else single(target, rows[0])
    if config.destination is not None:
        return _publish(target, config.destination, message, rows, started_at)
    try:
        url = expand_path(cast(CanonicalUrl, config.url), message.version, message.type)
    except InvalidUrl as error:
        return [_refused(row, started_at, str(error), ErrorClass.INVALID_URL) for row in rows]
    headers, shown = request_headers(config, message, int(time.time()), url.url)
    result = exchange(
        "POST", target.endpoint_id, config, url, body=message.body, headers=headers, timeout=target.timeout,
        body_limit=ANSWER_LIMIT if config.batch else None,
    )  # fmt: skip
    return _judge_each(target, rows, result, url.url, shown, started_at)


def _publish(
    target: Target, destination: Destination, message: Message, rows: Sequence[Claimed], started_at: datetime
) -> list[Sent]:
    """Into a queue instead: same message, same judgement."""
    headers, shown = request_headers(target.config, message, int(time.time()), "")
    result = queues.send(destination, message.body, headers, timeout=target.timeout, pool_key=target.endpoint_id)
    return _judge_each(target, rows, result, destination.label, shown, started_at)


def _judge_each(
    target: Target, rows: Sequence[Claimed], result: HttpResult, url: str, headers: dict[str, str], started_at: datetime
) -> list[Sent]:
    """The same answer for all rows; or, by a 207, one for each."""
    said = statuses(result) if target.config.batch else None
    luck = random.random()  # noqa: S311 - jitter; the same for all rows, so that a batch is due again together
    return [
        _judged(target, row, result, url, headers, started_at, luck)
        if said is None
        else _settled(target, row, result, url, headers, started_at, luck, said.get(row.public_id))
        for row in rows
    ]


def _judged(
    target: Target, claimed: Claimed, result: HttpResult, url: str, headers: dict[str, str], started_at: datetime,
    luck: float,
) -> Sent:  # fmt: skip
    config = target.config
    # With OAuth 2.0 a 401 is about the token and not about the payload: the next try may have a better one.
    forgiving = config.retry_client_errors or (result.status == 401 and config.credentials is not None)
    verdict = judge(result.status, result.error, retry_client_errors=forgiving)
    reason = result.detail or (f"HTTP {result.status}" if verdict is not Verdict.SUCCEEDED else "")
    retry_after = backoff.parse_retry_after(
        result.header("Retry-After"), date=result.header("Date"), now=datetime.now(UTC), limit=conf.MAX_RETRY_AFTER
    )
    against_endpoint = verdict is Verdict.RETRY
    verdict, delay, reason = _next(config, claimed, verdict, reason, retry_after, luck)
    return Sent(
        claimed, verdict, result, url, headers, started_at, reason=reason, delay=delay, retry_after=retry_after,
        against_endpoint=against_endpoint, outcome=_outcome(verdict),
    )  # fmt: skip


def _settled(
    target: Target, claimed: Claimed, result: HttpResult, url: str, headers: dict[str, str], started_at: datetime,
    luck: float, status: int | None,
) -> Sent:  # fmt: skip
    """An event's own status in a 207 answer. It says nothing of the endpoint, which has answered."""
    verdict, reason = Verdict.RETRY, "the 207 answer does not name this event"
    if status is not None:
        verdict = judge(status, None, retry_client_errors=target.config.retry_client_errors)
        verdict = Verdict.DEAD if verdict is Verdict.GONE else verdict
        reason = f"HTTP 207 with status {status} for this event" if verdict is not Verdict.SUCCEEDED else ""
    verdict, delay, reason = _next(target.config, claimed, verdict, reason, None, luck)
    return Sent(
        claimed, verdict, result, url, headers, started_at, reason=reason, delay=delay, outcome=_outcome(verdict)
    )


def _next(
    config: Config, claimed: Claimed, verdict: Verdict, reason: str, retry_after: float | None, luck: float
) -> tuple[Verdict, float | None, str]:
    """The delay until the next try, or dead when there is none left."""
    if verdict is not Verdict.RETRY:
        return verdict, None, reason
    delay = backoff.next_delay(config.retry_policy, claimed.attempt, retry_after, draw=lambda: luck)
    if delay is None:
        return Verdict.DEAD, None, f"no retries left after {claimed.attempt} attempts: {reason}"
    return verdict, delay, reason


def _outcome(verdict: Verdict) -> str:
    return Attempt.Outcome.SUCCEEDED if verdict is Verdict.SUCCEEDED else Attempt.Outcome.FAILED


def _refused(claimed: Claimed, started_at: datetime, why: str, error: ErrorClass) -> Sent:
    """An attempt that never left: permanent, recorded like any other."""
    return Sent(claimed, Verdict.DEAD, HttpResult(error=error, detail=why), "", {}, started_at, reason=why)
