"""One attempt: build the request, sign it, send it. No database here."""

from __future__ import annotations

import base64
import json
import random
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import structlog

from webhooks.conf import conf
from webhooks.core import backoff, envelope, ids, signatures
from webhooks.core.headers import mask_headers
from webhooks.core.outcome import Verdict, judge
from webhooks.core.urls import InvalidUrl, expand_path
from webhooks.models import Attempt
from webhooks.net import outbound
from webhooks.net.result import ErrorClass, HttpResult
from webhooks.services.claim import Claimed
from webhooks.services.ingest import DEFAULT_VERSION
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


def send(target: Target, claimed: Claimed) -> Sent:
    """Make one attempt and judge it. Never raises: the other rows of the claim still have to be recorded."""
    started_at = datetime.now(UTC)
    try:
        return _attempt(target, claimed, started_at)
    except Exception:
        log.exception("attempt_failed_inside", delivery_id=ids.show(ids.DELIVERY, claimed.delivery_id))
        detail = "Clarion failed while preparing the request; its log has the cause."
        result = HttpResult(error=ErrorClass.INTERNAL_ERROR, detail=detail)
        return _judged(target, claimed, result, "", {}, started_at)


def _attempt(target: Target, claimed: Claimed, started_at: datetime) -> Sent:
    config = target.config
    body = _body(target, claimed)
    if body is None:
        return _refused(claimed, started_at, "The event is gone: its retention is over.", ErrorClass.INTERNAL_ERROR)
    if claimed.attempt > len(backoff.schedule(config.retry_policy)) + 1:
        why = f"no retries left: {claimed.attempt - 1} attempts, the last one lost with its worker"
        return _refused(claimed, started_at, why, ErrorClass.INTERNAL_ERROR)
    if config.url is None:
        return _refused(claimed, started_at, config.url_fault, ErrorClass.INVALID_URL)
    try:
        url = expand_path(config.url, claimed.version or DEFAULT_VERSION, claimed.type)
    except InvalidUrl as error:
        return _refused(claimed, started_at, str(error), ErrorClass.INVALID_URL)
    headers = request_headers(config, claimed, body, int(time.time()))
    result = outbound.client().post(
        url, body=body, headers=headers, timeout=target.timeout, pool_key=target.endpoint_id
    )
    return _judged(target, claimed, result, url.url, headers, started_at)


def _body(target: Target, claimed: Claimed) -> bytes | None:
    if claimed.data is None:
        return None
    data = bytes(claimed.data)
    if target.config.payload_format == "data":
        return data
    return envelope.build(
        public_id=claimed.public_id,
        event_type=claimed.type,
        created_at=claimed.created_at,
        version=claimed.version or DEFAULT_VERSION,
        data=data,
        metadata=json.loads(claimed.metadata),
        correlation_id=claimed.correlation_id,
        tenant_id=ids.show(ids.TENANT, target.tenant_id),
        tenant_metadata=target.tenant_metadata,
    )


def request_headers(config: Config, claimed: Claimed, body: bytes, timestamp: int) -> dict[str, str]:
    """All headers but the client's own. ``timestamp``: unix seconds of this attempt."""
    now = datetime.now(UTC)
    active = [value for value, until in config.secrets if until is None or until > now]
    return {
        **config.headers,
        **_authorization(config.auth),
        "Content-Type": config.content_type,
        "X-Webhook-Event": claimed.type,
        "X-Webhook-Delivery": ids.show(ids.DELIVERY, claimed.delivery_id),
        "X-Webhook-Attempt": str(claimed.attempt),
        "X-Correlation-ID": claimed.correlation_id,
        **signatures.headers(config.schemes, active, claimed.public_id, timestamp, body),
    }


def _authorization(auth: dict[str, str]) -> dict[str, str]:
    match auth.get("type"):
        case "basic":
            pair = base64.b64encode(f"{auth['username']}:{auth['password']}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        case "bearer":
            return {"Authorization": f"Bearer {auth['token']}"}
        case "api_key":
            return {auth["name"]: auth["value"]}
    return {}


def _judged(
    target: Target, claimed: Claimed, result: HttpResult, url: str, headers: dict[str, str], started_at: datetime
) -> Sent:
    config = target.config
    verdict = judge(result.status, result.error, retry_client_errors=config.retry_client_errors)
    reason = result.detail or (f"HTTP {result.status}" if verdict is not Verdict.SUCCEEDED else "")
    retry_after = backoff.parse_retry_after(
        result.header("Retry-After"), now=datetime.now(UTC), limit=conf.MAX_RETRY_AFTER
    )
    delay, against_endpoint = None, verdict is Verdict.RETRY
    if verdict is Verdict.RETRY:
        delay = backoff.next_delay(config.retry_policy, claimed.attempt, retry_after, draw=random.random)
        if delay is None:
            verdict, reason = Verdict.DEAD, f"no retries left after {claimed.attempt} attempts: {reason}"
    return Sent(
        claimed, verdict, result, url, mask_headers(headers, _secret_names(config)), started_at,
        reason=reason, delay=delay, retry_after=retry_after, against_endpoint=against_endpoint,
        outcome=Attempt.Outcome.SUCCEEDED if verdict is Verdict.SUCCEEDED else Attempt.Outcome.FAILED,
    )  # fmt: skip


def _secret_names(config: Config) -> list[str]:
    return [config.auth["name"]] if config.auth.get("type") == "api_key" else []


def _refused(claimed: Claimed, started_at: datetime, why: str, error: ErrorClass) -> Sent:
    """An attempt that never left: permanent, recorded like any other."""
    return Sent(claimed, Verdict.DEAD, HttpResult(error=error, detail=why), "", {}, started_at, reason=why)
