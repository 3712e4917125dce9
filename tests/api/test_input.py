"""Any bytes to any writer: accepted and relayed exactly, or one problem of the 4xx kind and nothing stored."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import pytest
import redis

import webhooks
from tests.api.checks import problem
from tests.client import ApiClient
from tests.factories import make_endpoint, make_key, make_tenant
from tests.receiver import Receiver
from tests.services.engine import run_to_quiescence
from webhooks.api import bodies
from webhooks.conf import conf
from webhooks.models import ApiKey, Endpoint, Event, Tenant

# --- what is relayed

RELAYED = [
    b"null", b"true", b"0", b"-0", b"1.0", b"1E5", b"1e400", b"-1e-400", b"0.10000000000000000000000000000001",
    b"12345678901234567890", b"12345678901234567890.10", b"9" * 5000, b"-" + b"9" * 5000, b'""', b"[]", b"{}",
    b'{"b":1,"a":2}', b'{"a":1,"a":2,"a":{"a":1,"a":1}}', b'{"":1,"":2}', b'{ "a" :\n[1 ,\t2\r] }',
    b'{"type":"x","id":"y","data":{"data":1},"metadata":{"metadata":1}}', b'"\\u0000"', b'{"\\u0000":"a\\u0000b"}',
    b'"\\u00e9\\ud83d\\ude00\\uD83D\\uDE00\\/\\b\\f"', '"é😀\u2028\u2029\u200f\ufeff\uffff\x7f"'.encode(),
    b'"</script><!--"', b'"\\\\ud800"', b"[" * 64 + b"]" * 64, b'{"a":' * 63 + b"[1e999]" + b"}" * 63,
    b'"' + b"x" * 200_000 + b'"', b'["' + b'","'.join([b"\\\\" * 3] * 3000) + b'"]',
]  # fmt: skip
Publish = Callable[[ApiClient, Tenant, Sequence[bytes]], list[str]]


def _events(data: Sequence[bytes]) -> list[bytes]:
    return [b'{"type":"order.created","data":%b}' % one for one in data]


def _one_by_one(api: ApiClient, tenant: Tenant, data: Sequence[bytes]) -> list[str]:
    answers = [api.post("/api/events", event) for event in _events(data)]
    assert {answer.status_code for answer in answers} == {202}
    return [answer.json()["id"] for answer in answers]


def _compressed(api: ApiClient, tenant: Tenant, data: Sequence[bytes]) -> list[str]:
    headers = {"Content-Encoding": "gzip"}
    answers = [api.post("/api/events", gzip.compress(event), headers=headers) for event in _events(data)]
    assert {answer.status_code for answer in answers} == {202}
    return [answer.json()["id"] for answer in answers]


def _in_a_batch(api: ApiClient, tenant: Tenant, data: Sequence[bytes]) -> list[str]:
    answer = api.post("/api/events/batch", b'{ "events" : [%b]\n}' % b" , ".join(_events(data)))
    assert answer.status_code == 202, answer.content
    return [event["id"] for event in answer.json()["events"]]


def _from_code(api: ApiClient, tenant: Tenant, data: Sequence[bytes]) -> list[str]:
    return [webhooks.emit("order.created", one, tenant=tenant) for one in data]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("publish", [_one_by_one, _compressed, _in_a_batch, _from_code])
def test_what_is_published_arrives_byte_for_byte(publish: Publish, receiver: Receiver, valkey: redis.Redis) -> None:
    tenant = make_tenant()
    whole = make_endpoint(tenant, receiver.url("/envelope"))
    plain = make_endpoint(tenant, receiver.url("/data"), payload_format="data")
    ids = publish(ApiClient(make_key(tenant)), tenant, RELAYED)
    run_to_quiescence(whole.id, plain.id)
    bare = {request.header("webhook-id"): request.body for request in receiver.requests("/data")}
    enveloped = {request.header("webhook-id"): request.body for request in receiver.requests("/envelope")}
    for event_id, data in zip(ids, RELAYED, strict=True):
        assert bare[event_id] == data
        _, _, rest = enveloped[event_id].partition(b'"data":')
        assert rest.startswith(data + b',"metadata":{'), data[:80]


# --- what is refused


class Writer(NamedTuple):
    """A route that reads a body. ``{id}`` is a webhook of the tenant."""

    method: str
    path: str
    body: Any
    limit: int = bodies.MAX_BYTES
    optional: bool = False


WEBHOOK = {"url": "https://receiver.example/hook", "event_types": ["*"], "description": "text"}
WRITERS = [
    Writer("POST", "/api/events", {"type": "a.b", "data": {"n": 1}, "metadata": {"m": 1}}, conf.MAX_EVENT_BYTES),
    Writer("POST", "/api/events/batch", {"events": [{"type": "a.b", "data": 1}]}, conf.MAX_BATCH_BYTES),
    Writer("POST", "/api/webhooks", WEBHOOK),
    Writer("PUT", "/api/webhooks/{id}", WEBHOOK),
    Writer("PATCH", "/api/webhooks/{id}", {"description": "text"}),
    Writer("POST", "/api/webhooks/{id}/test", {"event_type": "a.b"}, optional=True),
    Writer("POST", "/api/webhooks/{id}/rotate-secret", {"overlap_seconds": 5}, optional=True),
    Writer("POST", "/api/webhooks/{id}/pause", {"reason": "text"}, optional=True),
    Writer("POST", "/api/tenants", {"name": "text"}),
    Writer("POST", "/api/api-keys", {"name": "text"}),
]
Spoil = Callable[[bytes], bytes]


def _with(member: bytes) -> Spoil:
    """The valid body with another member before its own ones."""
    return lambda valid: b"{" + member + b"," + valid[1:]


def _first_twice(valid: bytes) -> bytes:
    name, value = next(iter(json.loads(valid).items()))
    return b"{" + json.dumps({name: value}).encode()[1:-1] + b"," + valid[1:]


# what -> (how to make it of a valid body, headers, statuses)
SPOILED: dict[str, tuple[Spoil, dict[str, str], tuple[int, ...]]] = {
    "UTF-16 with a mark": (lambda valid: valid.decode().encode("utf-16"), {}, (400, 422)),
    "UTF-16 without a mark": (lambda valid: valid.decode().encode("utf-16-le"), {}, (400, 422)),
    "UTF-16, the other end first": (lambda valid: valid.decode().encode("utf-16-be"), {}, (400, 422)),
    "UTF-32": (lambda valid: valid.decode().encode("utf-32"), {}, (400, 422)),
    "UTF-16 that says so": (
        lambda valid: valid.decode().encode("utf-16"), {"Content-Type": "application/json; charset=utf-16"}, (415,)
    ),
    "byte order mark": (lambda valid: b"\xef\xbb\xbf" + valid, {}, (400,)),
    "invalid UTF-8": (_with(b'"x":"\xff"'), {}, (422,)),
    "overlong UTF-8": (_with(b'"x":"\xc0\x80"'), {}, (422,)),
    "a surrogate in UTF-8": (_with(b'"x":"\xed\xa0\x80"'), {}, (422,)),
    "lone surrogate": (_with(b'"x":"\\ud800"'), {}, (422,)),
    "lone surrogate in a name": (_with(b'"\\udfff":1'), {}, (422,)),
    "NUL": (_with(b'"x":"\0"'), {}, (400, 422)),  # what is not known is told first
    "NUL in a name": (_with(b'"\\u0000":1'), {}, (422,)),
    "NaN": (_with(b'"x":NaN'), {}, (422,)),
    "Infinity": (_with(b'"x":-Infinity'), {}, (422,)),
    "a number beyond doubles": (_with(b'"x":1e400'), {}, (422,)),
    "5000 digits": (_with(b'"x":' + b"9" * 5000), {}, (422,)),
    "1000 levels": (_with(b'"x":' + b"[" * 1000 + b"]" * 1000), {}, (422,)),
    "100000 levels": (_with(b'"x":' + b"[" * 50_000 + b"]" * 50_000), {}, (422,)),
    "100000 levels without end": (lambda valid: b'{"x":' * 40_000, {}, (400, 422)),
    "a member twice": (_first_twice, {}, (422,)),
    "cut off": (lambda valid: valid[:-1], {}, (400,)),
    "cut off in a text": (lambda valid: valid[:3], {}, (400,)),
    "two values": (lambda valid: valid * 2, {}, (400,)),
    "a trailing comma": (lambda valid: valid[:-1] + b",}", {}, (400,)),
    "single quotes": (lambda valid: valid.replace(b'"', b"'"), {}, (400,)),
    "a comment": (lambda valid: b"/* */" + valid, {}, (400,)),
    "null": (lambda valid: b"null", {}, (422,)),
    "a number": (lambda valid: b"5", {}, (422,)),
    "a text": (lambda valid: b'"x"', {}, (422,)),
    "a list": (lambda valid: b"[%b]" % valid, {}, (422,)),
    "a form": (lambda valid: b"a=b", {"Content-Type": "application/x-www-form-urlencoded"}, (415,)),
    "a file": (lambda valid: b"--x\r\n\r\n--x--", {"Content-Type": "multipart/form-data; boundary=x"}, (415,)),
    "text": (lambda valid: valid, {"Content-Type": "text/plain"}, (415,)),
    "a media type of nobody": (lambda valid: valid, {"Content-Type": "application/json, text/plain"}, (415,)),
    "latin-1": (lambda valid: valid, {"Content-Type": "application/json; charset=iso-8859-1"}, (415,)),
    "no charset at all": (lambda valid: valid, {"Content-Type": "application/json; charset="}, (415,)),
    "not even gzip": (lambda valid: valid, {"Content-Encoding": "gzip"}, (400,)),
    "brotli": (lambda valid: valid, {"Content-Encoding": "br"}, (415,)),
    "a coding with a line break": (lambda valid: valid, {"Content-Encoding": "gzip\x0b"}, (400, 415)),
}  # fmt: skip


@pytest.fixture
def endpoint(tenant: Tenant, valkey: redis.Redis) -> Endpoint:
    return make_endpoint(tenant)


def send(client: ApiClient, writer: Writer, body: bytes, endpoint: Endpoint, headers: dict[str, str]) -> Any:
    return client.request(writer.method, writer.path.format(id=endpoint.public_id), body, headers=headers)


def clients(tenant: Tenant) -> Iterator[tuple[Writer, ApiClient]]:
    """Each writer with a client that may use it; a 500 is an answer to look at, not an exception."""
    own, platform = ApiClient(make_key(tenant), raise_errors=False), ApiClient(make_key(None), raise_errors=False)
    for writer in WRITERS:
        yield writer, platform if writer.path == "/api/tenants" else own


def _stored(endpoint: Endpoint) -> list[Any]:
    rows = [Event.objects.count(), Endpoint.objects.count(), Tenant.objects.count(), ApiKey.objects.count()]
    return [*rows, Endpoint.objects.values_list("description", "state", "updated_at").get(id=endpoint.id)]


@pytest.mark.parametrize("what", SPOILED)
def test_no_writer_takes_it(tenant: Tenant, endpoint: Endpoint, what: str) -> None:
    spoil, headers, statuses = SPOILED[what]
    pairs = list(clients(tenant))
    before = _stored(endpoint)
    for writer, client in pairs:
        answer = send(client, writer, spoil(json.dumps(writer.body).encode()), endpoint, headers)
        assert answer.status_code in statuses, (writer, answer.content)
        problem(answer, answer.status_code)
    assert _stored(endpoint) == before


def test_every_writer_takes_its_own_body_compressed_or_not(tenant: Tenant, endpoint: Endpoint) -> None:
    """Else the table above would be of refusals of something else."""
    for writer, client in clients(tenant):
        raw = json.dumps(writer.body).encode()
        assert send(client, writer, raw, endpoint, {}).status_code < 300, writer
        answer = send(client, writer, gzip.compress(raw), endpoint, {"Content-Encoding": "gzip"})
        assert answer.status_code < 300, (writer, answer.content)


def test_an_empty_body_is_400_where_something_is_needed(tenant: Tenant, endpoint: Endpoint) -> None:
    for writer, client in clients(tenant):
        for body, headers in ((b"", {}), (b" \n", {}), (gzip.compress(b""), {"Content-Encoding": "gzip"})):
            answer = send(client, writer, body, endpoint, headers)
            if writer.optional:
                assert answer.status_code < 300, writer
            else:
                problem(answer, 400)


def padded(body: Any, size: int) -> bytes:
    """The body with blanks behind it up to ``size`` bytes."""
    return json.dumps(body).encode().ljust(size)


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_a_limit_is_one_for_what_is_sent_and_for_what_it_unpacks_to(
    tenant: Tenant, endpoint: Endpoint, coding: str
) -> None:
    pack = gzip.compress if coding == "gzip" else bytes
    headers = {"Content-Encoding": coding}
    for writer, client in clients(tenant):
        for size in (writer.limit - 1, writer.limit):
            assert send(client, writer, pack(padded(writer.body, size)), endpoint, headers).status_code < 300, writer
        problem(send(client, writer, pack(padded(writer.body, writer.limit + 1)), endpoint, headers), 413)


def test_metadata_is_not_rewritten_silently(tenant: Tenant, api: ApiClient) -> None:
    """It is merged with Clarion's own and written anew: what would not survive that is refused."""
    for inside in (b'{"a":1e400}', b'{"a":1,"a":2}', b'{"b":{"a":1,"a":1}}', b'{"a":"\\u0000"}', b'{"\\u0000":1}'):
        answer = api.post("/api/events", b'{"type":"a.b","data":1,"metadata":%b}' % inside)
        assert problem(answer, 422)["errors"][0]["pointer"].startswith("/metadata"), inside
    exact = b'{"n":12345678901234567890,"s":"\xc3\xa9"}'
    assert api.post("/api/events", b'{"type":"a.b","data":1,"metadata":%b}' % exact).status_code == 202
    assert Event.objects.get().metadata == {"n": 12345678901234567890, "s": "é"}


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        (b'{"type":"a.b","type":"a.c","data":1}', "/type"),
        (b'{"type":"a.b","data":1,"data":1}', "/data"),
        (b'{"data":{"type":1},"type":"a.b","\\u0074ype":"a.c"}', "/type"),
        (b'{"id":"a","id":"b","type":"a.b","data":{"id":1}}', "/id"),
        (b'{"type":"a.b","data":"%b","data":"%b"}' % (b"x" * 5000, b"x" * 5000), "/data"),
        (b'{"type":"a.b","metadata":{},"data":[%b],"metadata":{}}' % (b"1," * 5000 + b"1"), "/metadata"),
    ],
)
def test_a_member_of_the_envelope_stands_there_once(api: ApiClient, raw: bytes, pointer: str) -> None:
    assert problem(api.post("/api/events", raw), 422)["errors"][0]["pointer"] == pointer
    batch = api.post("/api/events/batch", b'{"events":[%b]}' % raw)
    assert problem(batch, 422)["errors"][0]["pointer"] == f"/events/0{pointer}"
    assert not Event.objects.exists()
    twice = b'{"events":[{"type":"a.b","data":1}],"events":[{"type":"a.b","data":2}]}'
    assert problem(api.post("/api/events/batch", twice), 422)["errors"][0]["pointer"] == "/events"
