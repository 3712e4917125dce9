"""API keys: ``clk_<prefix>_<secret>``. The prefix finds the row, the hash of the secret proves the holder."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from webhooks.errors import NotFound
from webhooks.models import ApiKey, Tenant
from webhooks.services import audit
from webhooks.services.credentials import TOUCH, Credential, check, grantable
from webhooks.services.lookups import FOREVER, Lookup
from webhooks.services.tenants import find_tenant

_PREFIX_BYTES = 8  # names the row; public
_SECRET_BYTES = 32  # 256 random bits need no slow hash

_TOKEN = re.compile(rf"clk_([0-9a-f]{{{2 * _PREFIX_BYTES}}})_([0-9a-f]{{{2 * _SECRET_BYTES}}})\Z")
_NOBODY = hashlib.sha256(b"").digest()


def create_api_key(
    tenant_id: UUID | None,
    name: str,
    scopes: Sequence[str] | None = None,
    expires_at: datetime | None = None,
) -> tuple[UUID, str]:
    """Make a key and return its id and the token, which is stored nowhere and shown only here.

    ``tenant_id`` None makes a platform key. ``scopes`` None: every scope the kind of key can have.
    Raises :class:`~webhooks.errors.InvalidInput` with pointers, :class:`NotFound` for an unknown tenant.
    """
    chosen = list(scopes) if scopes is not None else sorted(grantable(tenant_id))
    check(name, chosen, tenant_id, expires_at)
    if tenant_id is not None and not Tenant.objects.filter(id=tenant_id).exists():
        raise NotFound("There is no such tenant.")
    prefix, secret = secrets.token_hex(_PREFIX_BYTES), secrets.token_hex(_SECRET_BYTES)
    with transaction.atomic():
        key = ApiKey.objects.create(
            tenant_id=tenant_id,
            name=name.strip(),
            prefix=prefix,
            secret_hash=_hash(secret),
            scopes=chosen,
            expires_at=expires_at,
        )
        shown = {"name": key.name, "prefix": f"clk_{prefix}", "scopes": chosen, "expires_at": expires_at}
        audit.record(
            "api_key.created",
            "api_key",
            [key.id],
            tenant_id=tenant_id,
            label=key.name,
            changes=audit.changed({}, shown),
        )
        audit.record("secret.revealed", "api_key", [key.id], tenant_id=tenant_id, label=key.name)
    return key.id, f"clk_{prefix}_{secret}"


_FIND = """
WITH found AS (
    SELECT k.id, k.tenant_id, k.name, k.secret_hash, k.scopes, extract(epoch FROM k.expires_at - now())::float AS rest
    FROM webhooks_apikey k LEFT JOIN webhooks_tenant t ON t.id = k.tenant_id
    WHERE k.prefix = %(prefix)s AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
      AND (k.tenant_id IS NULL OR t.active)
), noted AS (
    UPDATE webhooks_apikey SET last_used_at = now()
    WHERE id = (SELECT id FROM found WHERE secret_hash = %(hash)s)
      AND (last_used_at IS NULL OR last_used_at < now() - make_interval(secs => %(touch)s))
)
SELECT id, tenant_id, name, secret_hash, scopes, rest FROM found
"""

_credentials: Lookup[bytes, Credential] = Lookup(ApiKey, Tenant)
_tenants: Lookup[str, UUID] = Lookup(Tenant)


def authenticate(token: str) -> Credential | None:
    """The holder of a token; None when it is malformed, unknown, revoked, expired or of an inactive tenant.

    One statement, which also notes the use once a minute; none at all while the look-up is kept. That goes by a
    hash of the whole token, so an unknown prefix and a wrong secret always take the same path, and the time of the
    answer does not tell which prefixes exist.
    """
    if not (parts := _TOKEN.match(token)):
        return None
    return _credentials.get(_hash(token), lambda: _find(parts[1], _hash(parts[2])))


def _find(prefix: str, secret_hash: bytes) -> tuple[Credential, float] | None:
    """The credential and the seconds it has left."""
    with connection.cursor() as cursor:
        cursor.execute(_FIND, {"prefix": prefix, "hash": secret_hash, "touch": TOUCH})
        row = cursor.fetchone()
    expected = bytes(row[3]) if row else _NOBODY
    if not hmac.compare_digest(secret_hash, expected) or row is None:
        return None
    key_id, tenant_id, name, _, scopes, rest = row
    return Credential(key_id, tenant_id, frozenset(scopes), name), FOREVER if rest is None else rest


def tenant_named(text: str) -> UUID | None:
    """:func:`webhooks.services.tenants.find_tenant` for every request of a platform key."""

    def read() -> tuple[UUID, float] | None:
        found = find_tenant(text)
        return (found, FOREVER) if found else None

    return _tenants.get(text, read)


def revoke(key_id: UUID) -> None:
    """End a key: here at once, in other processes within LOOKUP_TTL. Doing it twice keeps the first moment.

    Raises :class:`NotFound`.
    """
    with transaction.atomic():
        ended = ApiKey.objects.filter(id=key_id, revoked_at=None).update(revoked_at=timezone.now())
        key = ApiKey.objects.filter(id=key_id).only("tenant_id", "name").first()
        if key is None:
            raise NotFound
        if ended:
            audit.record("api_key.revoked", "api_key", [key_id], tenant_id=key.tenant_id, label=key.name)
    _credentials.forget()


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
