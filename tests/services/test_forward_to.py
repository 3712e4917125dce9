"""Messages go on to the queue of their source, as they came."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis

from tests.brokers import consume, headers_of, raw_body, running_valkey
from tests.client import ApiClient
from tests.factories import make_received
from tests.services.processing import handled, only_run, words
from webhooks.core import ids
from webhooks.core.headers import MASK
from webhooks.management.stack.ports import free_port
from webhooks.models import ReceivedMessage, Source, Tenant
from webhooks.net import queues
from webhooks.services import sources
from webhooks.services.processing import process, replay

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey", "no_processors")]
BODY = b'{ "n": 1.50, "\xff": 0 }'


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_valkey(tmp_path_factory.mktemp("valkey")) as url:
        yield url
    queues.links().clear()


def message_to(tenant: Tenant, url: str, **fields: Any) -> ReceivedMessage:
    """A message of a source that sends on to the queue ``orders``."""
    destination = {"type": "queue", "url": url, "queue": "orders"}
    made = sources.create(tenant.id, {"name": "shop", "provider": "none", "forward": False, "forward_to": destination})
    values = {"body": BODY, "event_type": "order.created", "key": "o-1", "content_type": "text/plain", **fields}
    return make_received(Source.objects.get(id=made.id), **values)


def test_a_message_goes_to_the_queue_as_it_came(tenant: Tenant, broker: str) -> None:
    message = handled(message_to(tenant, broker))
    (sent,) = consume(broker, "orders")
    assert raw_body(sent) == BODY
    headers = headers_of(sent)
    assert {name: headers[name] for name in headers if name.startswith("Clarion-")} == {
        "Clarion-Received-Id": ids.show(ids.RECEIVED, message.id), "Clarion-Source": message.source.public_id,
        "Clarion-Event-Type": "order.created", "Clarion-Provider-Id": "o-1",
    }  # fmt: skip
    run = only_run(message)
    assert (run.processor, run.status, run.result["status"]) == ("forward_to", "succeeded", 202)
    assert "queue=orders" in run.result["sent_to"]


def test_a_queue_that_is_away_is_tried_again_and_replayed(tenant: Tenant, broker: str) -> None:
    message = message_to(tenant, f"redis://127.0.0.1:{free_port()}/0")
    process(message.id)
    assert words(only_run(message).id) == ["failing"]
    run = only_run(message)
    assert (run.status, run.attempts) == ("pending", 1)
    assert run.error.startswith("webhooks.errors.Unavailable: ")
    sources.update(None, message.source_id, {"forward_to": {"type": "queue", "url": broker, "queue": "orders"}})
    assert words(*replay(message.id, "forward_to")) == ["succeeded"]
    with redis.Redis.from_url(broker) as client:
        client.flushall()


def test_a_source_without_a_queue_any_more_ends_the_run(tenant: Tenant, broker: str) -> None:
    message = message_to(tenant, broker)
    process(message.id)
    sources.update(None, message.source_id, {"forward_to": None})
    assert words(only_run(message).id) == ["dead"]
    assert "no forward_to any more" in only_run(message).error


def test_answers_mask_the_password_and_a_mask_keeps_it(tenant: Tenant, api: ApiClient) -> None:
    destination = {"type": "queue", "url": "rediss://user:hush-hush@broker.example:6380/0", "queue": "orders"}
    body = {"name": "shop", "provider": "none", "forward_to": destination}
    made = api.post("/api/sources", body).json()
    assert "hush-hush" not in str(made)
    assert MASK in made["forward_to"]["url"]
    changed = api.patch(f"/api/sources/{made['id']}", {"forward_to": {**made["forward_to"], "queue": "others"}})
    assert changed.status_code == 200, changed.content
    stored = Source.objects.get().forward_to
    assert (stored["queue"], "hush-hush" in stored["url"]) == ("others", True)


def test_it_refuses_a_destination_that_is_none(api: ApiClient) -> None:
    body = {"name": "shop", "provider": "none", "forward_to": {"type": "pigeon"}}
    answer = api.post("/api/sources", body)
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/forward_to/type"]
