"""Emptying the database after a test that committed."""

from __future__ import annotations

from django.apps import apps
from django.db import connection, transaction
from django.test import TransactionTestCase

# Written by migrate and never by a test.
KEPT = {"django_content_type", "auth_permission"}
LOCK_WAIT = "10s"  # for a worker that still works on rows of the test; longer means that it hangs


def empty_tables() -> list[str]:
    """Delete every row of every table that has rows, in one transaction; the names of those tables.

    Django truncates instead: a new file for each of some hundred partitions and indexes, and then the content
    types and permissions again: 450 ms a test, this takes 10. Foreign keys are checked at the commit.
    """
    tables = [model._meta.db_table for model in apps.get_models(include_auto_created=True) if model._meta.managed]
    quoted = [connection.ops.quote_name(name) for name in sorted({*tables} - KEPT)]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'")
        cursor.execute("SET LOCAL clarion.audit_retention = 'on'")  # the audit log refuses deletion otherwise
        looks = (f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in quoted)
        cursor.execute(" UNION ALL ".join(looks))
        filled = [name for (name,) in cursor.fetchall()]
        for name in filled:
            cursor.execute(f"DELETE FROM {name}")
    return filled


def empty_instead_of_flushing() -> None:
    """Make ``django_db(transaction=True)`` and ``transactional_db`` end with :func:`empty_tables`."""
    TransactionTestCase._fixture_teardown = lambda _case: empty_tables()  # type: ignore[attr-defined]
