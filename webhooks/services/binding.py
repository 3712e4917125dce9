"""A cursor whose parameters travel beside the statement instead of inside its text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from psycopg import Cursor


@contextmanager
def binding_cursor() -> Iterator[Any]:
    """A cursor of Django's connection, in its transaction, that binds at the server.

    Django's own one writes parameters into the text of the statement: five megabytes of ``bytea`` become ten of
    hexadecimal digits, which the server has to read as SQL. Here ``%(name)b`` sends bytes as they are, and where
    the operator has set ``prepare_threshold`` the server also keeps the plan. Errors, logging and
    ``execute_wrapper`` are Django's.
    """
    connection.ensure_connection()
    bare: Any = Cursor(connection.connection)
    wrapped = connection.make_debug_cursor(bare) if connection.queries_logged else connection.make_cursor(bare)
    with wrapped as cursor:
        yield cursor
