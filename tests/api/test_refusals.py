"""Every route, asked for in every wrong way: a problem each time, never a page, never a 500."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from django.test import Client
from django.urls import resolve

from tests.api.checks import problem
from tests.api.test_access import PLATFORM_TABLE, PUBLIC, TABLE, Row
from tests.client import ApiClient
from webhooks.core import ids

NOBODY = UUID("01900000-0000-7000-8000-000000000001")  # always the same: xdist compares the names of tests
UNKNOWN = {
    "webhook": ids.show(ids.WEBHOOK, NOBODY), "event": ids.show(ids.EVENT, NOBODY), "own_event": "own",
    "delivery": ids.show(ids.DELIVERY, NOBODY), "dead_letter": ids.show(ids.DEAD_LETTER, NOBODY),
    "operation": ids.show(ids.OPERATION, NOBODY),
    "key": ids.show(ids.API_KEY, NOBODY), "tenant": ids.show(ids.TENANT, NOBODY), "event_type": "no.type",
    "source": ids.show(ids.SOURCE, NOBODY),
    "oauth_client": ids.show(ids.OAUTH_CLIENT, NOBODY),
    "received": ids.show(ids.RECEIVED, NOBODY),
}  # fmt: skip
PATHS = sorted({row.path.format(**UNKNOWN) for row in TABLE + PLATFORM_TABLE})
LISTS = sorted({row.path for row in TABLE + PLATFORM_TABLE if row.method == "GET" and "{" not in row.path})
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW", "P\u00f6ST")


@pytest.fixture
def caller(platform_key: str) -> ApiClient:
    """May do everything; a 500 is an answer to look at."""
    return ApiClient(platform_key, raise_errors=False)


def _allowed(path: str) -> set[str]:
    match = resolve(path)
    view: Any = match.func.cls  # type: ignore[attr-defined]
    return {name.upper() for name in view.http_method_names if hasattr(view, name)}


@pytest.mark.parametrize("path", PATHS)
def test_a_method_that_is_not_there_is_405_and_says_which_are(caller: ApiClient, path: str) -> None:
    for method in METHODS:
        answer = caller.request(method, path)
        if method in _allowed(path):
            assert answer.status_code < 500, (method, answer.content)
            continue
        if method == "HEAD":  # an answer to it has no content
            assert answer.status_code < 500
            continue
        problem(answer, 405)
        assert set(answer["Allow"].split(", ")) >= _allowed(path) - {"HEAD"}, method


@pytest.mark.parametrize("path", PATHS)
def test_what_it_cannot_answer_in_is_406(caller: ApiClient, path: str) -> None:
    method = "GET" if "GET" in _allowed(path) else "POST"
    for accept in ("text/html", "application/xml;q=1", "application/json; version=7", "x" * 9000, "\x0b", "é"):
        problem(caller.request(method, path, headers={"Accept": accept}), 406)


@pytest.mark.parametrize("path", PATHS)
def test_an_unknown_host_is_400_before_anything_is_looked_up(caller: ApiClient, path: str) -> None:
    for host in (
        "evil.example",
        "a b",
        "[::",
        "localhost/../x",
        "\u00e9",
        "localhost@evil.example",
    ):
        problem(caller.get(path, headers={"Host": host}), 400)


ODD_PATHS = [
    "/api", "/api/", "/api/.", "/api//events", "/api/events/", "/api/%2e%2e/admin/", "/api/..%2fadmin",
    "/api/events%00",
    "/api/%ff%fe", "/api/\u00e9v\u00e9nements", "/api/events;a=b", "/api/" + "a" * 100_000, "/api/" + "a/" * 5000,
    "/api/events/%0d%0aSet-Cookie:%20a=b", "/api/webhooks/%00", "/api/webhooks/" + "%F0%9F%98%80" * 50, "/api/%",
    "/api/<script>alert(1)</script>", "/api/events/{id}", "/api/schema/", "/api/docs/x", "/api/nothing?a=b",
]  # fmt: skip


@pytest.mark.parametrize("path", ODD_PATHS, ids=lambda path: path[:30])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS", "BREW"])
def test_a_path_that_leads_nowhere_is_a_problem(api_key: str, path: str, method: str) -> None:
    answer = ApiClient(api_key, raise_errors=False).request(method, path)
    assert answer.status_code in (404, 405), answer.content
    body = problem(answer, answer.status_code)
    assert body["instance"].isascii()
    assert "\n" not in body["instance"]


# --- query strings

HOSTILE = [
    "", "%00", "a%00b", "'", "%27%20OR%201=1--", "%ff%fe", "%C3%28", "%ED%A0%80", "a" * 20_000, "%D9%A3", "-1", "0",
    "1e9", "9" * 5000, "[]", "null", "evt_", "wh_" + "0" * 31 + "g", "2025-13-45T00:00:00Z", "99999-01-01T00:00:00Z",
    "0001-01-01T00:00:00%2B23:59", "9999-12-31T23:59:59-23:59", "2025-01-01", "%F0%9F%98%80", "%25", "%", "%zz", "a&a",
    "0x10", "+1", "1_000", " ", "true", "NaN", "*", "\\", "%0d%0a", "AAAAAAAAAAAAAAAAAAAAAAA", "b" * 23, "bw==",
]  # fmt: skip


def _parameters(path: str) -> list[str]:
    view: Any = resolve(path).func.cls  # type: ignore[attr-defined]
    return [*view.filterset_class.base_filters, "limit", "cursor"]


@pytest.mark.parametrize("path", LISTS)
def test_a_hostile_query_is_answered_or_refused(caller: ApiClient, path: str) -> None:
    known = [(name, value) for name in _parameters(path) for value in HOSTILE]
    unknown = [
        (name, value) for name in ("nobody_knows", "%00", "") for value in HOSTILE[:8]
    ]  # whose values none reads
    for name, value in known + unknown:
        answer = caller.get(f"{path}?{name}={value}")
        if answer.status_code != 200:
            errors = problem(answer, 400)["errors"]
            assert all(error["parameter"] is not None and error["detail"] for error in errors)


@pytest.mark.parametrize("path", LISTS)
def test_a_query_string_of_any_shape_is_answered_or_refused(caller: ApiClient, path: str) -> None:
    for query in (
        "a=b&" * 5000, "&&&&", "=", "==", ";", "limit=1&limit=2", "limit[]=1", "limit=1;cursor=x", "?limit=1", "%",
        quote("\u00e9"), "\u00e9=1", "a" * 100_000, "limit", "limit=%31",
    ):  # fmt: skip
        answer = caller.get(f"{path}?{query}")
        if answer.status_code != 200:
            problem(answer, 400)


def test_a_writer_refuses_a_hostile_wait(api: ApiClient) -> None:
    path = f"/api/webhooks/{UNKNOWN['webhook']}/test"
    for value in HOSTILE:
        assert api.post(f"{path}?wait={value}").status_code in (400, 404)


# --- headers


@pytest.mark.parametrize("row", TABLE + PLATFORM_TABLE, ids="{0.method} {0.path}".format)
def test_odd_headers_are_refused_or_ignored(caller: ApiClient, row: Row) -> None:
    path = row.path.format(**UNKNOWN)
    for headers in (
        {"Clarion-Tenant": "\x00"}, {"Clarion-Tenant": "x" * 9000}, {"Idempotency-Key": "\x00"},
        {"X-Request-ID": "a\x1b[31m"}, {"X-HTTP-Method-Override": "DELETE"}, {"Content-Length": "9" * 5000},
        {"Content-Length": "-1"}, {"Content-Length": "abc"}, {"Content-Length": "\u0663"}, {"Range": "bytes=0-1"},
        {"If-Match": "x"}, {"Cookie": "sessionid=" + "x" * 9000}, {"Content-Type": "x" * 9000}, {"Origin": "null"},
        {"Authorization": "Bearer \x00"}, {"Authorization": "Negotiate x"}, {"X-Forwarded-Host": "evil.example"},
        {"Forwarded": "host=evil.example"}, {"Transfer-Encoding": "gzip"}, {"Expect": "x"}, {"Upgrade": "h2c"},
    ):  # fmt: skip
        answer = caller.request(row.method, path, headers=headers)
        assert answer.status_code < 500, (headers, answer.content)
        assert b"<html" not in answer.content
        assert b"evil.example" not in answer.content
        if answer.status_code >= 400:
            problem(answer, answer.status_code)


@pytest.mark.parametrize("path", sorted(PUBLIC))
def test_public_pages_refuse_with_problems_too(client: Client, path: str) -> None:
    taken = _allowed(path) if "{" in path or "<" in path else {"GET", "HEAD"}
    for method in {"POST", "PUT", "DELETE", "TRACE", "BREW"} - taken:
        problem(client.generic(method, path), 405)
