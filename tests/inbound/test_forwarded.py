"""What providers publish as examples goes in at a source and comes out at an endpoint, byte for byte.

Shopify's are thousands: each topic in each version of its API. ``ALL_EXAMPLES=1`` takes all of them; the suite is
content with the newest version of each.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote_from_bytes

import pytest
from pytest_django import Settings

from tests.factories import make_endpoint, make_source
from tests.inbound import samples
from tests.inbound.samples import Sample
from tests.receiver import Receiver
from tests.receivers.sending import send, signed
from tests.services.engine import run_to_quiescence
from webhooks.core import ids, inbound
from webhooks.models import ReceivedMessage, Tenant
from webhooks.services.processing import process

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "only-for-these-tests"
Read = Callable[[Path], list[Sample]]


def newest(folder: Path) -> list[Sample]:
    """The examples of the newest version of each of Shopify's topics."""
    found = samples.shopify(folder)
    if os.environ.get("ALL_EXAMPLES"):
        return found
    versions = sorted({sample.headers["X-Shopify-API-Version"] for sample in found})
    by_topic = {sample.type: sample for version in versions for sample in found
                if sample.headers["X-Shopify-API-Version"] == version}  # fmt: skip
    return list(by_topic.values())


@pytest.mark.timeout(300)
@pytest.mark.parametrize("provider", ["github", "shopify"])
def test_all_examples_come_out_as_they_went_in(
    provider: str, node_folder: Path, tenant: Tenant, receiver: Receiver, settings: Settings
) -> None:
    settings.WEBHOOKS_RECEIVE_ADDRESS_LIMIT = 0
    read: Read = {"github": samples.github, "shopify": newest}[provider]
    template = inbound.PROVIDERS[provider].event_type
    source = make_source(tenant, provider, secrets=[SECRET], event_type=template)
    endpoint = make_endpoint(tenant, receiver.url("/hook"), payload_format="data", max_in_flight=16)
    wanted: dict[str, tuple[bytes, str]] = {}
    for sample in read(node_folder):
        answer = send(source, sample.body, {**signed(source, sample.body), **sample.headers})
        assert answer.status_code == 202, (sample.headers, answer.content)
        received_id = ids.parse(ids.RECEIVED, answer.json()["received_id"])
        assert received_id is not None
        assert process(received_id).word == "processed"
        message = ReceivedMessage.objects.get(id=received_id)
        wanted[answer.json()["received_id"]] = sample.body, inbound.event_type(template, sample.type)
        assert message.event_type == inbound.event_type(template, sample.type)
    assert len(wanted) > 100
    run_to_quiescence(endpoint.id, seconds=120)
    arrived = {(request.header("X-Webhook-Event") or "", request.body) for request in receiver.requests("/hook")}
    assert arrived == {(event_type, body) for body, event_type in wanted.values()}
    assert len(receiver.requests("/hook")) == len(wanted)


def test_what_github_puts_into_a_form_comes_out_as_its_json(tenant: Tenant, receiver: Receiver) -> None:
    source = make_source(tenant, "github", secrets=[SECRET], event_type="github.{type}")
    endpoint = make_endpoint(tenant, receiver.url("/hook"), payload_format="data")
    payload = '{"zen": "Größe + 100%&=", "n": 1.0}'.encode()
    body = b"payload=" + quote_from_bytes(payload).encode()
    headers = {**signed(source, body), "X-GitHub-Event": "ping", "X-GitHub-Delivery": "d-1"}
    answer = send(source, body, headers, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 202
    message = ReceivedMessage.objects.get()
    process(message.id)
    run_to_quiescence(endpoint.id)
    (arrived,) = receiver.requests("/hook")
    assert (arrived.body, arrived.header("webhook-id")) == (payload, "d-1")
    assert bytes(message.body) == body, "the message is kept as it came"


def test_a_cloudevent_comes_out_as_its_data(tenant: Tenant, receiver: Receiver) -> None:
    source = make_source(tenant, "hex", secrets=[SECRET], event_type="{type}")
    endpoint = make_endpoint(tenant, receiver.url("/hook"), payload_format="data")
    body = b'{"specversion":"1.0","id":"e-1","source":"/shop","type":"order.created","data":{ "n": 1.50 }}'
    assert send(source, body, content_type="application/cloudevents+json").status_code == 202
    process(ReceivedMessage.objects.get().id)
    run_to_quiescence(endpoint.id)
    (arrived,) = receiver.requests("/hook")
    assert (arrived.body, arrived.header("X-Webhook-Event")) == (b'{ "n": 1.50 }', "order.created")
