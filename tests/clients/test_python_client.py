"""clarion.Client and clarion.AsyncClient against a real server, with something in between that fails."""

from __future__ import annotations

import asyncio
import io
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

import clarion
from clarion._generated.models import DeliveryDetail
from clarion.batches import MAX_BYTES, parts
from tests.api.wire import Web
from tests.client import ApiClient
from tests.clients.conftest import Awaiting, Blocking
from tests.clients.gateway import CUT, Gateway, answer
from tests.factories import make_delivery, make_endpoint, make_event, make_key
from tests.services.operating import finish
from webhooks.core import ids
from webhooks.models import ApiKey, DeadLetter, Event, Tenant
from webhooks.services import api_keys

pytestmark = pytest.mark.django_db(transaction=True)
Drive = Blocking | Awaiting
BUSY = answer(503, b"<html>busy</html>", Content_Type="text/html")


# --- publishing


@pytest.mark.parametrize("text", ['{"b": 42.10,"a":\n"\\u00e9é"}', b' [1e400, {"a":1,"a":2}] '], ids=["str", "bytes"])
def test_json_text_is_sent_byte_for_byte(drive: Drive, client: Any, text: Any) -> None:
    published = drive.do(client.events.publish("order.created", text, id="own-1", metadata={"source": "pos"}))
    assert (published.id, published.duplicate) == ("own-1", False)
    event = Event.objects.get()
    assert bytes(event.data) == (text if isinstance(text, bytes) else text.encode()).strip()
    assert event.metadata == {"source": "pos"}


def test_values_are_written_as_json(drive: Drive, client: Any) -> None:
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    data = {"at": moment, "amount": Decimal("42.10")}
    drive.do(client.events.publish("a.b", data, created_at=moment, version="v2", channels=["eu"]))
    event = Event.objects.get()
    assert bytes(event.data) == b'{"at":"2026-01-02T00:00:00+00:00","amount":"42.10"}'
    assert (event.version, event.channels) == ("v2", ["eu"])


@pytest.mark.parametrize("text", ['1,"type":"refund.paid"', "{", b"\xff", ""])
def test_text_that_is_not_one_json_value_is_not_sent(drive: Drive, client: Any, gateway: Gateway, text: Any) -> None:
    with pytest.raises(ValueError, match="not JSON text"):
        drive.do(client.events.publish("order.created", text))
    assert not gateway.requests


def test_a_connection_that_breaks_after_the_request_makes_one_event(
    drive: Drive, client: Any, gateway: Gateway, pauses: list[float]
) -> None:
    gateway.plan[:] = [CUT, CUT]
    published = drive.do(client.events.publish("order.created", {"order": 1}))
    assert Event.objects.get().public_id == published.id
    keys = gateway.headers("Idempotency-Key")
    assert (len(keys), len(set(keys))) == (3, 1)
    assert len(pauses) == 2
    drive.do(client.events.publish("order.created", {"order": 1}))
    assert gateway.headers("Idempotency-Key")[-1] != keys[0], "another call is another event"
    assert Event.objects.count() == 2


def test_a_deletion_whose_answer_was_lost_is_one(
    drive: Drive, client: Any, gateway: Gateway, tenant: Tenant, pauses: list[float]
) -> None:
    endpoint = make_endpoint(tenant)
    gateway.plan[:] = [CUT]
    drive.do(client.webhooks.delete(endpoint.public_id))
    with pytest.raises(clarion.NotFound):
        drive.do(client.webhooks.delete(endpoint.public_id))


# --- retries


def test_it_waits_as_long_as_it_is_told(drive: Drive, client: Any, gateway: Gateway, pauses: list[float]) -> None:
    gateway.plan[:] = [answer(429, Retry_After="7"), BUSY, answer(409, Retry_After="2")]
    drive.do(client.events.publish("order.created", 1))
    assert pauses[0] >= 7
    assert 0 <= pauses[1] <= 1
    assert pauses[2] >= 2
    assert len(set(gateway.headers("Idempotency-Key"))) == 1


def test_who_is_to_wait_too_long_is_told(drive: Drive, client: Any, gateway: Gateway, pauses: list[float]) -> None:
    gateway.plan[:] = [answer(429, Retry_After="3600")]
    with pytest.raises(clarion.TooManyRequests) as refused:
        drive.do(client.events.publish("order.created", 1))
    assert (refused.value.retry_after, pauses) == (3600, [])


def test_it_gives_up_and_says_why(drive: Drive, gateway: Gateway, api_key: str, pauses: list[float]) -> None:
    client = type(drive).make(api_key, gateway.url, max_retries=2)
    gateway.plan[:] = [BUSY] * 3
    with pytest.raises(clarion.ServerError, match="503: an answer that is no problem document"):
        drive.do(client.events.get("x"))
    gateway.plan[:] = [CUT] * 3
    with pytest.raises(clarion.ConnectionFailed, match="RemoteProtocolError"):
        drive.do(client.events.get("x"))
    assert len(pauses) == 4
    drive.do(client.aclose() if isinstance(drive, Awaiting) else client.close())


def test_one_connection_serves_all_requests(drive: Drive, client: Any, gateway: Gateway) -> None:
    for n in range(3):
        drive.do(client.events.publish("order.created", n))
    assert gateway.connections == 1


# --- errors


def test_each_refusal_has_its_exception_with_the_problem(
    drive: Drive, client: Any, gateway: Gateway, tenant: Tenant
) -> None:
    with pytest.raises(clarion.InvalidInput) as invalid:
        drive.do(client.webhooks.create("http://user@10.0.0.1/", ["order.*"], timeout=0))
    assert {fault.pointer for fault in invalid.value.errors} == {"/url", "/timeout"}
    assert invalid.value.problem.type_ == "urn:clarion:problem:invalid-input"
    assert invalid.value.request_id == invalid.value.problem.request_id
    drive.do(client.events.publish("a.b", 1, id="taken"))
    with pytest.raises(clarion.Conflict):
        drive.do(client.events.publish("a.b", 2, id="taken"))
    with pytest.raises(clarion.TooLarge):
        drive.do(client.events.publish("a.b", "1" * 300_000))
    other = type(drive).make(make_key(tenant, "events:read"), gateway.url)
    with pytest.raises(clarion.Forbidden, match="webhooks:read"):
        drive.rows(other.webhooks.list())
    nobody = type(drive).make("clk_unknown_0", gateway.url)
    with pytest.raises(clarion.Unauthenticated):
        drive.rows(nobody.events.list())
    gateway.plan[:] = [answer(520, b"?")]
    with pytest.raises(clarion.ServerError, match="520"):
        drive.do(client.events.get("x"))
    gateway.plan[:] = [answer(200, b"<html>", Content_Type="text/html")]
    with pytest.raises(clarion.UnexpectedAnswer):
        drive.rows(client.events.list())
    for one in (other, nobody):
        drive.do(one.aclose() if isinstance(drive, Awaiting) else one.close())


def test_nothing_shows_the_key(drive: Drive, client: Any, api_key: str, gateway: Gateway) -> None:
    made = drive.do(
        client.webhooks.create("https://receiver.example/hook", ["a.b"], auth={"type": "bearer", "token": "t0k3n"})
    )
    assert made.secret not in repr(made)
    shown = [repr(client), *(repr(part) for part in vars(client).values()), repr(vars(client.events)["_core"])]
    assert not [text for text in shown if api_key[8:] in text]
    with pytest.raises(ValueError, match="API key") as refused:
        clarion.Client(api_key + " ", gateway.url)
    assert api_key not in str(refused.value)


@pytest.mark.parametrize("url", ["", "clarion.example.com", "https://user:pw@clarion.example.com", "ftp://x"])
def test_a_base_url_is_one(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLARION_URL", raising=False)
    with pytest.raises(ValueError, match="address of Clarion"):
        clarion.Client("clk_a_b", url)


# --- batches


def test_a_batch_of_any_size_is_reported_by_index(drive: Drive, client: Any, gateway: Gateway) -> None:
    events: list[Any] = [{"type": "order.created", "data": n, "id": f"order-{n}"} for n in range(1001)]
    events[3]["type"] = "order created"
    events[1000]["id"] = "no/id"  # alone in its request, which is refused as a whole
    report = drive.do(client.events.publish_batch(events))
    assert len(gateway.requests) == 2
    assert (report.accepted, report.duplicates, len(report.events)) == (999, 0, 999)
    assert [(one.index, one.errors[0].pointer) for one in report.errors] == [(3, "/type"), (1000, "/id")]
    assert drive.do(client.events.publish_batch(events[:3])).duplicates == 3


def test_a_batch_that_stops_says_where(drive: Drive, client: Any, gateway: Gateway) -> None:
    gateway.plan[:] = [answer(401)]
    with pytest.raises(clarion.BatchInterrupted) as stopped:
        drive.do(client.events.publish_batch([{"type": "a.b", "data": 1}]))
    assert (stopped.value.next_index, stopped.value.report.accepted) == (0, 0)
    assert isinstance(stopped.value.__cause__, clarion.Unauthenticated)


def test_no_request_of_a_batch_is_too_large() -> None:
    event = {"type": "a.b", "data": "x" * 200_000}
    cut = list(parts([{"type": "a.b", "data": json.dumps(event)} for _ in range(60)]))
    assert [part.first for part in cut] == [0, 24, 48]
    assert all(len(part.body) <= MAX_BYTES and len(json.loads(part.body)["events"]) == part.count for part in cut)


# --- the other resources


def test_lists_are_read_page_by_page(drive: Drive, client: Any, gateway: Gateway, tenant: Tenant) -> None:
    more = [ApiKey(tenant=tenant, name=f"k{n}", prefix=f"p{n}", secret_hash=b"", scopes=[]) for n in range(60)]
    ApiKey.objects.bulk_create(more)
    found = drive.rows(client.api_keys.list())
    assert len({key.id for key in found}) == 61
    assert len(gateway.requests) == 2


def test_webhooks_from_creation_to_deletion(drive: Drive, client: Any) -> None:
    do, hooks = drive.do, client.webhooks
    made = do(hooks.create("https://receiver.example/hook", ["order.*"], retry_policy={"schedule": [1, 2]}, timeout=5))
    assert made.secret.startswith("whsec_")
    assert made.retry_policy.schedule == [1, 2]
    assert [hook.id for hook in drive.rows(hooks.list(status="active"))] == [made.id]
    assert do(hooks.update(made.id, description="new", rate_limit={"limit": 5})).rate_limit.limit == 5
    assert do(hooks.pause(made.id, "for a while")).disabled_reason == "for a while"
    assert do(hooks.resume(made.id)).status == "active"
    assert do(hooks.disable(made.id)).status == "disabled"
    assert do(hooks.enable(made.id)).status == "active"
    assert do(hooks.rotate_secret(made.id, 60)).secret != made.secret
    assert do(hooks.replace(made.id, "https://receiver.example/other", ["*"])).description == ""
    sent = do(hooks.test(made.id))
    assert isinstance(do(client.deliveries.get(sent.delivery_id)), DeliveryDetail)
    assert drive.rows(hooks.attempts(made.id)) == []
    do(hooks.delete(made.id))
    with pytest.raises(clarion.NotFound):
        do(hooks.get(made.id))


def test_deliveries_and_dead_letters(drive: Drive, client: Any, tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    event = make_event(tenant, fanned_out=True)
    waiting, dead = make_delivery(endpoint, event), make_delivery(endpoint, make_event(tenant), state="dead")
    letter = DeadLetter.objects.create(
        tenant=tenant, endpoint=endpoint, delivery=dead, event=dead.event, attempt_count=1
    ).public_id
    assert [one.id for one in drive.rows(client.deliveries.list(status="pending"))] == [waiting.public_id]
    assert [one.id for one in drive.rows(client.events.deliveries(event.public_id))] == [waiting.public_id]
    assert drive.do(client.events.get(event.public_id)).id == event.public_id
    assert drive.do(client.deliveries.retry(waiting.public_id)).status == "pending"
    assert drive.do(client.deliveries.cancel(waiting.public_id)).status == "cancelled"
    assert [one.id for one in drive.rows(client.dead_letters.list(webhook=endpoint.public_id))] == [letter]
    assert drive.do(client.dead_letters.replay(letter)).status == "replayed"
    with pytest.raises(clarion.Conflict):
        drive.do(client.dead_letters.discard(letter))


def test_event_types(drive: Drive, client: Any) -> None:
    do, types = drive.do, client.event_types
    schema = {"type": "object", "required": ["order"]}
    assert do(types.create("order.created", schema=schema)).versions[0].version == "v1"
    with pytest.raises(clarion.InvalidInput):
        do(client.events.publish("order.created", {}))
    assert do(types.add_version("order.created", "v2", enforcement="warn")).enforcement == "warn"
    old = do(types.replace("order.created", deprecated_at=datetime(2026, 1, 1, tzinfo=UTC)))
    assert old.deprecated_at.year == 2026
    report = do(types.import_openapi({"openapi": "3.1.0", "webhooks": {"a.b": {"post": {}}}}, dry_run=True))
    assert report.created == ["a.b"]
    do(types.delete("order.created"))
    assert drive.rows(types.list()) == []


def test_sources_and_oauth_clients(drive: Drive, client: Any) -> None:
    made = drive.do(client.sources.create("The till", "none"))
    assert [one.id for one in drive.rows(client.sources.list())] == [made.id]
    assert drive.do(client.sources.update(made.id, name="Tills")).name == "Tills"
    assert drive.rows(client.received.list(source=made.id)) == []
    drive.do(client.sources.delete(made.id))
    program = drive.do(client.oauth_clients.create("billing", scopes=["events:write"]))
    assert program.client_secret not in repr(program)
    rotated = drive.do(client.oauth_clients.rotate_secret(program.id, 60))
    assert (rotated.client_id, rotated.overlap_seconds) == (program.id, 60)
    assert rotated.client_secret not in (program.client_secret, repr(rotated))
    drive.do(client.oauth_clients.revoke(program.id))
    assert drive.do(client.oauth_clients.get(program.id)).revoked_at


def test_replays(drive: Drive, client: Any, tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant)
    event = make_event(tenant, fanned_out=True)
    make_delivery(endpoint, event, state="dead")
    since = datetime(2026, 1, 1, tzinfo=UTC)
    ordered = drive.do(client.webhooks.replay(endpoint.public_id, status=["dead", "held"], since=since, dry_run=True))
    operation = drive.do(client.operations.get(ordered.operation_id))
    assert (operation.type_, operation.params["dry_run"]) == ("replay", True)
    for webhooks in (None, [endpoint.public_id]):
        (made,) = drive.do(client.events.replay(event.public_id, webhooks)).deliveries
        assert drive.do(client.deliveries.get(made)).webhook_id == endpoint.public_id


def test_the_file_of_an_export_comes_in_parts(
    drive: Drive, client: Any, gateway: Gateway, tenant: Tenant, api_key: str
) -> None:
    event = make_event(tenant)
    id = drive.do(client.operations.create("export", params={"what": "events"})).operation_id
    file = io.BytesIO()
    with pytest.raises(clarion.NoResult, match="pending"):
        drive.do(client.operations.download(id, file))
    key = ids.parse(ids.OPERATION, id)
    assert key
    finish(key)
    assert drive.do(client.operations.download(id, file)) == len(file.getvalue())
    assert json.loads(file.getvalue())["id"] == event.public_id
    operation = answer(200, ApiClient(api_key).get(f"/api/operations/{id}").content, Content_Type="application/json")
    broken = b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nno length\r\n"
    gateway.plan[:] = [operation, broken]
    with pytest.raises(clarion.ConnectionFailed, match="after 3 bytes"):
        drive.do(client.operations.download(id, io.BytesIO()))
    gateway.plan[:] = [operation, answer(200, b"<html>", Content_Type="text/html")]
    with pytest.raises(clarion.UnexpectedAnswer):
        drive.do(client.operations.download(id, io.BytesIO()))
    gateway.plan[:] = [operation, answer(404)]
    with pytest.raises(clarion.NotFound):
        drive.do(client.operations.download(id, io.BytesIO()))


def test_the_audit_log(drive: Drive, client: Any) -> None:
    hook = drive.do(client.webhooks.create("https://receiver.example/hook", ["order.*"]))
    drive.do(client.webhooks.pause(hook.id))
    (entry,) = drive.rows(client.audit.list(action="webhook.paused", object=hook.id))
    assert entry.actor.kind == "api_key"
    assert len(drive.rows(client.audit.list(actor=entry.actor.id))) >= 2
    assert drive.rows(client.audit.list(created_before=datetime(2020, 1, 1, tzinfo=UTC))) == []


def test_a_platform_key_acts_for_the_tenant_it_names(
    drive: Drive, gateway: Gateway, tenant: Tenant, platform_key: str
) -> None:
    client = type(drive).make(platform_key, gateway.url, tenant=tenant.slug)
    drive.do(client.events.publish("a.b", None))
    assert Event.objects.get().tenant_id == tenant.id
    assert drive.do(client.tenants.get(tenant.slug)).name == tenant.name
    made = drive.do(client.api_keys.create("another", scopes=["events:write"]))
    assert api_keys.authenticate(made.token)
    drive.do(client.api_keys.revoke(made.id))
    assert drive.do(client.api_keys.get(made.id)).revoked_at
    drive.do(client.aclose() if isinstance(drive, Awaiting) else client.close())


def test_leaving_the_block_closes_the_connections(web: Web, api_key: str) -> None:
    with clarion.Client(api_key, f"http://127.0.0.1:{web.port}") as client:
        client.events.publish("a.b", 1)
    with pytest.raises(RuntimeError, match="closed"):
        client.events.publish("a.b", 1)

    async def block() -> None:
        async with clarion.AsyncClient(api_key, f"http://127.0.0.1:{web.port}") as later:
            await asyncio.gather(*(later.events.publish("a.b", n) for n in range(5)))
        with pytest.raises(RuntimeError, match="closed"):
            await later.events.publish("a.b", 1)

    asyncio.run(block())
    assert Event.objects.count() == 6


def test_a_transport_of_ones_own_is_used(gateway: Gateway, api_key: str) -> None:
    class Watched(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            seen.append(request.url.raw_path)
            return super().handle_request(request)

    seen: list[bytes] = []
    with clarion.Client(api_key, f"{gateway.url}/api/", transport=Watched()) as client, pytest.raises(clarion.NotFound):
        client.events.get("a/b")
    assert seen == [b"/api/events/a%2Fb"]
