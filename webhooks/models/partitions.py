"""Range partitions by day of a UUIDv7 key: their names, bounds and DDL.

The key is the partition key, so Django sees an ordinary table with a single-column primary key. Besides
the days there is a default partition: an insert never fails because nobody made tomorrow's partition;
:mod:`webhooks.services.partitions` moves such rows to their day afterwards.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from webhooks.core import ids

_OF_THE_FIRST_MIGRATION = ("webhooks_event", "webhooks_delivery", "webhooks_attempt", "webhooks_receivedmessage")
TABLES = (*_OF_THE_FIRST_MIGRATION, "webhooks_processorrun")


class CreatePartitionedModel(migrations.CreateModel):
    """``CreateModel`` whose table is ``PARTITION BY RANGE (id)``, with its default partition."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        plain = schema_editor.sql_create_table
        schema_editor.sql_create_table = f"{plain} PARTITION BY RANGE (id)"
        try:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        finally:
            schema_editor.sql_create_table = plain
        table = to_state.apps.get_model(app_label, self.name)._meta.db_table
        schema_editor.execute(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")


class AddPartitionedIndex(migrations.AddIndex):
    """``AddIndex`` on a partitioned table that others write to meanwhile. The migration has to be ``atomic = False``.

    PostgreSQL cannot build an index of a partitioned table CONCURRENTLY, but each partition's own, which are attached
    to an empty one of the table; that is valid with the last of them. Run again after a failure it goes on.
    """

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        table, name = model._meta.db_table, self.index.name
        statement = str(self.index.create_sql(model, schema_editor))
        begin, _, rest = statement.partition(f' ON "{table}"')
        schema_editor.execute(
            begin.replace("CREATE INDEX", "CREATE INDEX IF NOT EXISTS") + f' ON ONLY "{table}"' + rest
        )
        for partition in _partitions(schema_editor, table):
            own = f"{partition}_{name}"[:63]
            if own in _invalid(schema_editor, partition):
                schema_editor.execute(f'DROP INDEX CONCURRENTLY "{own}"')
            build = begin.replace("CREATE INDEX", "CREATE INDEX CONCURRENTLY IF NOT EXISTS").replace(name, own)
            schema_editor.execute(f'{build} ON "{partition}"{rest}')
            schema_editor.execute(f'ALTER INDEX "{name}" ATTACH PARTITION "{own}"')


def _partitions(schema_editor: BaseDatabaseSchemaEditor, table: str) -> list[str]:
    return _names(
        schema_editor, "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", table
    )


def _invalid(schema_editor: BaseDatabaseSchemaEditor, table: str) -> list[str]:
    """Indexes of a table whose building was interrupted."""
    return _names(
        schema_editor,
        "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
        "WHERE i.indrelid = %s::regclass AND NOT i.indisvalid",
        table,
    )


def _names(schema_editor: BaseDatabaseSchemaEditor, sql: str, table: str) -> list[str]:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(sql, [table])
        return sorted(name for (name,) in cursor.fetchall())


def partition_name(table: str, day: date) -> str:
    """``webhooks_event`` and 2026-11-23 -> ``webhooks_event_p20261123``."""
    return f"{table}_p{day:%Y%m%d}"


def day_of(partition: str) -> date | None:
    """The day of a partition's name, None for the default partition and foreign names."""
    _, mark, digits = partition.rpartition("_p")
    if not mark or len(digits) != 8 or not digits.isdigit():
        return None
    return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))


def bounds(day: date) -> tuple[str, str]:
    """Lower (inclusive) and upper (exclusive) key of a day, in UTC."""
    start = datetime.combine(day, time(), tzinfo=UTC)
    return str(ids.floor(start)), str(ids.floor(start + timedelta(days=1)))


def days_around(today: date, ahead: int) -> list[date]:
    """Yesterday (keys made just before midnight) up to ``ahead`` days from today."""
    return [today + timedelta(days=n) for n in range(-1, ahead + 1)]


def create_first_partitions(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Migration step: the days around today, so that the first insert has its own partition."""
    for table in _OF_THE_FIRST_MIGRATION:
        _create_days(schema_editor, table)


class CreateFirstPartitions(migrations.RunPython):
    """The same for a table of a later migration."""

    def __init__(self, table: str) -> None:
        super().__init__(lambda apps, schema_editor: _create_days(schema_editor, table), migrations.RunPython.noop)


def _create_days(schema_editor: BaseDatabaseSchemaEditor, table: str) -> None:
    for day in days_around(datetime.now(UTC).date(), ahead=7):
        lower, upper = bounds(day)
        schema_editor.execute(
            f"CREATE TABLE {partition_name(table, day)} PARTITION OF {table} FOR VALUES FROM ('{lower}') TO ('{upper}')"
        )
