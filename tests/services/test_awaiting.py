"""Waiting for a delivery: woken by word, by the row when no word comes, and never with a connection in hand."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings

from tests.answers import Answer
from tests.factories import make_delivery, make_endpoint
from tests.receiver import Receiver
from tests.services.engine import HOOK, in_thread
from webhooks.guards import finished
from webhooks.models import Delivery
from webhooks.services import awaiting, testing
from webhooks.services.awaiting import finished_delivery
from webhooks.services.drain import drain


@pytest.mark.django_db
def test_a_finished_delivery_is_there_at_the_first_look(valkey: Any) -> None:
    delivery = make_delivery(state="succeeded", finished_at=datetime.now(UTC))
    finished.announce([delivery.id])
    found = finished_delivery(delivery.id, 30)
    assert found == delivery


@pytest.mark.django_db
def test_one_that_does_not_finish_in_time_is_none(valkey: Any) -> None:
    assert finished_delivery(make_delivery().id, 0.2) is None


@pytest.mark.django_db
def test_without_redis_the_row_is_looked_at(settings: Settings) -> None:
    settings.WEBHOOKS_REDIS_URL = "redis://127.0.0.1:1/0"
    delivery = make_delivery(state="dead", finished_at=datetime.now(UTC))
    assert finished_delivery(delivery.id, 30) == delivery


@pytest.mark.django_db
def test_it_looks_less_and_less_often(valkey: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(finished, "hear", lambda _, seconds: pauses.append(seconds))
    clock = iter([0.0, 0.0, 1, 2, 3, 4, 5, 6, 31])
    monkeypatch.setattr(awaiting, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    assert finished_delivery(make_delivery().id, 30) is None
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]


@pytest.mark.django_db(transaction=True)
def test_no_connection_is_held_while_it_waits(valkey: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = make_delivery()
    held: list[bool] = []

    def hear(*_: Any) -> bool:
        held.append(connection.connection is not None)
        Delivery.objects.filter(id=delivery.id).update(finished_at=datetime.now(UTC))
        return True

    monkeypatch.setattr(finished, "hear", hear)
    assert finished_delivery(delivery.id, 30) == delivery
    assert held == [False]


@pytest.mark.django_db(transaction=True)
def test_whoever_delivers_a_test_sends_word(valkey: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows are looked at only once word has come: without it this would take its thirty seconds."""
    monkeypatch.setattr(awaiting, "_FIRST_LOOK", 30.0)
    receiver.always(HOOK, Answer(200))
    endpoint = make_endpoint(url=receiver.url(HOOK))
    _, delivery_id = testing.send_test(endpoint.id)
    found = in_thread(finished_delivery, delivery_id, 29.0)
    drain(endpoint.id)
    delivery = found()
    assert delivery is not None
    assert delivery.state == "succeeded"


@pytest.mark.django_db(transaction=True)
def test_no_word_is_sent_of_ordinary_deliveries(valkey: Any, receiver: Receiver) -> None:
    receiver.always(HOOK, Answer(200))
    endpoint = make_endpoint(url=receiver.url(HOOK))
    make_delivery(endpoint)
    assert drain(endpoint.id).sent == 1
    assert not list(valkey.scan_iter("clarion:finished:*"))
