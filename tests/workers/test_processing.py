"""Real workers process what came in."""

from __future__ import annotations

import json

import pytest

from tests.factories import make_endpoint, make_received, make_source
from tests.nodes import Workers
from tests.receiver import Receiver
from tests.waiting import eventually
from webhooks import doorbells
from webhooks.models import Delivery, Event, ProcessorRun, Tenant

APP = "tests.workers.processing_app"
# The lease of a dead worker is over a quarter of a second after the time limit of what it ran.
IMPATIENT = {"WEBHOOKS_LEASE_MARGIN": "0.25"}


@pytest.mark.timeout(180)
def test_messages_are_processed_retried_and_delivered_and_survive_the_death_of_their_worker(
    worker_nodes: Workers, tenant: Tenant, receiver: Receiver
) -> None:
    endpoint = make_endpoint(tenant, receiver.url("/hook"), payload_format="data", event_types=["tests.count"])
    source = make_source(tenant, event_type="tests.{type}")
    body = b'{ "n": 1.50, "\\u00e9": "\xc3\xa9" }\n'
    victim = worker_nodes(name="victim", app=APP, env=IMPATIENT)
    counted = make_received(source, event_type="tests.count", body=body, key="delivery-1")
    hanging = make_received(source, event_type="tests.hang")
    doorbells.ring_process([counted.id, hanging.id])

    (arrived,) = receiver.wait_for(1, "/hook")
    assert (arrived.body, arrived.header("webhook-id")) == (body, "delivery-1")
    eventually(lambda: ProcessorRun.objects.filter(processor="tests.hang", status="running").exists())
    eventually(lambda: Delivery.objects.filter(state="succeeded").exists())  # else it would be sent again
    victim.kill()
    assert not Event.objects.filter(type="tests.worked").exists(), "its transaction died with it"

    worker_nodes(name="heir", app=APP, env=IMPATIENT)
    worker_nodes.beat()
    run = eventually(lambda: ProcessorRun.objects.filter(processor="tests.hang", status="succeeded").first())
    assert (run.attempts, run.result) == (2, "attempt 2")
    assert run.worker.startswith("heir@")
    (event,) = Event.objects.filter(type="tests.worked")
    assert json.loads(bytes(event.data)) == {"attempt": 2}
    other = eventually(lambda: ProcessorRun.objects.filter(processor="tests.count", status="succeeded").first())
    assert (other.attempts, other.result) == (2, 10)
    assert len(receiver.requests("/hook")) == 1, endpoint.url
