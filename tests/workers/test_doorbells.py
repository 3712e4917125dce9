"""Doorbells through a real broker: in one go, over a kept client, and told to Flower in groups."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from kombu.transport.redis import Channel

import webhooks
from project.celery import app
from tests import factories
from tests.nodes import Workers
from tests.receiver import Receiver
from tests.waiting import eventually
from webhooks import doorbells
from webhooks.models import Tenant


def test_bells_of_one_ring_reach_the_broker_in_one_pipeline(valkey: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    flushes: list[int] = []
    create = Channel.create_publish_batch

    def watched(self: Any, max_size: int) -> Any:
        batch = create(self, max_size)
        flush = batch.flush
        batch.flush = lambda: (flushes.append(batch._buffered), flush())
        return batch

    monkeypatch.setattr(Channel, "create_publish_batch", watched)
    assert doorbells._publish_all(doorbells.DELIVER, [(f"{n}", f"deliver.{n % 4}") for n in range(100)])
    assert flushes == [100]


def test_every_bell_has_its_task() -> None:
    """A name that no worker knows is a message that is thrown away."""
    named = {value for name, value in vars(doorbells).items() if name.isupper() and str(value).startswith("webhooks.")}
    assert len(named) == 8
    app.loader.import_default_modules()
    assert named <= app.tasks.keys()


def test_a_channel_keeps_its_client(valkey: Any) -> None:
    with app.connection_for_write() as connection:
        channel = connection.default_channel
        with channel.conn_or_acquire() as first, channel.conn_or_acquire() as second:
            assert first is second
        channel._disconnect_pools()
        with channel.conn_or_acquire() as third:
            assert third is not first
            assert third.ping()


def test_flower_hears_of_every_task(worker_nodes: Workers, tenant: Tenant, receiver: Receiver) -> None:
    """Its events are gathered, see webhooks.net.celery_events; they must come all the same."""
    worker_nodes()
    seen: list[str] = []
    factories.make_endpoint(tenant, receiver.url("/hook"))
    with app.connection_for_read() as connection:
        events = app.events.Receiver(
            connection, handlers={"task-succeeded": lambda event: seen.append(event["result"])}
        )
        listening = threading.Thread(target=events.capture, daemon=True)
        listening.start()
        eventually(lambda: _told(tenant, receiver, seen))
        events.should_stop = True
        listening.join()


def _told(tenant: Tenant, receiver: Receiver, seen: list[str]) -> bool:
    """Events before the listener has subscribed are nobody's, so there is another one at each look."""
    webhooks.emit("order.created", {}, tenant=tenant)
    return "'sent'" in seen
