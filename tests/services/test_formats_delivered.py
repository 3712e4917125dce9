"""Every payload format as a receiver gets it: read by the official SDK, verified by libraries, data byte for byte."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from pytest_django import Settings
from standardwebhooks import Webhook

from tests.factories import make_delivery, make_event, secret_of
from tests.receiver import Receiver
from tests.services.engine import statements
from webhooks.core import ids
from webhooks.models import Endpoint, Event
from webhooks.services import data_schemas, event_types
from webhooks.services.drain import drain
from webhooks.services.testing import send_test

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]

DATA = '{"price":12345678901234567890.10,"n":1E5,"name":"Zo\\u00eb","ä":[-0]}'.encode()
FORMATS = ["envelope", "data", "cloudevents", "cloudevents-binary"]
VENDOR = "application/vnd.shop.v2+json"
EndpointAt = Callable[..., Endpoint]


def deliver(endpoint: Endpoint, receiver: Receiver, **fields: Any) -> tuple[Event, dict[str, str], bytes]:
    """The event, and headers (names in lower case) and body of the request that it became."""
    event = make_event(endpoint.tenant, data=DATA, fanned_out=True, **fields)
    make_delivery(endpoint, event)
    assert drain(endpoint.id).sent == 1
    request = receiver.requests()[-1]
    return event, {name.lower(): value for name, value in request.headers}, request.body


def read(headers: dict[str, str], body: bytes) -> dict[str, Any]:
    """The attributes by the SDK."""
    return dict(from_http_event(HTTPMessage(headers, body)).get_attributes())


@pytest.mark.parametrize("kind", FORMATS)
def test_the_bytes_of_data_are_those_that_were_published_and_the_signature_fits(
    endpoint_at: EndpointAt, receiver: Receiver, kind: str
) -> None:
    endpoint = endpoint_at(payload_format=kind)

    _, headers, body = deliver(endpoint, receiver)

    assert DATA in body
    assert (body == DATA) == (kind in ("data", "cloudevents-binary"))
    Webhook(secret_of(endpoint)).verify(body, headers)


@pytest.mark.parametrize("kind", ["cloudevents", "cloudevents-binary"])
def test_both_modes_carry_the_same_attributes(endpoint_at: EndpointAt, receiver: Receiver, kind: str) -> None:
    endpoint = endpoint_at(payload_format=kind)
    metadata = {"subject": "order 7", "source": "web", "sequence": "3", "nested": {"a": 1}}

    event, headers, body = deliver(endpoint, receiver, metadata=metadata, version="v2", correlation_id="c-1")

    tenant = ids.show(ids.TENANT, endpoint.tenant_id)
    assert read(headers, body) == {
        "specversion": "1.0", "id": headers["webhook-id"], "source": f"http://testserver/tenants/{tenant}",
        "type": "order.created", "time": event.created_at, "subject": "order 7", "sequence": "3",
        "correlationid": "c-1", "tenantid": tenant, "dataversion": "v2", "datacontenttype": "application/json",
    }  # fmt: skip
    expected = "application/cloudevents+json; charset=utf-8" if kind == "cloudevents" else "application/json"
    assert headers["content-type"] == expected


def test_the_source_is_a_setting(endpoint_at: EndpointAt, receiver: Receiver, settings: Settings) -> None:
    settings.WEBHOOKS_CLOUDEVENTS_SOURCE = "//shop.example/{tenant}"
    endpoint = endpoint_at(payload_format="cloudevents-binary")

    _, headers, _ = deliver(endpoint, receiver)

    assert headers["ce-source"] == f"//shop.example/{ids.show(ids.TENANT, endpoint.tenant_id)}"


@pytest.mark.parametrize("kind", ["envelope", "data", "cloudevents-binary"])
def test_a_vendor_type_and_a_version_in_the_path_go_with_every_format_without_a_type_of_its_own(
    endpoint_at: EndpointAt, receiver: Receiver, kind: str
) -> None:
    endpoint = endpoint_at(payload_format=kind, content_type=VENDOR)
    Endpoint.objects.filter(id=endpoint.id).update(url=receiver.url("/{version}/{event_type}"))

    _, headers, _ = deliver(endpoint, receiver, version="v2")

    assert headers["content-type"] == VENDOR
    assert receiver.requests("/v2/order.created")


def test_a_version_in_the_path_goes_with_cloudevents(endpoint_at: EndpointAt, receiver: Receiver) -> None:
    endpoint = endpoint_at(payload_format="cloudevents")
    Endpoint.objects.filter(id=endpoint.id).update(url=receiver.url("/{version}/{event_type}"))

    deliver(endpoint, receiver, version="v2")

    assert receiver.requests("/v2/order.created")


def test_a_batch_of_cloudevents_is_an_array(endpoint_at: EndpointAt, receiver: Receiver) -> None:
    endpoint = endpoint_at(payload_format="cloudevents", batch={"max_events": 2, "max_wait": 60})
    for n in range(2):
        make_delivery(endpoint, make_event(endpoint.tenant, data=b'{"n":%d.0}' % n, fanned_out=True))

    assert drain(endpoint.id).sent == 2

    (request,) = receiver.requests()
    headers = {name.lower(): value for name, value in request.headers}
    assert headers["content-type"] == "application/cloudevents-batch+json; charset=utf-8"
    assert [event["data"] for event in json.loads(request.body)] == [{"n": 0.0}, {"n": 1.0}]
    assert b'"data":{"n":1.0}' in request.body
    Webhook(secret_of(endpoint)).verify(request.body, headers)
    for event in json.loads(request.body):
        one = json.dumps(event).encode()
        assert read({"content-type": "application/cloudevents+json"}, one)["id"].startswith("evt_")


def test_the_schema_of_the_version_is_named_where_there_is_one(endpoint_at: EndpointAt, receiver: Receiver) -> None:
    endpoint = endpoint_at(payload_format="cloudevents-binary")
    event_types.create(
        endpoint.tenant_id, {"name": "order.created", "version": "v2", "schema": True, "enforcement": "off"}
    )
    data_schemas._uris.forget()

    for version, expected in (("v2", "http://testserver/api/event-types/order.created?version=v2"), ("v3", None)):
        _, headers, _ = deliver(endpoint, receiver, version=version)
        assert headers.get("ce-dataschema") == expected


def test_schemas_are_looked_up_once_and_for_cloudevents_only(endpoint_at: EndpointAt, receiver: Receiver) -> None:
    costs = {}
    for kind in ("envelope", "cloudevents"):
        endpoint = endpoint_at(payload_format=kind)
        deliver(endpoint, receiver)
        make_delivery(endpoint, make_event(endpoint.tenant, fanned_out=True))
        with statements() as seen:
            drain(endpoint.id)
        costs[kind] = len(seen)

    assert costs["cloudevents"] == costs["envelope"]


@pytest.mark.parametrize("kind", FORMATS)
def test_a_test_event_goes_in_every_format(endpoint_at: EndpointAt, receiver: Receiver, kind: str) -> None:
    endpoint = endpoint_at(payload_format=kind)

    send_test(endpoint.id)
    drain(endpoint.id)

    assert b"This is a test" in receiver.requests()[0].body
