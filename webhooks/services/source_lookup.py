"""Sources as receiving needs them: read once, parsed, kept by each process for a few seconds."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import UUID

from webhooks.conf import conf
from webhooks.core import inbound, jsonvalues
from webhooks.core.addresses import IPNetwork
from webhooks.core.schemas import Schema, compile_schema
from webhooks.guards.receive_rate import Limit
from webhooks.models import Source, Tenant
from webhooks.services import jwks
from webhooks.services.lookups import FOREVER, Lookup

_COMPILED = 100  # schemas that a process keeps compiled: 64 KiB of schema become about 5 MB
_SIZE = 1000  # sources that a process keeps; with all options at their limits, one has 100 KiB


@dataclass(frozen=True, slots=True)
class Known:
    """A source in use. ``secrets``: (text, last unix second), newest first; never log it."""

    id: UUID
    tenant_id: UUID
    provider: inbound.Provider
    secrets: tuple[tuple[str, float], ...] = field(repr=False)
    options: Mapping[str, Any] = field(repr=False)
    networks: tuple[IPNetwork, ...]
    limit: Limit | None
    has_schema: bool
    max_bytes: int
    tolerance: float
    event_type: str

    def recipe(self, now: float) -> inbound.Recipe:
        """How a request is verified now: secrets whose time is over are left out."""
        valid = tuple(secret for secret, until in self.secrets if now < until)
        url = self.options.get("jwks_url")
        return inbound.Recipe(valid, self.options, self.tolerance, jwks.Ring(url) if url else None)

    @property
    def secret_headers(self) -> frozenset[str]:
        """Lower-case names of the headers whose values are credentials."""
        named = self.options.get("header") if self.provider.secret_headers else None
        return frozenset((*self.provider.secret_headers, *([named.lower()] if named else [])))


_known: Lookup[UUID, Known] = Lookup(Source, Tenant, size=_SIZE)


def find(source_id: UUID) -> Known | None:
    """The source that may receive; None for one that is unknown, disabled or deleted, or whose tenant is inactive.

    A change is seen at once in the process that makes it, elsewhere within LOOKUP_TTL.
    """
    return _known.get(source_id, lambda: _read(source_id))


def forget() -> None:
    """Rows were changed past their models."""
    _known.forget()


def _read(source_id: UUID) -> tuple[Known, float] | None:
    rows = Source.objects.existing().filter(active=True, tenant__active=True)
    source = rows.filter(id=source_id).first()
    return (parsed(source), FOREVER) if source and source.provider in inbound.PROVIDERS else None


def parsed(source: Source) -> Known:
    """A row as receiving needs it."""
    rate = source.rate_limit
    return Known(
        id=source.id,
        tenant_id=source.tenant_id,
        provider=inbound.PROVIDERS[source.provider],
        secrets=parse_secrets(source.secrets),
        options=source.verification,
        networks=tuple(ipaddress.ip_network(text) for text in source.allowed_ips),
        limit=Limit(rate["limit"], rate["period"]) if rate else None,
        has_schema=source.schema is not None,
        max_bytes=min(source.max_bytes, conf.MAX_RECEIVED_BYTES),
        tolerance=source.tolerance,
        event_type=source.event_type or inbound.PROVIDERS[source.provider].event_type,
    )


def parse_secrets(stored: list[Any]) -> tuple[tuple[str, float], ...]:
    """(secret, unix second until which it counts) of the column's items; empty ones are left out."""
    pairs = [(one["secret"], one["until"]) if isinstance(one, dict) else (one, float("inf")) for one in stored]
    return tuple((secret, until) for secret, until in pairs if secret)


def schema_of(source: Known) -> Schema:
    """The schema of a source as it is now. Raises :class:`webhooks.core.schemas.UnsafeSchema` or ValueError.

    Its text is read each time: one indexed row, where keeping a thousand of 64 KiB would cost 64 MB.
    """
    text = Source.objects.filter(id=source.id).values_list("schema", flat=True).first()
    return _compiled(text or "true")


@lru_cache(maxsize=_COMPILED)
def _compiled(text: str) -> Schema:
    return compile_schema(jsonvalues.read(text), max_bytes=conf.MAX_SCHEMA_BYTES)


def in_force(stored: list[Any]) -> list[str]:
    """The secrets that count now."""
    now = time.time()
    return [secret for secret, until in parse_secrets(stored) if now < until]
