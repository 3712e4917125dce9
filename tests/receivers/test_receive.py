"""``/in/{source}``: the order of checks, their answers, and what is kept."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import redis
from pytest_django import Settings

from tests.api.checks import problem
from tests.factories import make_source
from tests.receivers.sending import send, signed
from webhooks import doorbells
from webhooks.core import ids
from webhooks.models import ReceivedKey, ReceivedMessage, Source, Tenant
from webhooks.services import receiving, sources

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]

BODY = b'{"id": "m-1", "type": "order.created", "n": 1.10}'
SECRET = "only-for-tests"


@pytest.fixture
def source(tenant: Tenant) -> Source:
    return make_source(tenant, "hex", secrets=[SECRET])


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The ids that were rung for, in place of a broker."""
    found: list[Any] = []
    monkeypatch.setattr(doorbells, "ring_process", found.extend)
    return found


def test_a_genuine_message_is_kept_byte_for_byte_and_rung_for(source: Source, rung: list[Any]) -> None:
    answer = send(source, BODY, REMOTE_ADDR="192.0.2.7")
    assert answer.status_code == 202
    row = ReceivedMessage.objects.get()
    assert answer.json() == {"received_id": ids.show(ids.RECEIVED, row.id)}
    assert (bytes(row.body), row.key, row.type, row.event_type) == (BODY, "m-1", "order.created", "order.created")
    assert (row.status, row.verification, row.processed_at) == ("received", "verified", None)
    assert (row.tenant_id, row.source_id, row.remote_address) == (source.tenant_id, source.id, "192.0.2.7")
    assert row.content_type == "application/json"
    assert row.answer == {"status": 202, "body": answer.json()}
    assert rung == [row.id]
    assert "Set-Cookie" not in answer


def test_a_repeat_gets_the_first_answer_and_is_not_kept(source: Source, rung: list[Any]) -> None:
    first, second = send(source, BODY), send(source, BODY)
    assert (first.status_code, second.status_code) == (202, 200)
    assert first.json() == second.json()
    assert ReceivedMessage.objects.count() == ReceivedKey.objects.count() == len(rung) == 1


def test_without_an_id_the_content_tells_a_repeat(source: Source) -> None:
    assert [send(source, body).status_code for body in (b"{}", b"{}", b"{ }", b"")] == [202, 200, 202, 202]


def test_the_same_id_of_two_sources_is_two_messages(source: Source, tenant: Tenant) -> None:
    other = make_source(tenant, "hex", secrets=[SECRET])
    assert [send(one, BODY).status_code for one in (source, other)] == [202, 202]


# --- 404


@pytest.mark.parametrize("text", ["x", "src_", "src_" + "0" * 32, "wh_" + "0" * 32, "0" * 500, "%00"])
def test_an_unknown_source_is_404(text: str) -> None:
    problem(send(text, BODY), 404)


def test_a_source_that_is_off_deleted_or_of_an_inactive_tenant_looks_unknown(source: Source) -> None:
    unknown = problem(send(ids.show(ids.SOURCE, ids.new_id()), BODY), 404)
    headers = signed(source, BODY)
    for change in ({"active": False}, {"active": True, "deleted_at": "2026-01-01T00:00:00Z"}):
        Source.objects.filter(id=source.id).update(**change)
        found = problem(send(source, BODY, headers), 404)
        assert {**found, "instance": "", "request_id": ""} == {**unknown, "instance": "", "request_id": ""}
    Source.objects.filter(id=source.id).update(deleted_at=None)
    Tenant.objects.filter(id=source.tenant_id).update(active=False)
    problem(send(source, BODY, headers), 404)
    assert not ReceivedMessage.objects.exists()


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "HEAD", "TRACE"])
def test_other_methods_are_405(source: Source, method: str) -> None:
    answer = send(source, BODY, method=method)
    assert answer.status_code == 405
    assert answer["Allow"] == "POST, OPTIONS"


# --- 403


def test_an_address_outside_the_list_is_403_whatever_it_signs(source: Source) -> None:
    Source.objects.filter(id=source.id).update(allowed_ips=["192.0.2.0/24", "2001:db8::/32"])
    for address in ("192.0.2.9", "2001:db8::1", "::ffff:192.0.2.9"):
        assert send(source, address.encode(), REMOTE_ADDR=address).status_code == 202
    for address in ("198.51.100.1", "2001:db9::1", "::ffff:198.51.100.1", ""):
        problem(send(source, BODY, REMOTE_ADDR=address), 403)
    assert set(ReceivedMessage.objects.filter(status="refused").values_list("verification", flat=True)) == {"address"}


def test_the_address_is_taken_from_proxies_that_are_trusted_and_from_nobody_else(
    source: Source, settings: Settings
) -> None:
    """Attack: X-Forwarded-For of the client's own."""
    Source.objects.filter(id=source.id).update(allowed_ips=["192.0.2.0/24"])
    headers = signed(source, BODY) | {"X-Forwarded-For": "192.0.2.9, 198.51.100.1"}
    problem(send(source, BODY, headers, REMOTE_ADDR="203.0.113.1"), 403)
    settings.WEBHOOKS_TRUSTED_PROXIES = 1
    problem(send(source, BODY, headers, REMOTE_ADDR="203.0.113.1"), 403)
    settings.WEBHOOKS_TRUSTED_PROXIES = 2
    assert send(source, BODY, headers, REMOTE_ADDR="203.0.113.1").status_code == 202


# --- 429


def test_too_many_requests_are_429_with_the_time_to_wait(source: Source) -> None:
    Source.objects.filter(id=source.id).update(rate_limit={"limit": 2, "period": 3600})
    assert [send(source, b"%d" % n).status_code for n in range(3)] == [202, 202, 429]
    answer = send(source, b"4")
    assert 1700 < int(answer["Retry-After"]) <= 1800
    problem(answer, 429)


def test_refused_requests_do_not_use_up_the_limit_of_the_genuine(source: Source) -> None:
    Source.objects.filter(id=source.id).update(rate_limit={"limit": 1, "period": 3600})
    for n in range(5):
        problem(send(source, BODY, {}, REMOTE_ADDR=f"198.51.100.{n}"), 401)
    assert send(source, BODY, REMOTE_ADDR="192.0.2.1").status_code == 202
    problem(send(source, b"other", REMOTE_ADDR="192.0.2.1"), 429)


@pytest.mark.parametrize("genuine", [True, False])
def test_a_flood_from_one_address_leaves_others_alone(source: Source, settings: Settings, genuine: bool) -> None:
    settings.WEBHOOKS_RECEIVE_ADDRESS_LIMIT = 3 if genuine else 1000
    settings.WEBHOOKS_RECEIVE_REFUSED_LIMIT = 3
    settings.WEBHOOKS_RECEIVE_PERIOD = 3600
    headers = None if genuine else {"X-Webhook-Signature": "0" * 64}
    statuses = [send(source, b"%d" % n, headers, REMOTE_ADDR=f"2001:db8::{n}").status_code for n in range(5)]
    assert statuses == [202 if genuine else 401] * 3 + [429, 429], "one /64 is one client"
    assert send(source, BODY, REMOTE_ADDR="192.0.2.1").status_code == 202
    other = make_source(source.tenant, "hex", secrets=[SECRET])
    assert send(other, BODY, REMOTE_ADDR="2001:db8::1").status_code == 202


def test_without_redis_nothing_is_limited_and_nothing_refused_is_kept(source: Source, settings: Settings) -> None:
    settings.WEBHOOKS_REDIS_URL = "redis://127.0.0.1:1/0"
    Source.objects.filter(id=source.id).update(rate_limit={"limit": 1, "period": 3600})
    assert [send(source, b"%d" % n).status_code for n in range(3)] == [202, 202, 202]
    problem(send(source, BODY, {}), 401)
    assert not ReceivedMessage.objects.filter(status="refused").exists()


# --- 413, 415


def test_a_body_above_the_limit_is_413_and_not_read(source: Source) -> None:
    Source.objects.filter(id=source.id).update(max_bytes=10)
    assert send(source, b"x" * 10).status_code == 202
    problem(send(source, b"x" * 11), 413)
    problem(send(source, b"x" * 5, CONTENT_LENGTH="9" * 30), 413)


def test_a_compressed_body_is_415(source: Source) -> None:
    answer = send(source, BODY, signed(source, BODY) | {"Content-Encoding": "gzip"})
    problem(answer, 415)
    assert answer["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    "content_type", ["", "text/plain; charset=utf-16", "multipart/form-data; boundary=x", "x" * 500]
)
def test_any_content_type_is_taken(source: Source, content_type: str) -> None:
    assert send(source, b"\xff\xfe\x00", content_type=content_type).status_code == 202
    assert bytes(ReceivedMessage.objects.get().body) == b"\xff\xfe\x00"


# --- 401


def _requests(source: Source) -> dict[str, dict[str, str]]:
    good = signed(source, BODY)
    return {
        "missing": {},
        "wrong": good | {"webhook-signature": "v1," + "A" * 43 + "="},
        "stale": signed(source, BODY, time.time() - 1000),
        "ahead": signed(source, BODY, time.time() + 1000),
        "not ASCII": good | {"webhook-signature": "v1,\xe9"},
        "empty": good | {"webhook-signature": ""},
        "not base64": good | {"webhook-signature": "v1,%%%"},
        "long": good | {"webhook-signature": "v1,x " * 1000},
        "other digits": good | {"webhook-timestamp": "\u0661"},
        "no number": good | {"webhook-timestamp": "1e9"},
    }


def test_every_failure_of_a_signature_is_the_same_401(tenant: Tenant) -> None:
    source = make_source(tenant, "standard", secrets=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
    answers = {name: send(source, BODY, headers) for name, headers in _requests(source).items()}
    bodies = {json.dumps(problem(answer, 401) | {"request_id": ""}, sort_keys=True) for answer in answers.values()}
    headers = {
        json.dumps(sorted((name, value) for name, value in answer.items() if name != "X-Request-ID"))
        for answer in answers.values()
    }
    assert len(bodies) == len(headers) == 1
    words = set(ReceivedMessage.objects.values_list("verification", flat=True))
    assert words == {"missing", "wrong", "stale"}


def test_refused_requests_are_kept_with_the_reason_and_never_with_what_was_expected(source: Source) -> None:
    headers = {"X-Webhook-Signature": "0" * 64, "Authorization": "Bearer abcdefgh", "X-Api-Key": "hunter22"}
    send(source, BODY, headers, REMOTE_ADDR="192.0.2.7")
    row = ReceivedMessage.objects.get()
    assert (row.status, row.verification, row.key) == ("refused", "wrong", "")
    assert row.processed_at is not None
    assert (bytes(row.body), row.remote_address) == (BODY, "192.0.2.7")
    kept = json.dumps(row.headers)
    assert "0" * 64 in kept
    for secret in ("abcdefgh", "hunter22", SECRET, signed(source, BODY)["X-Webhook-Signature"]):
        assert secret not in kept + row.reason


def test_no_more_than_a_few_refused_requests_are_kept_in_an_hour(source: Source, settings: Settings) -> None:
    """Attack: requests without end that fill the table."""
    settings.WEBHOOKS_REFUSED_KEPT = 3
    for n in range(10):
        problem(send(source, b"x" * 100_000, {}, REMOTE_ADDR=f"198.51.100.{n}"), 401)
    rows = ReceivedMessage.objects.filter(status="refused")
    assert rows.count() == 3
    assert {len(row.body) for row in rows} == {receiving.REFUSED_BODY}
    assert not ReceivedKey.objects.exists()


def test_a_refused_request_takes_nobodys_id(source: Source) -> None:
    problem(send(source, BODY, {}), 401)
    assert send(source, BODY).status_code == 202


def test_an_empty_secret_lets_nobody_in(tenant: Tenant) -> None:
    for secrets in ([], [""]):
        source = make_source(tenant, "github", secrets=secrets)
        problem(send(source, BODY, {"X-Hub-Signature-256": "sha256=" + "0" * 64}), 401)


def test_an_old_secret_counts_until_its_time_is_over(source: Source) -> None:
    old = signed(source, BODY)
    sources.rotate_secret(source.id, overlap_seconds=3600)
    assert send(source, BODY, old).status_code == 202
    source.refresh_from_db()
    assert send(source, b"new").status_code == 202
    sources.rotate_secret(source.id, overlap_seconds=0)
    problem(send(source, BODY, old), 401)


# --- 422


def test_content_that_fails_the_schema_is_422_and_kept_as_rejected(source: Source, rung: list[Any]) -> None:
    sources.update(None, source.id, {"schema": {"type": "object", "required": ["amount"]}})
    answer = send(source, BODY)
    found = problem(answer, 422)
    row = ReceivedMessage.objects.get()
    assert found["received_id"] == ids.show(ids.RECEIVED, row.id)
    assert "amount" in found["errors"][0]["detail"]
    assert (row.status, row.verification, row.key) == ("rejected", "verified", "m-1")
    assert row.processed_at is not None
    assert "amount" in row.reason
    repeated = problem(send(source, BODY), 422)
    assert repeated["received_id"] == found["received_id"], "a repeat gets the first answer"
    assert ReceivedMessage.objects.count() == 1
    assert rung == []


def test_a_rejected_message_is_taken_when_it_comes_again_and_passes(source: Source, rung: list[Any]) -> None:
    sources.update(None, source.id, {"schema": False})
    problem(send(source, BODY), 422)
    sources.update(None, source.id, {"schema": None})
    answer = send(source, BODY)
    assert answer.status_code == 202
    assert send(source, BODY).json() == answer.json()
    assert sorted(ReceivedMessage.objects.values_list("status", flat=True)) == ["received", "rejected"]
    assert len(rung) == ReceivedKey.objects.count() == 1


@pytest.mark.parametrize(
    "body", [b"", b"not json", b'{"a": NaN}', b"\xff", b'{"a": 1, "a": 2}', b"[" * 1000, b'"\\ud800"', b"1" * 2000]
)
def test_what_a_schema_cannot_be_asked_about_is_422(source: Source, body: bytes) -> None:
    sources.update(None, source.id, {"schema": True})
    problem(send(source, body), 422)


def test_the_messages_of_a_batch_share_a_budget_of_checking(source: Source, settings: Settings) -> None:
    """Attack: a thousand events in one request, each of which takes as long to check as one may."""
    sources.update(None, source.id, {"schema": {"uniqueItems": True}})
    settings.WEBHOOKS_SCHEMA_STEPS = 1000
    kind = "application/cloudevents-batch+json"
    events = [_event(str(n), data=list(range(200))) for n in range(100)]
    answer = send(source, json.dumps(events).encode(), content_type=kind)
    assert answer.status_code in (207, 422)
    assert "steps" in answer.json()["errors"][-1]["errors"][0]["detail"]


# --- CloudEvents


def _event(id: str, **more: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": id, "source": "/shop", "type": "order.paid", "data": {"n": 1}, **more}


def test_a_batch_of_cloudevents_is_split(source: Source, rung: list[Any]) -> None:
    raw = json.dumps([_event("1"), _event("2"), _event("1")]).encode()
    answer = send(source, raw, content_type="application/cloudevents-batch+json")
    assert answer.status_code == 202
    rows = list(ReceivedMessage.objects.order_by("id"))
    shown = [ids.show(ids.RECEIVED, row.id) for row in rows]
    assert answer.json() == {"received_ids": [*shown, shown[0]], "duplicates": 1, "errors": []}
    assert [row.key for row in rows] == ["/shop#1", "/shop#2"]
    assert json.loads(bytes(rows[1].body)) == _event("2")
    assert rung == [row.id for row in rows]
    again = send(source, raw, content_type="application/cloudevents-batch+json")
    assert (again.status_code, again.json()["duplicates"]) == (200, 3)


def test_a_batch_with_faults_says_which(source: Source) -> None:
    kind = "application/cloudevents-batch+json"
    answer = send(source, json.dumps([_event("1"), _event("", data=1)]).encode(), content_type=kind)
    assert answer.status_code == 207
    (fault,) = answer.json()["errors"]
    assert (fault["index"], fault["errors"][0]["pointer"]) == (1, "/id")
    problem(send(source, json.dumps([_event("")]).encode(), content_type=kind), 422)
    problem(send(source, b"{}", content_type=kind), 422)
    assert send(source, b"[]", content_type=kind).json() == {"received_ids": [], "duplicates": 0, "errors": []}


def test_a_binary_cloudevent_has_its_type_and_id_in_headers(source: Source) -> None:
    headers = {"ce-specversion": "1.0", "ce-id": "9", "ce-source": "/s", "ce-type": "a.b"}
    assert send(source, b"raw", signed(source, b"raw") | headers, content_type="text/plain").status_code == 202
    row = ReceivedMessage.objects.get()
    assert (row.type, row.key, bytes(row.body)) == ("a.b", "/s#9", b"raw")


def test_the_handshake_gives_consent(source: Source) -> None:
    Source.objects.filter(id=source.id).update(rate_limit={"limit": 600, "period": 60})
    headers = {"WebHook-Request-Origin": "events.example.com", "WebHook-Request-Rate": "1000"}
    answer = send(source, b"", headers, method="OPTIONS")
    assert answer.status_code == 200
    assert answer["WebHook-Allowed-Origin"] == "events.example.com"
    assert answer["WebHook-Allowed-Rate"] == "600"
    assert "WebHook-Allowed-Origin" not in send(source, b"", {}, method="OPTIONS")
    problem(send("src_" + "0" * 32, b"", headers, method="OPTIONS"), 404)


# --- providers with ways of their own


def test_slack_is_told_its_challenge_when_it_is_genuine(tenant: Tenant) -> None:
    source = make_source(tenant, "slack", secrets=[SECRET])
    body = b'{"type": "url_verification", "challenge": "abc"}'
    assert send(source, body).json() == {"challenge": "abc"}
    problem(send(source, body, {}), 401)
    assert not ReceivedMessage.objects.exclude(status="refused").exists()


def test_api_keys_are_masked_where_they_are_kept(tenant: Tenant) -> None:
    source = make_source(tenant, "api_key", secrets=["key-for-tests-1"], verification={"header": "X-Who"})
    assert send(source, BODY).status_code == 202
    assert ["X-Who", "********"] in ReceivedMessage.objects.get().headers


def test_a_source_without_verification_says_so(tenant: Tenant) -> None:
    assert send(make_source(tenant, "none"), BODY).status_code == 202
    assert ReceivedMessage.objects.get().verification == "none"


@pytest.mark.parametrize("hostile", ["\x00", "a\nb", "\x1b[31m", "x" * 300, "\ud800", "é☃"])
def test_hostile_ids_and_types_do_no_harm(tenant: Tenant, hostile: str) -> None:
    source = make_source(tenant, "none")
    body = json.dumps({"id": hostile, "type": hostile}).encode()
    first = send(source, body, {"User-Agent": "a\x1bb", "X-Odd": "\xe9" * 5000})
    assert (first.status_code, send(source, body).status_code) == (202, 200)


def test_many_and_large_headers_are_bounded_where_they_are_kept(tenant: Tenant) -> None:
    source = make_source(tenant, "none")
    assert send(source, BODY, {f"X-{n}": "v" * 3000 for n in range(150)}).status_code == 202
    kept = ReceivedMessage.objects.get().headers
    assert sum(len(name) + len(value) for name, value in kept) <= receiving.MAX_HEADER_BYTES


# --- the lookup


def test_a_change_counts_at_once_where_it_is_made(source: Source, settings: Settings) -> None:
    settings.WEBHOOKS_LOOKUP_TTL = 1000.0
    assert send(source, BODY).status_code == 202
    sources.update(None, source.id, {"active": False})
    problem(send(source, BODY), 404)


def test_expired_messages_leave_their_ids_in_use(source: Source) -> None:
    first = send(source, BODY)
    ReceivedMessage.objects.all().delete()
    again = send(source, BODY)
    assert (again.status_code, again.json()) == (200, first.json())


def test_the_guards_database_is_left_clean_of_secrets(source: Source, valkey: redis.Redis) -> None:
    send(source, BODY)
    send(source, BODY, {})
    assert valkey.keys()
    assert all(SECRET not in str(key) + str(valkey.get(key)) for key in valkey.scan_iter())


def test_a_client_certificate_counts_when_a_proxy_of_ours_tells_it(tenant: Tenant, settings: Settings) -> None:
    """Attack: a client sends the header itself, past the proxy."""
    options = {"header": "X-Client", "format": "subject", "expected": ["CN=shop"]}
    source = make_source(tenant, "mtls", verification=options)
    settings.WEBHOOKS_PROXY_CIDRS = "192.0.2.0/24"
    assert send(source, BODY, {"X-Client": "CN=shop"}, REMOTE_ADDR="192.0.2.1").status_code == 202
    problem(send(source, BODY, {"X-Client": "CN=shop"}, REMOTE_ADDR="198.51.100.1"), 401)
    problem(send(source, BODY, {"X-Client": "CN=else"}, REMOTE_ADDR="192.0.2.1"), 401)
