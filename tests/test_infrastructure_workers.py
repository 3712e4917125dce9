"""A shared worker does the project's work: from a committed event to a verified request."""

from __future__ import annotations

import standardwebhooks

import webhooks
from tests import factories
from tests.nodes import WorkerNode
from tests.receiver import Receiver
from webhooks.models import Tenant


def test_an_event_reaches_its_receiver(shared_worker: WorkerNode, tenant: Tenant, receiver: Receiver) -> None:
    endpoint = factories.make_endpoint(tenant, receiver.url("/hook"))
    webhooks.emit("order.created", {"n": 1}, tenant=tenant)
    (request,) = receiver.wait_for(1, "/hook")
    headers = {name.lower(): value for name, value in request.headers}
    event = standardwebhooks.Webhook(factories.secret_of(endpoint)).verify(request.body, headers)
    assert event["data"] == {"n": 1}
