"""What holds on every path: problems instead of pages, request ids, versions, media types, limits."""

from __future__ import annotations

import io
import json
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection
from django.test import Client
from psycopg_pool import PoolTimeout

from tests.api.checks import pointers, problem
from tests.client import ApiClient
from webhooks import errors
from webhooks.api import problems
from webhooks.api.views import publish
from webhooks.conf import conf
from webhooks.models import Endpoint, Event

EVENT = {"type": "order.created", "data": {"n": 1}}


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/nothing", "/api/webhooks/", "/api/events/x/y/z", "/api//events"]
)
def test_an_unknown_path_is_a_problem(api: ApiClient, path: str) -> None:
    problem(api.get(path), 404)


def test_a_path_outside_the_api_keeps_djangos_answer(api: ApiClient) -> None:
    response = api.get("/nothing")
    assert response.status_code == 404
    assert response["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("path", ["/api/webhooks", "/api/events", "/api/events/batch"])
@pytest.mark.parametrize("method", ["DELETE", "OPTIONS", "TRACE", "BREW"])
def test_an_unknown_method_is_a_problem_with_allow(api: ApiClient, path: str, method: str) -> None:
    response = api.request(method, path)
    problem(response, 405)
    assert "POST" in response["Allow"]


def test_an_unknown_host_is_a_problem(api: ApiClient) -> None:
    problem(api.get("/api/events", headers={"Host": "evil.example"}), 400)


@pytest.mark.parametrize("settings_debug", [False, True])
def test_a_bug_is_a_problem_without_details_and_without_html(
    api_key: str, settings: Any, monkeypatch: pytest.MonkeyPatch, settings_debug: bool
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("the secret of the cellar")

    settings.DEBUG = settings_debug
    monkeypatch.setattr(publish.ingest, "publish", broken)
    response = ApiClient(api_key, raise_errors=False).post("/api/events", EVENT)
    problem(response, 500)
    assert b"cellar" not in response.content


def test_plain_http_is_refused_and_not_redirected_when_the_api_is_https(api: ApiClient, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    fresh = ApiClient(headers={"Authorization": "Bearer x"})  # middleware reads the setting when it is made
    problem(fresh.post("/api/events", EVENT), 403)
    assert fresh.get("/").status_code == 301


def test_head_is_get_without_a_body(api: ApiClient) -> None:
    response = api.request("HEAD", "/api/events")
    assert (response.status_code, response.content) == (200, b"")


def test_no_cache_keeps_an_answer(api: ApiClient) -> None:
    assert api.get("/api/events")["Cache-Control"] == "no-store"
    assert api.get("/api/nothing")["Cache-Control"] == "no-store"


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_no_other_site_may_read_answers(api: ApiClient, origin: str) -> None:
    """Attack: a page in somebody's browser calls the API. CORS is off: no header invites it, and no preflight works."""
    ask = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    for response in (api.get("/api/events", headers=ask), api.request("OPTIONS", "/api/events", headers=ask)):
        assert not [name for name in response.headers if name.lower().startswith("access-control")]
    problem(response, 405)


def test_the_session_of_a_browser_is_no_credential(client: Client, db: None, django_user_model: Any) -> None:
    """Attack: a form on another site posts with the cookie of somebody who is logged in to the admin."""
    client.force_login(django_user_model.objects.create_superuser("root", password="x"))
    problem(client.post("/api/events", EVENT, content_type="application/json"), 401)


# --- the database is away


@pytest.mark.parametrize("cause", [psycopg.OperationalError("connection refused"), PoolTimeout("no connection")])
def test_a_lost_database_is_503_with_retry_after(cause: Exception) -> None:
    failure = OperationalError(str(cause))
    failure.__cause__ = cause
    described = problems.describe(failure)
    assert described is not None
    assert (described.status, described.headers["Retry-After"]) == (503, "5")
    assert "refused" not in described.detail


def test_a_request_that_finds_no_database_is_answered_503(client_for: type[ApiClient], free_of_database: None) -> None:
    client = client_for("clk_" + "0" * 16 + "_" + "0" * 64)
    response = client.post("/api/events", EVENT)
    problem(response, 503)
    assert response["Retry-After"] == "5"


@pytest.fixture
def free_of_database(monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> Any:
    """The process's connection points at a port where nobody listens."""
    kept = dict(connection.settings_dict)
    connection.close()
    connection.close_pool()
    connection.settings_dict |= {"HOST": "127.0.0.1", "PORT": "1", "OPTIONS": {"connect_timeout": 1, "pool": False}}
    yield
    connection.close()
    connection.settings_dict |= kept


def test_a_service_that_is_unavailable_is_503(api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> None:
        raise errors.Unavailable

    monkeypatch.setattr(publish.ingest, "publish", away)
    response = api.post("/api/events", EVENT)
    problem(response, 503)
    assert response["Retry-After"]


def test_a_search_that_takes_too_long_says_how_to_narrow_it(api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    from webhooks.api.views import base
    from webhooks.api.views.events import Events

    monkeypatch.setattr(base, "LIST_TIMEOUT", 0.05)
    slow = Event.objects.extra(where=["pg_sleep(5) IS NOT NULL"])
    monkeypatch.setattr(Events, "get_queryset", lambda self: slow)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    monkeypatch.setattr(Events, "filter_queryset", lambda self, rows: _now(rows))
    assert "created_after" in problem(api.get("/api/events"), 503)["detail"]


def _now(rows: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(5)")
    return rows


# --- request ids


def test_a_request_without_an_id_gets_one(api: ApiClient) -> None:
    first, second = api.get("/api/events"), api.get("/api/events")
    assert first["X-Request-ID"]
    assert first["X-Request-ID"] != second["X-Request-ID"]


def test_the_callers_request_id_comes_back(api: ApiClient) -> None:
    assert api.get("/api/events", headers={"X-Request-ID": "deploy-7.a_b"})["X-Request-ID"] == "deploy-7.a_b"


@pytest.mark.parametrize("bad", ["a b", "x" * 129, "a\tb", "ünique", "a;b", "id\x1b[31m"])
def test_an_unfit_request_id_is_replaced(api: ApiClient, bad: str) -> None:
    made = api.get("/api/events", headers={"X-Request-ID": bad})["X-Request-ID"]
    assert made.isalnum()


def test_the_request_id_becomes_the_correlation_id_of_events(api: ApiClient) -> None:
    api.post("/api/events", EVENT, headers={"X-Request-ID": "trace-42"})
    assert Event.objects.get().correlation_id == "trace-42"


def test_every_answer_has_a_request_id(client: Client, db: None) -> None:
    for path in ("/healthz", "/api/nothing", "/nothing", "/api/schema", "/metrics", "/"):
        assert client.get(path)["X-Request-ID"], path


# --- versions and media types of answers


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "application/json; version=1",
        "application/json;version=1, text/html;q=0.5",
        "*/*",
        "application/*;q=0.3",
        "text/html, */*;q=0.1",
        "application/problem+json",
        "application/json; version=9, application/json; version=1",
    ],
)
def test_it_answers_json_of_version_1(api: ApiClient, accept: str) -> None:
    response = api.get("/api/events", headers={"Accept": accept})
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "accept",
    [
        "application/json; version=2",
        "application/json; version=",
        "*/*; version=x",
        "text/html",
        "application/xml, text/csv",
        "application/json;q=0",
        ",;;;=",
        'application/json; version="',
        "x" * 5000,
    ],
)
def test_what_it_cannot_answer_in_is_406(api: ApiClient, accept: str) -> None:
    problem(api.get("/api/events", headers={"Accept": accept}), 406)


# --- bodies


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/json; charset=latin-1",
        "application/json; charset=utf-16",
        "application/jsonp",
        "nonsense",
        " ",
    ],
)
@pytest.mark.parametrize("path", ["/api/events", "/api/events/batch", "/api/webhooks"])
def test_another_media_type_is_415(api: ApiClient, path: str, content_type: str) -> None:
    response = api.post(path, EVENT, headers={"Content-Type": content_type})
    problem(response, 415)
    assert response["Accept"] == "application/json"
    assert not Event.objects.exists()


@pytest.mark.parametrize("content_type", ["application/json; charset=UTF-8", 'application/json; charset="utf-8"'])
def test_utf_8_may_be_said(api: ApiClient, content_type: str) -> None:
    assert api.post("/api/events", EVENT, headers={"Content-Type": content_type}).status_code == 202


def test_a_body_compressed_by_anything_but_gzip_is_415(api: ApiClient) -> None:
    response = api.post("/api/events", EVENT, headers={"Content-Encoding": "br"})
    problem(response, 415)
    assert response["Accept-Encoding"] == "gzip, identity"


@pytest.mark.parametrize("path", ["/api/events", "/api/events/batch", "/api/webhooks"])
@pytest.mark.parametrize("body", [b"", b"   \n"])
def test_an_empty_body_is_400(api: ApiClient, path: str, body: bytes) -> None:
    assert pointers(api.post(path, body), 400) == [""]


def test_a_body_that_is_announced_as_too_large_is_not_read(api_key: str) -> None:
    class Unread(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise AssertionError("the body was read")

    client = Client(headers={"Authorization": f"Bearer {api_key}"})
    response = client.generic(
        "POST",
        "/api/events",
        b"replaced",
        "application/json",
        **{"CONTENT_LENGTH": str(conf.MAX_EVENT_BYTES + 1), "wsgi.input": Unread()},
    )
    problem(response, 413)


def test_an_event_at_the_limit_is_accepted_and_one_byte_more_is_not(api: ApiClient) -> None:
    frame = len(json.dumps({"type": "a.b", "data": ""}))
    text = "x" * (conf.MAX_EVENT_BYTES - frame)
    assert api.post("/api/events", {"type": "a.b", "data": text}).status_code == 202
    problem(api.post("/api/events", {"type": "a.b", "data": text + "x"}), 413)
    assert Event.objects.count() == 1


def test_a_webhook_body_has_a_limit_of_its_own(api: ApiClient) -> None:
    problem(api.post("/api/webhooks", {"url": "https://a.example/", "description": "x" * 300_000}), 413)


def _chunked(api_key: str, body: bytes) -> tuple[Any, io.BytesIO]:
    chunks = io.BytesIO(body)  # as from a server: it ends by itself and has no announced length
    extra: dict[str, Any] = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": chunks}
    client = Client(headers={"Authorization": f"Bearer {api_key}"})
    response = client.generic("POST", "/api/events", b"replaced", "application/json", **extra)
    return response, chunks


def test_a_chunked_body_is_read(api_key: str) -> None:
    response, _ = _chunked(api_key, json.dumps(EVENT).encode())
    assert response.status_code == 202


def test_a_chunked_body_without_end_is_read_up_to_the_limit_only(api_key: str) -> None:
    response, chunks = _chunked(api_key, b"[" * 10_000_000)
    problem(response, 413)
    assert chunks.tell() == conf.MAX_EVENT_BYTES + 1


# (what, body, status, pointers)
BAD_JSON: list[tuple[str, bytes, int, list[str]]] = [
    ("cut off", b'{"url": "https://a.example/"', 400, ["/url"]),
    ("not JSON", b"url=https://a.example/", 400, [""]),
    ("trailing comma", b'{"url": "https://a.example/",}', 400, ["/url"]),
    ("single quotes", b"{'url': 1}", 400, [""]),
    ("two values", b"{} {}", 400, [""]),
    ("byte order mark", b"\xef\xbb\xbf{}", 400, [""]),
    ("UTF-16", '{"a": 1}'.encode("utf-16"), 422, [""]),
    ("invalid UTF-8", b'{"description": "\xff"}', 422, ["/description"]),
    ("NaN", b'{"timeout": NaN}', 422, ["/timeout"]),
    ("Infinity", b'{"rate_limit": {"limit": Infinity}}', 422, ["/rate_limit/limit"]),
    ("beyond a double", b'{"timeout": 1e999}', 422, [""]),
    ("beyond every integer", b'{"timeout": 1' + b"0" * 5000 + b"}", 422, [""]),
    ("lone surrogate", b'{"description": "\\ud800"}', 422, ["/description"]),
    ("too deep", b'{"metadata": ' + b"[" * 100 + b"]" * 100 + b"}", 422, ["/metadata" + "/0" * 63]),
    ("hopelessly deep", b"[" * 100_000, 422, ["/0" * 64]),
    ("repeated name", b'{"url": "https://a.example/", "url": "https://b.example/"}', 422, ["/url"]),
    ("repeated name inside", b'{"metadata": {"a": [{"b": 1, "b": 2}]}}', 422, ["/metadata/a/0/b"]),
    ("null", b"null", 422, [""]),
    ("array", b"[]", 422, [""]),
    ("number", b"5", 422, [""]),
    ("text", b'"x"', 422, [""]),
]


@pytest.mark.parametrize(("body", "status", "where"), [row[1:] for row in BAD_JSON], ids=[row[0] for row in BAD_JSON])
def test_bad_json_is_refused_with_a_pointer(api: ApiClient, body: bytes, status: int, where: list[str]) -> None:
    found = pointers(api.post("/api/webhooks", body), status)
    assert [pointer[:40] for pointer in found] == [pointer[:40] for pointer in where]
    assert not Endpoint.objects.exists()


# --- keys are checked before anything else


def test_without_a_key_nothing_is_told_but_401(client: Client, db: None) -> None:
    response = client.post("/api/events", b"not json", content_type="text/plain")
    problem(response, 401)
    assert response["WWW-Authenticate"].startswith("Bearer")
