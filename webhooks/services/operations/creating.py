"""Taking an order: checks, the row, the endpoint of its callback, the audit entry; one transaction."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Coalesce, Now

from webhooks.core import ids, signatures
from webhooks.errors import Conflict, FieldError, InvalidInput, NotFound
from webhooks.models import Endpoint, EndpointSecret, Mailbox, Operation, Tenant
from webhooks.services import actors, audit, endpoint_fields
from webhooks.services.operations import catalogue, files, importing

MAX_UNFINISHED = 100  # of one tenant: more of them is a loop that went wrong
_LONG = 64  # bytes of a secret: Standard Webhooks asks for 24 to 64
_SHORT = 24


@dataclass(frozen=True, slots=True)
class Created:
    """``callback_secret``: made for this operation, shown now and never again; empty when the caller gave one."""

    id: UUID
    callback_secret: str = ""


def create(
    tenant_id: UUID,
    type: str,
    params: Any,
    *,
    callback_url: str | None = None,
    callback_secret: str | None = None,
    params_at: str = "/params",
    content: Mapping[str, Any] | None = None,
) -> Created:
    """Order an operation; somebody has to ring for it.

    ``params_at``: where the parameters stand in the request, for pointers. ``content``: columns of an import that was
    uploaded. Raises :class:`InvalidInput`, :class:`NotFound` for an unknown tenant, :class:`Conflict` when the tenant
    has too many unfinished ones.
    """
    columns = dict(content or {})
    cleaned = {} if content else catalogue.work_of(type).check(tenant_id, params, params_at)
    if text := cleaned.pop("ndjson", None):
        columns = {"input": text.encode(), "total": importing.lines_of(text.encode())}
    callback = _callback(tenant_id, callback_url, callback_secret)
    actor = actors.current()
    operation = Operation(
        tenant_id=tenant_id, type=type, params=cleaned, actor_kind=actor.kind, actor_id=actor.id[:64],
        actor_label=audit.printable(actor.label), **columns,
    )  # fmt: skip
    made = ""
    with transaction.atomic():
        _admit(tenant_id)
        if callback is not None:
            made = _carry(operation, callback, callback_secret)
        operation.save(force_insert=True)
        audit.record(
            "operation.created", "operation", [operation.id], tenant_id=tenant_id, label=type,
            detail={"params": audit.bounded(cleaned)} | ({"callback": callback.url} if callback else {}),
        )  # fmt: skip
    return Created(operation.id, made)


def _admit(tenant_id: UUID) -> None:
    """Refuse one operation too many, in the transaction that makes it.

    Attack: requests at once, each of which counts before the others have written. Invariant: who counts holds the
    tenant's row until the new one is committed; rows that only refer to the tenant are not held up by that lock.
    """
    if not Tenant.objects.select_for_update(no_key=True).filter(id=tenant_id).values_list("id").first():
        raise NotFound("There is no such tenant.")
    unfinished = Operation.objects.for_tenant(tenant_id).filter(status__in=Operation.UNFINISHED)
    if unfinished.count() >= MAX_UNFINISHED:
        raise Conflict(
            f"{MAX_UNFINISHED} operations of this tenant are not finished yet; wait for them or cancel them."
        )


def upload(
    tenant_id: UUID, content: bytes, *, callback_url: str | None = None, callback_secret: str | None = None
) -> Created:
    """Order the import of an NDJSON text, which is put into the storage first; not inside a transaction."""
    if not content.strip():
        raise InvalidInput(FieldError("", "is empty; send one event as JSON on each line"))
    _callback(tenant_id, callback_url, callback_secret)  # before anything is stored
    key = ids.new_id()
    name = files.save(key, "import", io.BytesIO(content))
    columns = {"id": key, "files": [name], "total": importing.lines_of(content)}
    try:
        return create(
            tenant_id, Operation.Type.IMPORT, {}, callback_url=callback_url, callback_secret=callback_secret,
            content=columns,
        )  # fmt: skip
    except BaseException:
        files.storage().delete(name)
        raise


def cancel(operation_id: UUID) -> bool:
    """Ask for an end: it takes effect before the next step. False when it is finished already."""
    with transaction.atomic():
        operation = Operation.objects.select_for_update(no_key=True).filter(id=operation_id).first()
        if operation is None:
            raise NotFound("There is no such operation.")
        if operation.finished:
            return False
        if operation.cancel_requested_at is None:
            changes: Any = {"cancel_requested_at": Coalesce("cancel_requested_at", Now()), "next_run_at": Now()}
            Operation.objects.filter(id=operation_id).update(**changes)
            audit.record(
                "operation.cancelled", "operation", [operation_id], tenant_id=operation.tenant_id, label=operation.type
            )
    return True


def _callback(tenant_id: UUID, url: str | None, secret: str | None) -> Endpoint | None:
    """The endpoint that will carry the callback, not saved. Its URL passes the check that every webhook's does."""
    if url is None:
        if secret is not None:
            raise InvalidInput(FieldError("/callback_secret", "needs a callback_url; without one nothing is signed"))
        return None
    try:
        cleaned = endpoint_fields.clean({"url": url, "event_types": ["*"]}, partial=False)
    except InvalidInput as error:
        raise InvalidInput([FieldError("/callback_url", fault.detail) for fault in error.errors]) from None
    if secret is not None:
        _check_secret(secret)
    return Endpoint(
        tenant_id=tenant_id, url=cleaned["url"], purpose=Endpoint.Purpose.CALLBACK,
        payload_format=Endpoint.Format.DATA, timeout=cleaned["timeout"], description="Callback of an operation",
    )  # fmt: skip


def _check_secret(secret: Any) -> None:
    """Attack: a short secret that can be guessed from one callback."""
    try:
        key = signatures.SharedSecret.parse(secret).key if isinstance(secret, str) else b""
    except ValueError:
        key = b""
    if not _SHORT <= len(key) <= _LONG:
        detail = f"takes whsec_ and the standard base64 of {_SHORT} to {_LONG} bytes; leave it out to have one made"
        raise InvalidInput(FieldError("/callback_secret", detail))


def _carry(operation: Operation, endpoint: Endpoint, given: str | None) -> str:
    """Save the endpoint with its secret; the secret when it was made here."""
    secret = given or signatures.generate_secret()
    endpoint.save(force_insert=True)
    EndpointSecret.objects.create(endpoint=endpoint, value=secret)
    Mailbox.objects.create(endpoint=endpoint, tenant_id=endpoint.tenant_id)
    operation.callback = endpoint
    if given:
        return ""
    audit.record(
        "secret.revealed", "operation", [ids.show(ids.OPERATION, operation.id)], tenant_id=operation.tenant_id,
        label=endpoint.url,
    )  # fmt: skip
    return secret
