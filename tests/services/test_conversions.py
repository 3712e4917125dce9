"""An endpoint that is pinned to a version keeps getting that one, converted when it is sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.factories import make_delivery, make_endpoint, make_event, secret_of
from tests.receiver import Receiver
from tests.services.engine import HOOK, SOON, run_to_quiescence, statements, states
from webhooks.core import conversions, ids
from webhooks.models import Attempt, Delivery, Endpoint, Event
from webhooks.services import deliveries, event_types
from webhooks.services.drain import drain
from webhooks.services.fan_out import fan_out
from webhooks.services.testing import send_test

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]

V3 = b'{"amount": {"value": 42.10, "currency": "EUR"}, "id": 12345678901234567890}'


@pytest.fixture(autouse=True)
def steps() -> Iterator[dict[str, Any]]:
    """order.created from v3 to v2 to v1. A step can be replaced by another function, or taken away."""
    found: dict[str, Any] = {
        "v2": lambda data: {**data, "amount": data["amount"]["value"]},
        "v1": lambda data: {"total": data["amount"], "id": data["id"]},
    }
    conversions._steps["order.created"] = {
        "v3": {"v2": lambda data: found["v2"](data)}, "v2": {"v1": lambda data: found["v1"](data)},
    }  # fmt: skip
    yield found
    conversions._steps.pop("order.created", None)


def event(endpoint: Endpoint, data: bytes = V3, version: str = "v3", **fields: Any) -> Event:
    return make_event(endpoint.tenant, data=data, version=version, **fields)


def deliver(endpoint: Endpoint) -> None:
    fan_out()
    run_to_quiescence(endpoint.id)


def bodies(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(request.body) for request in receiver.requests()]


def test_the_data_is_converted_along_the_chain_and_signed_as_sent(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    endpoint = endpoint_at(version="v1", event_types=["order.*"])
    event(endpoint)
    deliver(endpoint)
    (request,) = receiver.requests()
    assert b'"version":"v1","data":{"total":42.10,"id":12345678901234567890},' in request.body
    Webhook(secret_of(endpoint)).verify(request.body, {k.lower(): v for k, v in request.headers})


def test_each_endpoint_gets_the_version_it_is_pinned_to(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    pinned = [endpoint_at(version=version) for version in ("v1", "v2", "v3", "")]
    other = endpoint_at(version="v4", tenant=pinned[0].tenant)
    for endpoint in pinned[1:]:
        Endpoint.objects.filter(id=endpoint.id).update(tenant=pinned[0].tenant)
        endpoint.subscriptions.update(tenant=pinned[0].tenant)
        endpoint.mailbox.tenant = pinned[0].tenant
        endpoint.mailbox.save()
    made = event(pinned[0])
    fan_out()
    run_to_quiescence(*[endpoint.id for endpoint in pinned])
    assert sorted(body["version"] for body in bodies(receiver)) == ["v1", "v2", "v3", "v3"]
    made.refresh_from_db()
    assert (made.matched, made.routing) == (4, [{"webhook": other.public_id, "reason": "version"}])


def test_an_older_event_is_not_made_newer(endpoint_at: Callable[..., Endpoint]) -> None:
    endpoint = endpoint_at(version="v3")
    made = event(endpoint, b"{}", version="v1")
    fan_out()
    made.refresh_from_db()
    assert made.routing == [{"webhook": endpoint.public_id, "reason": "version"}]


def test_only_the_data_and_the_version_in_the_path_are_of_the_pin(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    endpoint = endpoint_at(version="v2", payload_format="data")
    Endpoint.objects.update(url=endpoint.url.replace(HOOK, "/{version}/hook"))
    event(endpoint)
    deliver(endpoint)
    (request,) = receiver.requests()
    assert request.body == b'{"amount":42.10,"id":12345678901234567890}'
    assert "/v2/hook" in request.path


def test_events_of_the_pinned_version_and_of_none_are_sent_as_they_are(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    endpoint = endpoint_at(version="v1", payload_format="data")
    raw = b'{ "total" : 1.0, "total" : 1E5 }'
    event(endpoint, raw, version="v1")
    event(endpoint, raw, version="")
    deliver(endpoint)
    assert [request.body for request in receiver.requests()] == [raw, raw]


def test_a_batch_holds_converted_events(endpoint_at: Callable[..., Endpoint], receiver: Receiver) -> None:
    endpoint = endpoint_at(version="v2", batch={"max_events": 3, "max_wait": 0})
    for version in ("v3", "v2", "v3"):
        event(endpoint, V3 if version == "v3" else b'{"amount": 1}', version=version)
    deliver(endpoint)
    sent = [one for body in bodies(receiver) for one in body["events"]]
    assert [one["version"] for one in sent] == ["v2"] * 3
    assert sorted(one["data"]["amount"] for one in sent) == [1, 42.1, 42.1]


# --- failures


def broken(data: Any) -> Any:
    raise KeyError("4111 1111 1111 1111")


def test_a_conversion_that_fails_is_seen_and_tried_again(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver, steps: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    good, steps["v1"] = steps["v1"], broken
    endpoint = endpoint_at(version="v1", retry_policy=SOON)
    event(endpoint)
    fan_out()
    drain(endpoint.id)
    attempt = Attempt.objects.get()
    assert (attempt.error, attempt.outcome, attempt.request_url) == ("conversion_failed", "failed", "")
    assert attempt.detail == "The conversion of order.created to v1 failed with KeyError."
    assert Delivery.objects.get().reason == attempt.detail
    assert states(endpoint) == ["pending"]
    endpoint.mailbox.refresh_from_db()
    assert endpoint.mailbox.consecutive_failures == 0, "the receiver has no part in it"
    steps["v1"] = good
    run_to_quiescence(endpoint.id)
    assert states(endpoint) == ["succeeded"]
    assert bodies(receiver)[0]["data"]["total"] == 42.1


def test_a_conversion_that_keeps_failing_ends_dead_and_can_be_replayed(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver, steps: dict[str, Any]
) -> None:
    good, steps["v2"] = steps["v2"], broken
    endpoint = endpoint_at(version="v1", retry_policy="none")
    event(endpoint)
    deliver(endpoint)
    assert states(endpoint) == ["dead"]
    assert "KeyError" in Delivery.objects.get().reason
    assert not receiver.requests()
    steps["v2"] = good
    made, _ = deliveries.create([(Event.objects.get().id, endpoint.id)], "replay")
    run_to_quiescence(endpoint.id)
    assert Delivery.objects.get(id=made[0]).state == "succeeded"


def test_what_has_no_conversion_any_more_is_never_sent_in_another_version(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    endpoint = endpoint_at(version="v1", retry_policy="none")
    event(endpoint)
    fan_out()
    conversions._steps.pop("order.created")
    run_to_quiescence(endpoint.id)
    assert states(endpoint) == ["dead"]
    assert not receiver.requests()


def test_one_event_of_a_batch_that_fails_leaves_the_others_alone(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    endpoint = endpoint_at(version="v2", retry_policy="none", batch={"max_events": 3, "max_wait": 0})
    for data in (V3, b"[]", V3):
        event(endpoint, data)
    deliver(endpoint)
    assert sorted(states(endpoint)) == ["dead", "succeeded", "succeeded"]
    assert sum(body["event_count"] for body in bodies(receiver)) == 2


def test_an_ordered_endpoint_waits_for_a_conversion_like_for_a_retry(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver, steps: dict[str, Any]
) -> None:
    good, steps["v2"] = steps["v2"], broken
    endpoint = endpoint_at(version="v2", ordered=True, retry_policy={"schedule": [600], "jitter": 0})
    for n in range(3):
        event(endpoint, V3 if n == 0 else b'{"amount": 1}', version="v3" if n == 0 else "v2")
    fan_out()
    drain(endpoint.id)
    drain(endpoint.id)
    assert not receiver.requests()
    assert states(endpoint) == ["pending"] * 3
    steps["v2"] = good


# --- tests of an endpoint


def test_a_test_carries_the_example_of_the_type_in_the_version_of_the_pin(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    endpoint = endpoint_at(payload_format="envelope")
    type_id = event_types.create(None, {"name": "a.b", "version": "v2", "example": {"n": 2.50}})
    event_types.add_version(type_id, {"version": "v1", "example": {"n": 1}})
    event_types.create(endpoint.tenant_id, {"name": "a.c"})
    send_test(endpoint.id, "a.b")
    run_to_quiescence(endpoint.id)
    Endpoint.objects.update(version="v1", updated_at="2030-01-01T00:00:00Z")
    send_test(endpoint.id, "a.b")
    run_to_quiescence(endpoint.id)
    Endpoint.objects.update(version="v9", updated_at="2030-01-02T00:00:00Z")
    send_test(endpoint.id, "a.b")
    send_test(endpoint.id, "a.c")
    run_to_quiescence(endpoint.id)
    sent = [(body["type"], body["version"], body["data"]) for body in bodies(receiver)]
    assert sent[:3] == [("a.b", "v2", {"n": 2.5}), ("a.b", "v1", {"n": 1}), ("a.b", "v2", {"n": 2.5})]
    assert sent[3][2]["message"].startswith("This is a test")


# --- what it costs


def test_an_endpoint_without_a_pin_never_asks_for_a_conversion(
    endpoint_at: Callable[..., Endpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*_: Any) -> Any:
        raise AssertionError

    monkeypatch.setattr(conversions, "convert", asked)
    endpoint = endpoint_at()
    event(endpoint)
    deliver(endpoint)
    assert states(endpoint) == ["succeeded"]


def test_routing_takes_no_statement_more(endpoint_at: Callable[..., Endpoint]) -> None:
    def cost(version: str) -> int:
        event(endpoint_at(version="v1"), version=version)
        with statements() as seen:
            fan_out()
        return len(seen)

    assert cost("v3") == cost("v1")


def test_the_key_of_a_delivery_does_not_depend_on_the_version() -> None:
    endpoint = make_endpoint(version="v1")
    made = event(endpoint)
    fan_out()
    assert Delivery.objects.get().id == ids.delivery_id(made.id, endpoint.id)
    assert make_delivery(make_endpoint()).state == "pending"
