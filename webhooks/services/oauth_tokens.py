"""Access tokens of OAuth clients: ``clt_<secret>``, opaque, of which only a hash is stored.

Invariants: a token has no scope that its client has not, and ends no later than its client does. A request with
one is answered as one with an API key of the same tenant and scopes, at the price of one statement, or of none
while the look-up is kept.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from webhooks.core import ids
from webhooks.models import OAuthClient, OAuthToken, Tenant
from webhooks.services import audit
from webhooks.services.credentials import TOUCH, Credential
from webhooks.services.lookups import Lookup

PREFIX = "clt_"
_SECRET_BYTES = 32  # 256 random bits need no slow hash
_TOKEN = re.compile(rf"{PREFIX}[0-9a-f]{{{2 * _SECRET_BYTES}}}\Z")
_PRUNE = 10_000  # rows of one statement, so that each is a short transaction

_credentials: Lookup[bytes, Credential] = Lookup(OAuthClient, Tenant)


def generate() -> str:
    """A new token."""
    return f"{PREFIX}{secrets.token_hex(_SECRET_BYTES)}"


_ISSUE = """
INSERT INTO webhooks_oauthtoken (digest, client_id, scopes, expires_at)
SELECT %(digest)s, c.id, %(scopes)s::varchar[], now() + make_interval(secs => %(seconds)s)
FROM webhooks_oauthclient c WHERE c.id = %(client)s AND c.revoked_at IS NULL AND c.scopes @> %(scopes)s::varchar[]
  AND (%(secret)s::bytea IS NULL OR c.secret_hash = %(secret)s
       OR c.previous_hash = %(secret)s AND c.previous_until > now())
FOR SHARE
"""


def issue(client_id: UUID, token: str, scopes: Sequence[str], seconds: float, secret_hash: bytes | None = None) -> bool:
    """Store a token for so many seconds; False when the client has been revoked meanwhile or lacks a scope, or the
    secret of this hash, with which it came, has ended.

    The lock makes it wait for a revocation or rotation under way, which would otherwise miss the new token.
    """
    values: dict[str, Any] = {
        "digest": _hash(token), "client": client_id, "scopes": list(scopes), "seconds": seconds, "secret": secret_hash,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_ISSUE, values)
        return bool(cursor.rowcount)


_FIND = """
WITH found AS (
    SELECT c.id, c.tenant_id, c.name, t.scopes, extract(epoch FROM t.expires_at - now())::float AS rest
    FROM webhooks_oauthtoken t JOIN webhooks_oauthclient c ON c.id = t.client_id
    LEFT JOIN webhooks_tenant owner ON owner.id = c.tenant_id
    WHERE t.digest = %(digest)s AND t.expires_at > now() AND c.revoked_at IS NULL
      AND (c.expires_at IS NULL OR c.expires_at > now()) AND (c.tenant_id IS NULL OR owner.active)
), noted AS (
    UPDATE webhooks_oauthclient SET last_used_at = now()
    WHERE id = (SELECT id FROM found)
      AND (last_used_at IS NULL OR last_used_at < now() - make_interval(secs => %(touch)s))
)
SELECT id, tenant_id, name, scopes, rest FROM found
"""


def authenticate(token: str) -> Credential | None:
    """The client of a token; None when it is malformed, unknown, expired or revoked, or its client or tenant ended.

    The row is found by a hash of the whole token, so the time of the answer tells nothing about tokens that exist.
    """
    if not _TOKEN.match(token):
        return None
    digest = _hash(token)
    return _credentials.get(digest, lambda: _find(digest))


def _find(digest: bytes) -> tuple[Credential, float] | None:
    """The credential and the seconds it has left."""
    with connection.cursor() as cursor:
        cursor.execute(_FIND, {"digest": digest, "touch": TOUCH})
        row = cursor.fetchone()
    if row is None:
        return None
    client_id, tenant_id, name, scopes, rest = row
    return Credential(client_id, tenant_id, frozenset(scopes), name, ids.OAUTH_CLIENT), rest


def revoke(client: Credential, token: str) -> None:
    """End a token of this client. One of another client, or none at all, is left as it is (RFC 7009 section 2.2)."""
    with transaction.atomic():
        gone, _ = OAuthToken.objects.filter(digest=_hash(token), client_id=client.key_id).delete()
        if gone:
            audit.record(
                "oauth_client.token_revoked", "oauth_client", [client.key_id],
                tenant_id=client.tenant_id, label=client.name,
            )  # fmt: skip
    if gone:
        forget()


def prune() -> int:
    """Delete what has expired; how many tokens that were."""
    deleted = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(
                "DELETE FROM webhooks_oauthtoken WHERE digest IN "
                "(SELECT digest FROM webhooks_oauthtoken WHERE expires_at < now() LIMIT %s)",
                [_PRUNE],
            )
            gone: int = cursor.rowcount
            deleted += gone
            if gone < _PRUNE:
                return deleted


def forget() -> None:
    """Tokens or clients have ended: ask the database again."""
    _credentials.forget()


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
