"""Two real worker processes: one token request, one renewal, whatever they send at once; a handshake by its task."""

from __future__ import annotations

from tests.answers import Answer
from tests.factories import make_endpoint
from tests.nodes import Workers
from tests.receiver import Receiver
from tests.services.tokens import TokenServer, auth
from tests.waiting import eventually
from webhooks import doorbells
from webhooks.models import Delivery, Endpoint, Tenant
from webhooks.services import handshake, ingest


def publish(tenant: Tenant, events: int) -> None:
    ingest.publish(tenant.id, [ingest.Draft(type="order.created", data=b"%d" % n) for n in range(events)])
    doorbells.ring_fan_out()


def test_two_processes_ask_for_one_token_and_renew_it_once(
    worker_nodes: Workers, tenant: Tenant, receiver: Receiver
) -> None:
    server = TokenServer(receiver)
    server.guard("/hook")
    endpoint = make_endpoint(tenant, receiver.url("/hook"), auth=auth(receiver), retry_policy="fast")
    workers = [worker_nodes(name=name) for name in ("one", "two")]

    def succeeded(count: int) -> bool:
        return Delivery.objects.filter(endpoint=endpoint, state="succeeded").count() == count

    publish(tenant, 200)
    eventually(lambda: succeeded(200), timeout=60)
    assert server.asked == 1
    server.revoke()
    publish(tenant, 200)
    eventually(lambda: succeeded(400), timeout=60)
    assert server.asked == 2
    for worker in workers:
        assert "canary" not in worker.logs()


def test_a_worker_asks_for_consent_and_delivers(worker_nodes: Workers, tenant: Tenant, receiver: Receiver) -> None:
    allowed = [("WebHook-Allowed-Origin", "*"), ("WebHook-Allowed-Rate", "*")]
    receiver.always("/hook", lambda request: Answer(200, allowed if request.method == "OPTIONS" else ()))
    endpoint = make_endpoint(tenant, receiver.url("/hook"), validation="cloudevents")
    worker_nodes()
    publish(tenant, 3)
    doorbells.ring_validate([endpoint.id])
    eventually(lambda: Delivery.objects.filter(endpoint=endpoint, state="succeeded").count() == 3, timeout=60)
    assert [request.method for request in receiver.requests("/hook")] == ["OPTIONS", "POST", "POST", "POST"]
    assert (Endpoint.objects.get(id=endpoint.id).state, handshake.due()) == ("active", [])
