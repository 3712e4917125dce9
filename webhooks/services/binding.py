"""Cursors whose parameters travel beside the statement instead of inside its text."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from psycopg import Cursor

from webhooks.conf import conf


class _Prepared(Cursor[Any]):
    """Has the server keep each statement's plan for as long as the connection lasts.

    A connection with a threshold counts every statement in order to prepare the frequent ones, and keeps the texts of
    the last hundred for that, in which Django has written the parameters: megabytes of answers and keys for each
    connection of the pool. So it has one only while a statement runs that is to be prepared.
    """

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        bare = self.connection
        if bare.prepare_threshold is not None or not conf.PREPARED_STATEMENTS:
            return super().execute(query, params, prepare=conf.PREPARED_STATEMENTS, **options)
        bare.prepare_threshold = sys.maxsize  # nothing is prepared but what asks for it
        try:
            return super().execute(query, params, prepare=True, **options)
        finally:
            bare.prepare_threshold = None


@contextmanager
def binding_cursor() -> Iterator[Any]:
    """A cursor of Django's connection, in its transaction, that binds at the server.

    Django's own one writes parameters into the text of the statement: five megabytes of ``bytea`` become ten of
    hexadecimal digits, which the server has to read as SQL. Here ``%(name)b`` sends bytes as they are. Errors, logging
    and ``execute_wrapper`` are Django's.
    """
    with _wrapped(Cursor) as cursor:
        yield cursor


@contextmanager
def prepared_cursor() -> Iterator[Any]:
    """The same, with statements that are planned once for each connection.

    For statements on partitioned tables that run all the time: planning one over the 40 partitions of a month takes
    some milliseconds, every time, and running it a fraction of one. Partitions that the parameters exclude are left
    out when it runs. That takes ``plan_cache_mode=force_generic_plan`` on the connection; without, PostgreSQL goes on
    planning each time, which is slower and nothing else.
    """
    with _wrapped(_Prepared) as cursor:
        yield cursor


@contextmanager
def _wrapped(kind: type[Cursor[Any]]) -> Iterator[Any]:
    connection.ensure_connection()
    bare: Any = kind(connection.connection)
    wrapped = connection.make_debug_cursor(bare) if connection.queries_logged else connection.make_cursor(bare)
    with wrapped as cursor:
        yield cursor
