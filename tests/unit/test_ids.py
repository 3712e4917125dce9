"""Identifiers: order, text form, and the one key of (event, endpoint) in Python and in PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import RFC_4122, UUID

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from webhooks.core import ids
from webhooks.services.fan_out import DELIVERY_ID_SQL

MILLISECONDS = st.integers(0, 253_370_764_800_000 - 1)  # 1970 to the last day of 9999
ANY_UUID = st.uuids()


def test_ids_made_one_after_the_other_are_in_order() -> None:
    made = [ids.new_id() for _ in range(1000)]
    assert made == sorted(made)
    assert len(set(made)) == 1000
    assert {(value.version, value.variant) for value in made} == {(7, RFC_4122)}


@given(ANY_UUID, st.sampled_from([ids.EVENT, ids.DELIVERY, ids.WEBHOOK, ids.API_KEY]))
def test_what_is_shown_can_be_parsed(value: UUID, prefix: str) -> None:
    shown = ids.show(prefix, value)
    assert shown.startswith(f"{prefix}_")
    assert ids.parse(prefix, shown) == value
    assert ids.parse(prefix, shown.upper().replace(f"{prefix.upper()}_", f"{prefix}_")) == value
    assert ids.parse(prefix, str(value)) == value


@pytest.mark.parametrize(
    "text",
    [
        "", "evt_", "evt_" + "0" * 31, "evt_" + "0" * 33, "dlv_" + "0" * 32, "evt_evt_" + "0" * 32,
        "evt_" + "g" * 32, "evt_" + "٣" * 32, "evt_{" + "0" * 30 + "}", "urn:uuid:" + "0" * 32,
        " evt_" + "0" * 32, "evt_" + "0" * 32 + "\n", "evt_" + "0" * 31 + "\0",
    ],
)  # fmt: skip
def test_it_parses_nothing_else(text: str) -> None:
    assert ids.parse(ids.EVENT, text) is None


@given(MILLISECONDS)
def test_the_floor_of_a_moment_is_the_smallest_key_of_its_millisecond(milliseconds: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    key = ids.floor(moment)
    assert key.int >> 80 == milliseconds
    assert key.int & ((1 << 80) - 1) == 0
    assert ids.created_at(key) == moment
    assert ids.floor(moment + timedelta(microseconds=999)) == key


def test_a_new_key_lies_between_the_floors_of_the_moments_around_it() -> None:
    before = datetime.now(UTC)
    key = ids.new_id()
    after = datetime.now(UTC) + timedelta(milliseconds=1)
    assert ids.floor(before) <= key < ids.floor(after)
    assert before - timedelta(milliseconds=1) < ids.created_at(key) < after


def test_a_moment_before_1970_has_the_smallest_key() -> None:
    assert ids.floor(datetime(1969, 1, 1, tzinfo=UTC)) == UUID(int=0)


@given(ANY_UUID, ANY_UUID, ANY_UUID)
def test_a_delivery_has_the_time_of_its_event_and_a_key_of_both(event: UUID, endpoint: UUID, other: UUID) -> None:
    key = ids.delivery_id(event, endpoint)
    assert key == ids.delivery_id(event, endpoint)
    assert key.int >> 80 == event.int >> 80
    assert (key.version, key.variant) == (7, RFC_4122)
    assert (key == ids.delivery_id(event, other)) is (endpoint == other)


@pytest.mark.django_db
def test_postgresql_makes_the_same_delivery_keys() -> None:
    pairs = [(UUID(int=(n * 0x9E3779B97F4A7C15F39CC0605CEDC834) % (1 << 128)), ids.new_id()) for n in range(400)]
    pairs += [(ids.new_id(), ids.new_id()) for _ in range(400)]
    events, endpoints = (list(column) for column in zip(*pairs, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT event_id, endpoint_id, {DELIVERY_ID_SQL} FROM ("
            "  SELECT *, substring(sha256(uuid_send(event_id) || uuid_send(endpoint_id)) FROM 1 FOR 10) AS hash"
            "  FROM unnest(%s::uuid[], %s::uuid[]) AS p(event_id, endpoint_id)) AS keyed",
            [events, endpoints],
        )
        rows = cursor.fetchall()
    assert len(rows) == 800
    for event, endpoint, made in rows:
        assert made == ids.delivery_id(event, endpoint)
