"""Statements that are prepared, and what a connection remembers of all the others."""

from __future__ import annotations

import tracemalloc

import pytest
from django.db import connection
from pytest_django import Settings

from webhooks.services.binding import prepared_cursor

pytestmark = pytest.mark.django_db
_TEXT = 200_000  # characters of each statement
_STATEMENTS = 60


def prepared() -> int:
    """Statements that the server keeps for this connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT 42 +%%'")
        return int(cursor.fetchone()[0])


def add(number: int) -> int:
    with prepared_cursor() as cursor:
        cursor.execute("SELECT 42 + %(number)s::int", {"number": number})
        return int(cursor.fetchone()[0])


def test_a_statement_is_prepared_once_for_its_connection() -> None:
    assert [add(1), add(2)] == [43, 44]
    assert prepared() == 1


def test_nothing_is_prepared_behind_a_pooler(settings: Settings) -> None:
    settings.WEBHOOKS_PREPARED_STATEMENTS = False
    before = prepared()
    assert add(3) == 45
    assert prepared() == before


def test_the_texts_of_other_statements_are_not_kept() -> None:
    """They hold what was delivered: a hundred of them for each connection were most of what a worker gained."""
    add(1)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(_STATEMENTS):
            with connection.cursor() as cursor:
                cursor.execute("SELECT length(%s)", [f"{number}" + "x" * _TEXT])
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 10 * _TEXT, f"{_STATEMENTS} statements left {after - before} bytes"
