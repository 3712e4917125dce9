"""OAuth 2.0 clients: programs that show an id and a secret, and get tokens for a while (RFC 6749 section 4.4)."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from webhooks.core import ids
from webhooks.errors import Conflict, FieldError, InvalidInput, NotFound
from webhooks.models import OAuthClient, OAuthToken, Tenant
from webhooks.services import audit, oauth_tokens
from webhooks.services.credentials import Credential, check, grantable, state
from webhooks.services.endpoints import MAX_OVERLAP

DEFAULT_OVERLAP = 86_400  # seconds: a day to give the new secret to the program
_SECRET_BYTES = 32  # 256 random bits need no slow hash
_SECRET = re.compile(rf"ocs_[0-9a-f]{{{2 * _SECRET_BYTES}}}\Z")
_NOBODY = hashlib.sha256(b"").digest()


@dataclass(frozen=True, slots=True)
class Client:
    """A client that proved who it is, by the secret of this hash. ``rest``: seconds until it ends, None: never."""

    credential: Credential
    rest: float | None
    secret_hash: bytes

    @property
    def client_id(self) -> str:
        return self.credential.public_id


def create(
    tenant_id: UUID | None,
    name: str,
    scopes: Sequence[str] | None = None,
    expires_at: datetime | None = None,
) -> tuple[UUID, str]:
    """Make a client and return its id and its secret, which is stored nowhere and shown only here.

    ``tenant_id`` None makes a platform client. ``scopes`` None: every scope the kind of client can have; they are
    the most that any of its tokens gets, and are never widened.
    Raises :class:`~webhooks.errors.InvalidInput` with pointers, :class:`NotFound` for an unknown tenant.
    """
    chosen = list(scopes) if scopes is not None else sorted(grantable(tenant_id))
    check(name, chosen, tenant_id, expires_at)
    if tenant_id is not None and not Tenant.objects.filter(id=tenant_id).exists():
        raise NotFound("There is no such tenant.")
    secret = _generate()
    with transaction.atomic():
        client = OAuthClient.objects.create(
            tenant_id=tenant_id, name=name.strip(), secret_hash=_hash(secret), scopes=chosen, expires_at=expires_at
        )
        shown = {"name": client.name, "scopes": chosen, "expires_at": expires_at}
        _record("oauth_client.created", client, changes=audit.changed({}, shown))
        _record("secret.revealed", client)
    return client.id, secret


_FIND = """
SELECT c.id, c.tenant_id, c.name, c.scopes, extract(epoch FROM c.expires_at - now())::float,
  c.secret_hash, CASE WHEN c.previous_until > now() THEN c.previous_hash END
FROM webhooks_oauthclient c LEFT JOIN webhooks_tenant t ON t.id = c.tenant_id
WHERE c.id = %s AND c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > now())
  AND (c.tenant_id IS NULL OR t.active)
"""


def authenticate(client_id: str, secret: str) -> Client | None:
    """The client of this id and secret; None when either is wrong, or it is revoked, expired or of an inactive tenant.

    Attack: telling by the answer or its time which ids exist. Every case is one statement and two comparisons.
    """
    key = ids.parse(ids.OAUTH_CLIENT, client_id) if client_id.startswith(f"{ids.OAUTH_CLIENT}_") else None
    if key is None or not _SECRET.match(secret):
        return None
    with connection.cursor() as cursor:
        cursor.execute(_FIND, [key])
        row = cursor.fetchone()
    shown, present, previous = _hash(secret), *(bytes(one or _NOBODY) for one in (row[5:] if row else (None, None)))
    known = hmac.compare_digest(shown, present) | hmac.compare_digest(shown, previous)
    if not known or row is None:
        return None
    _, tenant_id, name, scopes, rest, *_ = row
    return Client(Credential(key, tenant_id, frozenset(scopes), name, ids.OAUTH_CLIENT), rest, shown)


def rotate_secret(key: UUID, overlap_seconds: int = DEFAULT_OVERLAP) -> str:
    """Make a new secret and return it; the present one fetches tokens for ``overlap_seconds`` more.

    One that was left from the rotation before ends at once. With 0 so does the present one, and with it all tokens of
    the client: who has stolen it keeps nothing. Raises :class:`InvalidInput`, :class:`NotFound`, and
    :class:`Conflict` for a client that has ended.
    """
    if type(overlap_seconds) is not int or not 0 <= overlap_seconds <= MAX_OVERLAP:
        raise InvalidInput(FieldError("/overlap_seconds", f"takes a whole number of seconds from 0 to {MAX_OVERLAP}"))
    secret = _generate()
    with transaction.atomic():
        client = OAuthClient.objects.select_for_update(no_key=True).filter(id=key).first()
        if client is None:
            raise NotFound
        if state(client) != "active":
            raise Conflict(f"The OAuth client is {state(client)} for ever. Make a new one.")
        client.previous_hash, client.previous_until = None, None
        if overlap_seconds:
            client.previous_hash = client.secret_hash
            client.previous_until = timezone.now() + timedelta(seconds=overlap_seconds)
        else:
            OAuthToken.objects.filter(client_id=key).delete()
        client.secret_hash = _hash(secret)
        client.save(update_fields=["secret_hash", "previous_hash", "previous_until"])
        _record("secret.rotated", client, changes={"secret": audit.CHANGED}, detail={"overlap": overlap_seconds})
        _record("secret.revealed", client)
    oauth_tokens.forget()
    return secret


def revoke(key: UUID) -> None:
    """End a client and all of its tokens: here at once, in other processes within LOOKUP_TTL.

    Doing it twice keeps the first moment. Raises :class:`NotFound`.
    """
    with transaction.atomic():
        ended = OAuthClient.objects.filter(id=key, revoked_at=None).update(revoked_at=timezone.now())
        client = OAuthClient.objects.filter(id=key).only("tenant_id", "name").first()
        if client is None:
            raise NotFound
        OAuthToken.objects.filter(client_id=key).delete()
        if ended:
            _record("oauth_client.revoked", client)
    oauth_tokens.forget()


def _record(action: str, client: OAuthClient, **more: object) -> None:
    audit.record(
        action, "oauth_client", [client.id], tenant_id=client.tenant_id, label=client.name, **more  # type: ignore[arg-type]
    )  # fmt: skip


def _generate() -> str:
    return f"ocs_{secrets.token_hex(_SECRET_BYTES)}"


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
