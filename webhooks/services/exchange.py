"""One request to an endpoint, with whatever its ``auth`` asks for. No database here."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from uuid import UUID

from webhooks.core.oauth2 import ClientCredentials
from webhooks.core.urls import CanonicalUrl
from webhooks.net import outbound
from webhooks.net.deadline import Deadline
from webhooks.net.result import ExchangeFailed, HttpResult
from webhooks.services import access_tokens
from webhooks.services.target import Config

_WORTHWHILE = 0.05  # seconds; with less left a second request could not be answered
RENEWED = "The receiver refused the access token (HTTP 401); it was renewed and the request sent again."


def exchange(
    method: str,
    endpoint_id: UUID,
    config: Config,
    url: CanonicalUrl,
    *,
    headers: Mapping[str, str],
    timeout: float,
    body: bytes = b"",
    body_limit: int | None = None,
) -> HttpResult:
    """Send one request and return what came of it within ``timeout`` seconds; a token request counts within them.

    With OAuth 2.0 a 401 makes a new token, and the request is sent once more.
    """
    deadline = Deadline(timeout)

    def send(sent: Mapping[str, str]) -> HttpResult:
        return outbound.client().request(
            method, url, headers=sent, timeout=max(0.001, deadline.remaining()), pool_key=endpoint_id, body=body,
            identity=config.identity, body_limit=body_limit,
        )  # fmt: skip

    if config.credentials is None:
        return send(headers)
    started = time.monotonic()
    result = _with_token(send, endpoint_id, config.credentials, headers, deadline)
    result.timings_ms.total = (time.monotonic() - started) * 1000
    return result


def _with_token(
    send: Callable[[Mapping[str, str]], HttpResult],
    endpoint_id: UUID,
    credentials: ClientCredentials,
    headers: Mapping[str, str],
    deadline: Deadline,
) -> HttpResult:
    try:
        token = access_tokens.get(endpoint_id, credentials, deadline.remaining())
    except ExchangeFailed as failure:
        return HttpResult(error=failure.error, detail=failure.detail)
    result = send(_authorized(headers, token))
    if result.status != 401:
        return result
    if deadline.remaining() < _WORTHWHILE:
        return replace(result, detail="HTTP 401: the receiver refused the access token; no time was left to renew it.")
    try:
        token = access_tokens.get(endpoint_id, credentials, deadline.remaining(), rejected=token)
    except ExchangeFailed as failure:
        return replace(result, detail=f"HTTP 401: the receiver refused the access token. {failure.detail}")
    again = send(_authorized(headers, token))
    if again.status == 401:
        return replace(again, detail="HTTP 401: the receiver refused the access token, and a new one as well.")
    return replace(again, detail=f"{RENEWED} {again.detail}".strip())


def _authorized(headers: Mapping[str, str], token: str) -> dict[str, str]:
    return {**headers, "Authorization": f"Bearer {token}"}
