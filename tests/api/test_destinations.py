"""``destination`` of a webhook: stored, masked, sent back, and what contradicts it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.checks import pointers
from tests.client import ApiClient
from webhooks.models import Endpoint
from webhooks.services import endpoint_destination

KEYS = {"access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "wJalrXUtnFEMI/K7MDENG"}
QUEUE = {"type": "queue", "url": "amqps://ada:s3cret-7@mq.example.com/shop", "queue": "orders"}
SQS = {"type": "sqs", "queue_url": "https://sqs.eu-west-1.amazonaws.com/123456789012/orders", **KEYS}
BUS = {"type": "eventbridge", "event_bus_name": "shop", "region": "eu-west-1", **KEYS}
KINDS = {"queue": QUEUE, "sqs": SQS, "eventbridge": BUS}


def create(api: ApiClient, destination: Any, **fields: Any) -> Any:
    return api.post("/api/webhooks", {"destination": destination, "event_types": ["*"], **fields})


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_shown_masked_in_the_place_of_the_url_and_can_be_sent_back(api: ApiClient, kind: str) -> None:
    response = create(api, KINDS[kind])
    assert response.status_code == 201, response.content
    made = response.json()

    assert (made["url"], made["webhook_url"]) == (None, None)
    assert made["destination"]["type"] == kind
    assert "********" in str(made["destination"])
    path = f"/api/webhooks/{made['id']}"
    before = Endpoint.objects.get()
    again = api.put(path, api.get(path).json() | {"timeout": 7})
    assert again.status_code == 200, again.content
    assert again.json()["destination"] == made["destination"]
    assert Endpoint.objects.get().destination == before.destination
    for answer in (response, again, api.get("/api/webhooks"), api.get("/api/audit"), api.get(path)):
        assert b"s3cret-7" not in answer.content
        assert b"wJalrXUtnFEMI" not in answer.content


@pytest.mark.parametrize(
    ("destination", "fields", "where"),
    [
        (QUEUE, {"url": "https://a.example/"}, ["/destination"]),
        (QUEUE, {"webhook_url": "https://a.example/"}, ["/destination"]),
        (None, {}, ["/url"]),
        (QUEUE, {"validation": "cloudevents"}, ["/validation"]),
        (QUEUE, {"auth": {"type": "bearer", "token": "x"}}, ["/auth"]),
        (QUEUE, {"signature_schemes": ["standard", "rfc9421"]}, ["/signature_schemes/1"]),
        (QUEUE, {"batch": {}, "payload_format": "cloudevents-binary"}, ["/payload_format"]),
        (BUS, {"payload_format": "data"}, ["/payload_format"]),
        (BUS, {"payload_format": "cloudevents-binary"}, ["/payload_format"]),
        (BUS, {"payload_format": "cloudevents", "batch": {}}, ["/batch"]),
        (QUEUE | {"url": "rediss://10.0.0.5/0"}, {}, ["/destination/url"]),
        (QUEUE | {"url": "amqps://169.254.169.254/"}, {}, ["/destination/url"]),
        (SQS | {"endpoint_url": "http://127.0.0.1:9"}, {}, ["/destination/endpoint_url"]),
    ],
    ids=range(13),
)
def test_what_contradicts_a_destination_is_refused_with_its_pointer(
    api: ApiClient, destination: Any, fields: dict[str, Any], where: list[str]
) -> None:
    response = create(api, destination, **fields)

    assert (response.status_code, pointers(response)) == (422, where)
    assert not Endpoint.objects.exists()


def test_contradictions_with_what_is_stored_are_refused_as_well(api: ApiClient) -> None:
    path = f"/api/webhooks/{create(api, QUEUE).json()['id']}"

    assert pointers(api.patch(path, {"validation": "cloudevents"})) == ["/validation"]
    assert pointers(api.patch(path, {"destination": None})) == ["/url"]
    assert pointers(api.patch(path, {"destination": BUS, "payload_format": "data"})) == ["/payload_format"]
    assert api.patch(path, {"url": "https://a.example/", "destination": None}).json()["destination"] is None


def test_a_masked_password_does_not_move_to_another_broker(api: ApiClient) -> None:
    """Attack: whoever may change the webhook, and never saw the password, has it sent to a broker of their own."""
    made = create(api, QUEUE).json()
    elsewhere = made["destination"] | {"url": made["destination"]["url"].replace("mq.example.com", "evil.example.com")}

    assert pointers(api.patch(f"/api/webhooks/{made['id']}", {"destination": elsewhere})) == ["/destination/url"]


def test_without_boto3_aws_is_refused_with_the_way_to_get_it(api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint_destination, "aws_installed", lambda: False)

    response = create(api, SQS)

    assert pointers(response) == ["/destination/type"]
    assert b"clarion-webhooks[aws]" in response.content
    assert create(api, QUEUE).status_code == 201


def test_brokers_without_tls_are_refused_where_plain_http_is(api: ApiClient, settings: Any) -> None:
    settings.WEBHOOKS_ALLOW_HTTP = False

    assert pointers(create(api, QUEUE | {"url": "amqp://mq.example.com/"})) == ["/destination/url"]
