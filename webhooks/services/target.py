"""Everything a drain has to know of one endpoint, read by one statement."""

from __future__ import annotations

import base64
import json
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from webhooks.conf import conf
from webhooks.core.headers import mask_headers
from webhooks.core.signatures import ASYMMETRIC, KeyPair, SharedSecret, Signer
from webhooks.core.urls import CanonicalUrl, InvalidUrl, parse_endpoint_url
from webhooks.models import Endpoint
from webhooks.net import outbound

_CACHED = 10_000  # endpoints whose decrypted configuration a process keeps


@dataclass(frozen=True, slots=True)
class Config:
    """What changes only when the endpoint's row does. Secrets are in clear here: never log or store it."""

    url: CanonicalUrl | None  # None: the stored text is no longer an acceptable URL
    url_fault: str
    headers: dict[str, str]  # the owner's own and those of auth
    shown_headers: dict[str, str]  # the same with secrets masked
    signer: Signer  # with all keys, parsed
    payload_format: str
    content_type: str
    retry_policy: Any
    retry_client_errors: bool
    version: str
    batch: int  # events of one request at most; 0: one event a request


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint as a drain sees it."""

    endpoint_id: UUID
    tenant_id: UUID
    config: Config
    tenant_metadata: dict[str, Any]
    active: bool
    timeout: int
    max_in_flight: int
    ordered: bool
    rate: int
    period: float
    oldest_pending_id: UUID | None
    latency_ms: float
    consecutive_failures: int
    blocked: bool
    failing_since: datetime | None
    idle: bool  # nothing is due within the next second: the bell was late, or doubled


_LOAD = """
SELECT e.updated_at, e.tenant_id, t.metadata::text, e.state = 'active' AND e.deleted_at IS NULL, e.timeout,
       CASE WHEN e.ordered THEN 1 ELSE e.max_in_flight END, e.ordered,
       COALESCE((e.rate_limit->>'limit')::int, 0), COALESCE((e.rate_limit->>'period')::float, 1),
       m.oldest_pending_id, m.latency_ms, m.consecutive_failures, COALESCE(m.blocked_until > now(), false),
       m.failing_since, COALESCE(m.next_due_at > now() + interval '1 second', true)
FROM webhooks_endpoint e
JOIN webhooks_mailbox m ON m.endpoint_id = e.id
JOIN webhooks_tenant t ON t.id = e.tenant_id
WHERE e.id = %s
"""

_configs: OrderedDict[UUID, tuple[datetime, Config]] = OrderedDict()
_tenants: OrderedDict[UUID, UUID] = OrderedDict()
_lock = threading.Lock()


def load(endpoint_id: UUID) -> Target | None:
    """The endpoint with its mailbox, None when there is no such row."""
    with connection.cursor() as cursor:
        cursor.execute(_LOAD, [endpoint_id])
        row = cursor.fetchone()
    if row is None:
        return None
    updated_at, tenant_id, metadata, *rest = row
    config = _config(endpoint_id, updated_at)
    return Target(endpoint_id, tenant_id, config, _json(metadata), *rest)


def tenant_of(endpoint_id: UUID) -> UUID | None:
    """Whose endpoint it is, which never changes; None when there is no such row."""
    with _lock:
        if (known := _tenants.get(endpoint_id)) is not None:
            return known
    with connection.cursor() as cursor:
        cursor.execute("SELECT tenant_id FROM webhooks_mailbox WHERE endpoint_id = %s", [endpoint_id])
        row = cursor.fetchone()
    if row is None:
        return None
    tenant_id: UUID = row[0]
    with _lock:
        _tenants[endpoint_id] = tenant_id
        while len(_tenants) > _CACHED:
            _tenants.popitem(last=False)
    return tenant_id


def _json(text: str) -> dict[str, Any]:
    value = json.loads(text)
    return value if isinstance(value, dict) else {}


def _config(endpoint_id: UUID, updated_at: datetime) -> Config:
    """The decrypted configuration, read again only when the endpoint's row has changed."""
    with _lock:
        known = _configs.get(endpoint_id)
        if known and known[0] == updated_at:
            _configs.move_to_end(endpoint_id)
            return known[1]
    config = _read(Endpoint.objects.get(id=endpoint_id))
    with _lock:
        _configs[endpoint_id] = (updated_at, config)
        while len(_configs) > _CACHED:
            _configs.popitem(last=False)
    return config


def _read(endpoint: Endpoint) -> Config:
    url, fault = None, ""
    try:
        url = parse_endpoint_url(endpoint.url, allow_http=conf.ALLOW_HTTP, allow=outbound.allow_list())
    except InvalidUrl as error:
        fault = str(error)
    headers = endpoint.headers | _authorization(endpoint.auth)
    secret_names = [endpoint.auth["name"]] if endpoint.auth.get("type") == "api_key" else []
    return Config(
        url=url,
        url_fault=fault,
        headers=headers,
        shown_headers=mask_headers(headers, secret_names),
        signer=_signer(endpoint),
        payload_format=endpoint.payload_format,
        content_type=endpoint.content_type,
        retry_policy=endpoint.retry_policy,
        retry_client_errors=endpoint.retry_client_errors,
        version=endpoint.version,
        batch=(endpoint.batch or {}).get("max_events", 0),
    )


def _signer(endpoint: Endpoint) -> Signer:
    """The key pairs are read only where a scheme signs with them."""
    secrets = endpoint.secrets.order_by("-valid_from", "-id")
    pairs = endpoint.signing_keys.order_by("-valid_from", "-id")
    return Signer(
        endpoint.signature_schemes,
        [SharedSecret.parse(secret.value, secret.valid_until) for secret in secrets],
        [KeyPair.parse(pair.public_id, pair.private_key, pair.valid_until) for pair in pairs]
        if ASYMMETRIC & set(endpoint.signature_schemes)
        else (),
    )


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
