"""Deliveries into queues: the same signatures, retries, breaker, log and dead letters as over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from standardwebhooks import Webhook

from tests.brokers import consume, headers_of, raw_body, running_valkey
from tests.factories import make_delivery, make_endpoint, make_event, secret_of
from tests.services.engine import SOON, later, post, run_to_quiescence, states
from webhooks.errors import InvalidInput
from webhooks.management.stack.ports import free_port
from webhooks.models import Attempt, AuditEntry, Delivery, Endpoint, Mailbox
from webhooks.models.fields import decrypt
from webhooks.net import queues
from webhooks.services import endpoints, target_check
from webhooks.services.drain import drain
from webhooks.services.testing import send_test

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]

DATA = '{"price":12345678901234567890.10,"name":"Zoë"}'.encode()
AtQueue = Callable[..., Endpoint]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_valkey(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture
def at_queue(broker: str) -> Iterator[AtQueue]:
    """Makes endpoints whose destination is the queue ``orders``."""

    def make(url: str = broker, **fields: Any) -> Endpoint:
        destination = {"type": "queue", "url": url, "queue": "orders"}
        return make_endpoint(**{"url": None, "destination": destination} | fields)

    yield make
    queues.links().clear()
    with redis.Redis.from_url(broker) as client:
        client.flushall()


def password_of(url: str) -> str:
    return url.partition("//:")[2].partition("@")[0]


@pytest.mark.parametrize("kind", ["envelope", "data", "cloudevents", "cloudevents-binary"])
def test_a_consumer_verifies_the_signature_over_the_body(at_queue: AtQueue, broker: str, kind: str) -> None:
    endpoint = at_queue(payload_format=kind, headers={"X-Team": "billing"})
    make_delivery(endpoint, make_event(endpoint.tenant, data=DATA, fanned_out=True))

    assert drain(endpoint.id).sent == 1

    (message,) = consume(broker, "orders")
    headers = headers_of(message)
    Webhook(secret_of(endpoint)).verify(raw_body(message), headers)
    assert DATA in raw_body(message)
    assert headers["X-Team"] == "billing"
    assert ("ce-id" in headers) == (kind == "cloudevents-binary")


def test_the_log_shows_where_it_went_and_no_password(at_queue: AtQueue, broker: str) -> None:
    endpoint = at_queue()
    make_delivery(endpoint, make_event(endpoint.tenant, fanned_out=True))

    drain(endpoint.id)

    attempt = Attempt.objects.get()
    assert (attempt.outcome, attempt.response_status, attempt.address) == ("succeeded", 202, "127.0.0.1")
    assert attempt.request_url == endpoint.url
    assert endpoint.url.startswith("redis://127.0.0.1:")
    assert endpoint.url.endswith("?queue=orders")
    assert password_of(broker) not in str(vars(attempt)) + endpoint.url + str(list(AuditEntry.objects.values()))
    assert states(endpoint) == ["succeeded"]


def test_a_batch_is_one_message(at_queue: AtQueue, broker: str) -> None:
    endpoint = at_queue(batch={"max_events": 3, "max_wait": 60})
    post(endpoint, 3)

    assert drain(endpoint.id).sent == 3

    (message,) = consume(broker, "orders")
    assert json.loads(raw_body(message))["event_count"] == 3


def test_a_broker_that_is_away_costs_retries_opens_the_breaker_and_buries_the_delivery(at_queue: AtQueue) -> None:
    endpoint = at_queue(f"redis://127.0.0.1:{free_port()}/0", retry_policy=SOON)
    post(endpoint, 1)

    for _ in range(4):
        drain(endpoint.id)
        later(endpoint)

    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempt_count) == ("dead", 4)
    assert set(Attempt.objects.values_list("error", flat=True)) == {"connect_refused"}
    assert Mailbox.objects.get(endpoint=endpoint).consecutive_failures == 4


def test_what_was_refused_is_delivered_when_the_broker_lets_it(at_queue: AtQueue, broker: str) -> None:
    endpoint = at_queue(broker.replace("//:", "//ada:"), retry_policy=SOON)
    post(endpoint, 2)
    drain(endpoint.id)
    assert set(Attempt.objects.values_list("error", flat=True)) == {"access_refused"}
    with redis.Redis.from_url(broker) as client:
        client.acl_setuser("ada", enabled=True, passwords=[f"+{password_of(broker)}"], categories=["+@all"], keys=["*"])

    later(endpoint)
    run_to_quiescence(endpoint.id)

    assert states(endpoint) == ["succeeded"] * 2
    assert len(consume(broker, "orders", 2)) == 2


def test_a_broker_that_answers_with_the_password_does_not_write_it_into_the_log(at_queue: AtQueue, broker: str) -> None:
    """Attack on ourselves: what the broker says is shown, and it may repeat what it was sent."""
    import socket
    import threading

    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        peer, _ = listener.accept()
        peer.recv(65536)
        peer.sendall(b"-ERR you sent canary-password-7\r\n")
        peer.recv(65536)
        peer.close()

    threading.Thread(target=serve, daemon=True).start()
    endpoint = at_queue(f"redis://ada:canary-password-7@127.0.0.1:{listener.getsockname()[1]}/0")
    post(endpoint, 1)
    drain(endpoint.id)
    listener.close()

    attempt = Attempt.objects.get()
    assert b"you sent ********" in bytes(attempt.response_body)
    assert "canary-password-7" not in str(vars(attempt))


def test_a_test_event_and_the_check_of_the_address_work(at_queue: AtQueue, broker: str) -> None:
    endpoint = at_queue()

    send_test(endpoint.id)
    drain(endpoint.id)

    (message,) = consume(broker, "orders")
    assert b"This is a test" in raw_body(message)
    assert target_check.why_unreachable(endpoint.id) == ""
    closed = at_queue("amqp://no-such-host.example.com/")
    assert target_check.why_unreachable(closed.id)


def test_a_destination_is_stored_encrypted(at_queue: AtQueue, broker: str) -> None:
    from django.db import connection

    endpoint = at_queue()
    with connection.cursor() as cursor:
        cursor.execute("SELECT destination FROM webhooks_endpoint WHERE id = %s", [endpoint.id])
        (stored,) = cursor.fetchone()

    assert password_of(broker) not in stored
    assert json.loads(decrypt(stored))["url"] == broker


def test_a_webhook_moves_from_a_queue_to_a_url_and_back(at_queue: AtQueue, broker: str) -> None:
    endpoint = at_queue()
    destination = {"type": "queue", "url": broker, "queue": "other"}

    endpoints.update(None, endpoint.id, {"url": "https://receiver.example/hook"})
    endpoint.refresh_from_db()
    assert (endpoint.url, endpoint.destination) == ("https://receiver.example/hook", None)

    endpoints.update(None, endpoint.id, {"destination": destination})
    endpoint.refresh_from_db()
    assert endpoint.url.endswith("?queue=other")
    with pytest.raises(InvalidInput, match="/url"):
        endpoints.update(None, endpoint.id, {"destination": None})
    changes = [entry.changes for entry in AuditEntry.objects.filter(action="webhook.updated")]
    assert password_of(broker) not in str(changes)
    assert any("destination" in change for change in changes)
