"""The body of a delivery. The publisher's ``data`` bytes are copied in as they are."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with ``Z``; fractions only where there are any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def build(
    *,
    public_id: str,
    event_type: str,
    created_at: datetime,
    version: str,
    data: bytes,
    metadata: dict[str, Any],
    correlation_id: str,
    tenant_id: str,
    tenant_metadata: dict[str, Any],
) -> bytes:
    """The envelope of the documented payload: id, type, created_at, version, data, metadata."""
    merged = {**metadata, "correlation_id": correlation_id, "tenant_id": tenant_id}
    if tenant_metadata:
        merged["tenant"] = tenant_metadata
    head = _dump({"id": public_id, "type": event_type, "created_at": timestamp(created_at), "version": version})
    return b'%b,"data":%b,"metadata":%b}' % (head[:-1], data, _dump(merged))


_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def _dump(value: Any) -> bytes:
    return _encode(value).encode()
