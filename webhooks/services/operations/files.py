"""Files of operations, in the storage that STORAGES names: results to download, uploads to import.

Names are made of an operation's id and the token of a step, so two steps never write the same file, and a file that a
killed step left behind is named by no row: it goes when the operation's folder is cleared.

Attack: a download link that is guessed, kept for ever, or changed to name another tenant's operation. It is signed
with SECRET_KEY over the operation's id, ends by itself, and opens that operation's files and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import IO, Any
from uuid import UUID, uuid4

import structlog
from django.core import signing
from django.core.files import File
from django.core.files.storage import InvalidStorageError, Storage, storages
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from webhooks.conf import conf
from webhooks.core import ids
from webhooks.errors import Unavailable
from webhooks.models import Delivery, Endpoint, Operation

log = structlog.get_logger(__name__)

_SALT = "webhooks.operations.result"
_PIECE = 65_536  # bytes of one read


def storage() -> Storage:
    """The storage of operations. Raises :class:`Unavailable` when the project has none of that name."""
    try:
        return storages[conf.OPERATION_STORAGE]
    except InvalidStorageError:
        raise Unavailable(
            f'There is no storage for files of operations: STORAGES needs an entry "{conf.OPERATION_STORAGE}".'
        ) from None


def save(operation_id: UUID, kind: str, content: IO[bytes]) -> str:
    """Store a file of an operation; its name."""
    return storage().save(f"{operation_id.hex}/{kind}-{uuid4().hex}", File(content))


def pieces(names: list[str]) -> Iterator[bytes]:
    """The content of files, one after the other, in pieces."""
    place = storage()
    for name in names:
        with place.open(name, "rb") as file:
            while piece := file.read(_PIECE):
                yield piece


def clear(operation: Operation) -> None:
    """Delete every file of an operation, those that no row names included."""
    place, folder = storage(), operation.id.hex
    try:
        _, names = place.listdir(folder)
    except (FileNotFoundError, NotImplementedError):
        names = []
    for name in {f"{folder}/{name}" for name in names} | set(operation.files):
        place.delete(name)
    try:
        place.delete(folder)  # an empty folder of a file system; others have none
    except OSError:
        log.warning("operation_folder_kept", operation_id=operation.public_id)


# --- links


def result_url(operation: Operation) -> str:
    """A link to the result that works without an API key until RESULT_LINK_TTL is over; empty without a result."""
    if not has_result(operation):
        return ""
    token = signing.TimestampSigner(salt=_SALT).sign(operation.id.hex)
    return f"{conf.PUBLIC_URL}/api/operations/{operation.public_id}/result?token={token.partition(':')[2]}"


def has_result(operation: Operation) -> bool:
    """Whether there is something to download."""
    return (
        operation.type == Operation.Type.EXPORT
        and operation.status == Operation.Status.DONE
        and operation.files_expire_at is not None
    )


def opens(operation_id: UUID, token: str) -> bool:
    """Whether a link's token was made for this operation and has not ended."""
    signed = f"{operation_id.hex}:{token}"
    try:
        value = signing.TimestampSigner(salt=_SALT).unsign(signed, max_age=timedelta(seconds=conf.RESULT_LINK_TTL))
    except signing.BadSignature:
        return False
    return value == operation_id.hex


def result_name(operation: Operation) -> tuple[str, str]:
    """File name and media type of a result."""
    kind = operation.params.get("format", "ndjson")
    media: dict[Any, str] = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}
    return f"{operation.params.get('what', 'result')}-{ids.show(ids.OPERATION, operation.id)}.{kind}", media[kind]


# --- what has had its time

_CLEARED = 100  # operations of one call
_FORGOTTEN = 1000


def prune() -> int:
    """Delete files whose time is over, then operations that ended before the retention; of how many the files went."""
    expired = list(Operation.objects.filter(files_expire_at__lte=Now()).order_by("files_expire_at")[:_CLEARED])
    for operation in expired:
        clear(operation)
        Operation.objects.filter(id=operation.id).update(files=[], files_expire_at=None)
    oldest = datetime.now(UTC) - timedelta(days=conf.RETENTION_DAYS)
    old = Operation.objects.filter(finished_at__lt=oldest, files_expire_at=None)
    with transaction.atomic():
        pairs: dict[UUID, UUID | None] = dict(old.values_list("id", "callback_id")[:_FORGOTTEN])
        waiting = set(_unfinished({key for key in pairs.values() if key is not None}))
        gone = [key for key, callback in pairs.items() if callback not in waiting]
        Operation.objects.filter(id__in=gone).delete()
        Endpoint.objects.filter(
            id__in=[key for key in pairs.values() if key is not None and key not in waiting]
        ).delete()
    return len(expired)


def _unfinished(callbacks: set[UUID]) -> QuerySet[Delivery, UUID]:
    found = Delivery.objects.filter(endpoint_id__in=callbacks, state__in=Delivery.UNFINISHED)
    return found.values_list("endpoint_id", flat=True)
