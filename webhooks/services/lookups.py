"""Look-ups that every request makes, kept by each process for a few seconds.

Attacks: a key that was revoked, a tenant that was switched off: in the process that did it they have ended when
the call returns, in all others at the latest LOOKUP_TTL seconds after. A transaction that is rolled back: what it
saw may never have been true, so nothing is kept before it commits. A flood of names that do not exist: only what
was found is kept, and no more than _SIZE of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from django.db import connection, transaction
from django.db.models import Model
from django.db.models.signals import post_delete, post_save

from webhooks.conf import conf
from webhooks.core.expiring import Expiring

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_SIZE = 10_000  # entries of one look-up, each well below 1 KiB
FOREVER = float("inf")  # seconds: the value has no end of its own


class Lookup(Generic[K, V]):
    """Answers read from rows of ``models``. A row of theirs that is saved or deleted ends all of them.

    ``QuerySet.update`` and other processes go unnoticed until LOOKUP_TTL is over; call :meth:`forget` after one.
    ``size``: entries that are kept at most; fewer for large ones.
    """

    def __init__(self, *models: type[Model], size: int = _SIZE) -> None:
        self._kept: Expiring[K, V] = Expiring(size)
        for model in models:
            post_save.connect(self._changed, sender=model, weak=False)
            post_delete.connect(self._changed, sender=model, weak=False)

    def get(self, key: K, read: Callable[[], tuple[V, float] | None]) -> V | None:
        """The value of ``key``, which ``read()`` finds with the seconds it holds at most; None is not kept."""
        if (known := self._kept.get(key)) is not None:
            return known
        generation, asked_at = self._kept.generation, time.monotonic()
        found = read()
        if found is None:
            return None
        value, holds = found
        after_commit(self._kept.put, key, value, asked_at + min(holds, conf.LOOKUP_TTL), generation)
        return value

    def forget(self) -> None:
        """Rows have changed: ask again, also those who read while the change was not committed yet."""
        self._kept.clear()
        if connection.in_atomic_block:
            after_commit(self._kept.clear)

    def _changed(self, *, created: bool = False, **_: Any) -> None:
        if not created:  # nobody has found a new row before
            self.forget()


def after_commit(call: Callable[..., None], *args: Any) -> None:
    """Without a transaction at once; never in one that is managed by hand, whose end nobody tells."""
    if connection.in_atomic_block:
        transaction.on_commit(lambda: call(*args), robust=True)
    elif connection.get_autocommit():
        call(*args)
