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
