"""An index of a partitioned table is built partition by partition beside whoever writes, and a broken run goes on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.db import connection, models
from django.db.migrations.state import ProjectState

from tests.factories import make_event
from webhooks.models.partitions import AddPartitionedIndex
from webhooks.services.partitions import existing, make_ahead

NAME = "event_trial"
TABLE = "webhooks_event"
OPERATION = AddPartitionedIndex("event", models.Index(fields=["tenant", "origin"], name=NAME))


@pytest.fixture(autouse=True)
def index(transactional_db: None) -> Iterator[None]:
    """Gone afterwards, in whatever state the test leaves it."""
    make_ahead()
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX IF EXISTS {NAME}")


def build() -> None:
    state = ProjectState.from_apps(apps)
    with connection.schema_editor(atomic=False) as editor:
        OPERATION.database_forwards("webhooks", editor, state, state)


def indexed() -> dict[str, bool]:
    """Each table with an index of that name, and whether it is valid."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.indrelid::regclass::text, i.indisvalid FROM pg_index i WHERE i.indexrelid = %s::regclass "
            "OR i.indexrelid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = %s::regclass)",
            [NAME, NAME],
        )
        return dict(cursor.fetchall())


def test_every_partition_gets_its_own_and_the_table_a_valid_one() -> None:
    build()
    assert indexed() == dict.fromkeys({TABLE, *existing(TABLE)}, True)
    make_event()


def test_a_run_that_was_interrupted_goes_on() -> None:
    done = min(existing(TABLE))
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE INDEX {NAME} ON ONLY {TABLE} (tenant_id, origin)")
        cursor.execute(f"CREATE INDEX {done}_{NAME} ON {done} (tenant_id, origin)")
        cursor.execute(f"ALTER INDEX {NAME} ATTACH PARTITION {done}_{NAME}")
    assert indexed() == {TABLE: False, done: True}
    build()
    build()
    assert indexed() == dict.fromkeys({TABLE, *existing(TABLE)}, True)


def test_it_can_be_taken_back() -> None:
    build()
    state = ProjectState.from_apps(apps)
    before = state.clone()
    state.models["webhooks", "event"].options["indexes"] = [
        *state.models["webhooks", "event"].options["indexes"], OPERATION.index,
    ]  # fmt: skip
    with connection.schema_editor() as editor:
        OPERATION.database_backwards("webhooks", editor, state, before)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [NAME])
        assert cursor.fetchone() == (None,)
