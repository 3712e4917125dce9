"""Encrypting what is stored again, with the first of WEBHOOKS_ENCRYPTION_KEYS.

Invariant: a stored value is only ever replaced by another encryption of the same text. Every UPDATE says ``WHERE
column = the ciphertext that was read``, so a value that somebody has changed since is left as it is and read again.
Which key a value depends on is told by the value itself: there is no progress to keep, a run that was interrupted
is begun again, and two at once do no harm. Rows that somebody has locked are passed over and tried again, so a run
never waits for a lock and is part of no deadlock.

``Endpoint.updated_at`` stays as it is: the text is the same, so what workers have read of it goes on being right.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import Model

from webhooks.conf import conf
from webhooks.errors import DecryptionFailed
from webhooks.models.fields import EncryptedTextField, encrypt_again, key_of

BATCH = 500  # values read and written by one statement: a fraction of a second, and so are its locks
_TRIES = 20  # times a batch is read again because others were changing or holding its rows
_PAUSE = 0.1  # seconds between two tries; transactions that hold an endpoint take milliseconds
_PASSES = 3  # over everything, until one finds nothing to do: rows may have been added behind the first
_NAMED = 1000  # unreadable values that are remembered by name; the others are only counted


@dataclass(frozen=True, slots=True)
class Column:
    """An encrypted column: where it is, and what its values are."""

    model: type[Model]
    field: EncryptedTextField

    @property
    def place(self) -> str:
        """``table.column``."""
        return self.field.place


@dataclass(slots=True)
class Count:
    """What was found in one column. ``keys``: number of a key (1: the first) -> values that depend on it."""

    column: Column
    keys: Counter[int] = field(default_factory=Counter)
    unreadable: list[str] = field(default_factory=list)  # "table.column of row id", the first _NAMED of them
    unreadable_count: int = 0
    written: int = 0

    @property
    def looked_at(self) -> int:
        return self.keys.total() + self.unreadable_count

    @property
    def behind(self) -> int:
        """Values that depend on another key than the first one."""
        return self.keys.total() - self.keys[1]

    @property
    def done(self) -> bool:
        """Every value depends on the first key."""
        return not self.behind and not self.unreadable_count


Progress = Callable[[Count], None]


def columns() -> list[Column]:
    """Every encrypted column of every model of this project, found by the type of its field."""
    return [
        Column(model, found)
        for model in apps.get_models()
        if model._meta.managed and not model._meta.proxy
        for found in model._meta.local_concrete_fields
        if isinstance(found, EncryptedTextField)
    ]


def check(batch: int = BATCH, told: Progress = lambda _: None) -> list[Count]:
    """How many values depend on which key. Writes nothing. ``told`` is called after each batch."""
    return [_pass(column, batch, told, write=False) for column in columns()]


def rotate(batch: int = BATCH, told: Progress = lambda _: None) -> list[Count]:
    """Encrypt every value that another key was used for with the first one.

    The answer is what the last pass found, with what all passes have written. A value that no key opens is named
    in it and left alone; the others go on. ``told`` is called after each batch.
    """
    return [_rotated(column, batch, told) for column in columns()]


def _rotated(column: Column, batch: int, told: Progress) -> Count:
    written = 0
    for number in range(1, _PASSES + 1):
        count = _pass(column, batch, told, write=True)
        written += count.written
        if number == _PASSES or not (count.written or count.behind):
            break
    count.written = written
    return count


def _pass(column: Column, batch: int, told: Progress, *, write: bool) -> Count:
    count = Count(column)
    for rows in _batches(column, batch):
        for _ in range(_TRIES):
            judged = [(key, value, key_of(value)) for key, value in rows]
            old = [(key, value) for key, value, number in judged if number not in (None, 1)]
            if not write or not old:
                break
            changed = _write(column, old)
            count.written += len(changed)
            rows = _read_again(column, [key for key, _ in rows])
            judged = [(key, value, key_of(value)) for key, value in rows]
            if len(changed) == len(old):
                break
            time.sleep(_PAUSE)
        _add(count, judged)
        told(count)
    return count


def _add(count: Count, judged: list[tuple[Any, str, int | None]]) -> None:
    for key, _, number in judged:
        if number is not None:
            count.keys[number] += 1
            continue
        count.unreadable_count += 1
        if len(count.unreadable) < _NAMED:
            count.unreadable.append(f"{count.column.place} of row {key}")


def _names(column: Column) -> dict[str, str]:
    meta, quote = column.model._meta, connection.ops.quote_name
    return {
        "table": quote(meta.db_table),
        "key": quote(str(meta.pk.column)),
        "column": quote(str(column.field.column)),
        "kind": str(meta.pk.db_type(connection)),
    }


def _batches(column: Column, size: int) -> Iterator[list[tuple[Any, str]]]:
    """All values as (key of the row, stored text), in the order of the keys, ``size`` at a time."""
    names = _names(column)
    select = "SELECT {key}, {column} FROM {table} WHERE {column} IS NOT NULL {after} ORDER BY {key} LIMIT %s"
    after: list[Any] = []
    while True:
        with connection.cursor() as cursor:
            statement = select.format(**names, after="AND {key} > %s".format(**names) if after else "")
            cursor.execute(statement, [*after, size])
            rows = cursor.fetchall()
        if not rows:
            return
        yield rows
        after = [rows[-1][0]]


def _read_again(column: Column, keys: list[Any]) -> list[tuple[Any, str]]:
    """The same rows as they are now; those that were deleted are missing."""
    select = "SELECT {key}, {column} FROM {table} WHERE {key} = ANY(%s) AND {column} IS NOT NULL"
    with connection.cursor() as cursor:
        cursor.execute(select.format(**_names(column)), [keys])
        return list(cursor.fetchall())


_UPDATE = """
WITH given AS (
    SELECT * FROM unnest(%s::{kind}[], %s::text[], %s::text[]) AS given(id, old, new)
), free AS (
    SELECT t.{key} AS id FROM {table} t JOIN given ON t.{key} = given.id AND t.{column} = given.old
    FOR NO KEY UPDATE OF t SKIP LOCKED
)
UPDATE {table} t SET {column} = given.new FROM given JOIN free ON free.id = given.id
WHERE t.{key} = given.id AND t.{column} = given.old
RETURNING t.{key}
"""


def _write(column: Column, old: list[tuple[Any, str]]) -> list[Any]:
    """Replace values that are still what was read and that nobody has locked; the keys of those rows."""
    given = [(key, value, _again(column, key, value)) for key, value in old]
    with connection.cursor() as cursor:
        cursor.execute(_UPDATE.format(**_names(column)), [list(part) for part in zip(*given, strict=True)])
        return [key for (key,) in cursor.fetchall()]


def _again(column: Column, key: Any, value: str) -> str:
    try:
        return encrypt_again(value)
    except DecryptionFailed:  # somebody changes the settings of this process meanwhile
        raise DecryptionFailed(f"{column.place} of row {key}") from None


def number_of_keys() -> int:
    """How many keys WEBHOOKS_ENCRYPTION_KEYS holds."""
    return len(conf.ENCRYPTION_KEYS)
