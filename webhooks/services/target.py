"""Everything a drain has to know of one endpoint, read by one statement."""

from __future__ import annotations

import base64
import json
import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now

from webhooks.conf import conf
from webhooks.core import cloudevents
from webhooks.core.consent import REQUEST_ORIGIN, effective
from webhooks.core.destinations import Destination, InvalidDestination
from webhooks.core.headers import MASK, mask_headers
from webhooks.core.oauth2 import BASIC, ClientCredentials
from webhooks.core.redaction import NO_REDACTION, Redaction
from webhooks.core.signatures import ASYMMETRIC, KeyPair, SharedSecret, Signer
from webhooks.core.urls import CanonicalUrl, InvalidUrl, parse_endpoint_url
from webhooks.models import Consent, Endpoint, EndpointSecret
from webhooks.net import outbound
from webhooks.net.tls import ClientCertificate
from webhooks.services import endpoint_destination
from webhooks.services.endpoint_auth import SECRET_PARTS, parse_token_url

_CACHED = 10_000  # endpoints whose decrypted configuration a process keeps


@dataclass(frozen=True, slots=True)
class Consented:
    """What the receiver allows. ``rate``: requests a minute, None for any number."""

    given: bool = True
    rate: int | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """What changes only when the endpoint's row does. Secrets are in clear here: never log or store it."""

    url: CanonicalUrl | None  # None: the stored text is no longer an acceptable URL, or there is a destination
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
    redaction: Redaction = NO_REDACTION  # for answers: what was sent as a credential may come back
    credentials: ClientCredentials | None = None  # of OAuth 2.0
    identity: ClientCertificate | None = None  # of mutual TLS
    consent: Consented = field(default_factory=lambda: Consented())
    destination: Destination | None = None  # in place of the URL


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
    # (type, version) -> URI of its schema, of the claimed events of an endpoint that gets CloudEvents
    data_schemas: Mapping[tuple[str, str], str] = field(default_factory=dict)


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

_FREE = Consented()
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
    found = Target(endpoint_id, tenant_id, config, _json(metadata), *rest)
    return found if config.consent == _FREE else _bounded(found)


def _bounded(target: Target) -> Target:
    """What the receiver has consented to. The state is read before the configuration, so it may be the older one:
    a URL that nobody consented to is not sent to in between."""
    consent = target.config.consent
    if not consent.given:
        return replace(target, active=False)
    if consent.rate is None:
        return target
    rate, period = effective(target.rate, target.period, consent.rate)
    return replace(target, rate=rate, period=period)


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
    config = config_of(Endpoint.objects.get(id=endpoint_id))
    with _lock:
        _configs[endpoint_id] = (updated_at, config)
        while len(_configs) > _CACHED:
            _configs.popitem(last=False)
    return config


def origin() -> str:
    """The name of this system, as receivers see it (``WebHook-Request-Origin``): the host of PUBLIC_URL."""
    return urlsplit(conf.PUBLIC_URL).hostname or "localhost"


def config_of(endpoint: Endpoint) -> Config:
    """The configuration of an endpoint as it is stored now. Every URL is read again by the one parser."""
    url: CanonicalUrl | None = None
    destination: Destination | None = None
    credentials: ClientCredentials | None = None
    fault = ""
    try:
        if endpoint.destination is not None:
            destination = endpoint_destination.read(endpoint.destination)
        else:
            url = parse_endpoint_url(endpoint.url, allow_http=conf.ALLOW_HTTP, allow=outbound.allow_list())
            credentials = _credentials(endpoint.auth)
    except InvalidUrl as error:
        fault = str(error) if url is None else f"The token_url of auth: {error}"
        url = None
    except InvalidDestination as error:
        fault = str(error)
    headers = endpoint.headers | _authorization(endpoint.auth)
    secret_names = [endpoint.auth["name"]] if endpoint.auth.get("type") == "api_key" else []
    shown = mask_headers(headers, secret_names)
    secrets = [*_secrets_of(headers, shown, endpoint.auth), *(destination.secrets() if destination else ())]
    redaction = Redaction.of(secrets)
    if endpoint.validation:
        headers[REQUEST_ORIGIN] = shown[REQUEST_ORIGIN] = origin()
    if credentials:
        shown |= {"Authorization": f"Bearer {MASK}"}
    return Config(
        url=url,
        url_fault=fault,
        headers=headers,
        shown_headers=shown,
        redaction=redaction,
        signer=_signer(endpoint),
        payload_format=endpoint.payload_format,
        content_type=_content_type(endpoint),
        retry_policy=endpoint.retry_policy,
        retry_client_errors=endpoint.retry_client_errors,
        version=endpoint.version,
        batch=(endpoint.batch or {}).get("max_events", 0),
        credentials=credentials,
        identity=_identity(endpoint.auth),
        consent=_consent(endpoint),
        destination=destination,
    )


def _content_type(endpoint: Endpoint) -> str:
    """Structured CloudEvents have types of their own; in the binary form it is that of the data."""
    if endpoint.payload_format != Endpoint.Format.CLOUDEVENTS:
        return endpoint.content_type
    return cloudevents.BATCH if endpoint.batch else cloudevents.STRUCTURED


def _secrets_of(headers: dict[str, str], shown: dict[str, str], auth: dict[str, str]) -> Iterator[str]:
    """Everything secret that goes out with a request, also without the word that says what kind it is."""
    for name, value in headers.items():
        if shown[name] != value:
            yield value
            yield value.partition(" ")[2]
    yield from (part for name, part in auth.items() if name in SECRET_PARTS)


def _valid(endpoint: Endpoint) -> Iterable[EndpointSecret]:
    """Newest first. What has ended is not read: it may be all that depends on a key that is lost."""
    ended = Q(valid_until__lte=Now())
    return endpoint.secrets.exclude(ended).order_by("-valid_from", "-id")


def _consent(endpoint: Endpoint) -> Consented:
    if not endpoint.validation:
        return _FREE
    row = Consent.objects.filter(endpoint_id=endpoint.pk, status=Consent.Status.GRANTED).first()
    return Consented(True, row.granted_rate) if row else Consented(False)


def _credentials(auth: dict[str, str]) -> ClientCredentials | None:
    if auth.get("type") != "oauth2":
        return None
    return ClientCredentials(
        parse_token_url(auth["token_url"]), auth["client_id"], auth["client_secret"], auth.get("scope", ""),
        auth.get("token_endpoint_auth_method", BASIC),
    )  # fmt: skip


def _identity(auth: dict[str, str]) -> ClientCertificate | None:
    if auth.get("type") != "mtls":
        return None
    return ClientCertificate(auth["certificate"], auth["private_key"])


def _signer(endpoint: Endpoint) -> Signer:
    """The key pairs are read only where a scheme signs with them."""
    pairs = endpoint.signing_keys.order_by("-valid_from", "-id")
    return Signer(
        endpoint.signature_schemes,
        [SharedSecret.parse(secret.value, secret.valid_until) for secret in _valid(endpoint)],
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
