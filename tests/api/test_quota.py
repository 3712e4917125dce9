"""The quota of an API key on the answers of the API."""

from __future__ import annotations

import pytest
import redis
from pytest_django import Settings

from tests.api.checks import problem
from tests.client import ApiClient
from tests.factories import make_key
from webhooks.models import Event, Tenant

EVENT = {"type": "order.created", "data": 1}


@pytest.fixture(autouse=True)
def _small(settings: Settings, valkey: redis.Redis) -> None:
    settings.WEBHOOKS_API_RATE_LIMIT = 3
    settings.WEBHOOKS_API_RATE_PERIOD = 60


def test_every_answer_tells_what_is_left(api: ApiClient) -> None:
    answers = [api.post("/api/events", EVENT), api.get("/api/events"), api.post("/api/events", b"{")]
    assert {answer["RateLimit-Policy"] for answer in answers} == {'"default";q=3;w=60'}
    assert [answer["RateLimit"] for answer in answers] == [
        '"default";r=2;t=20', '"default";r=1;t=40', '"default";r=0;t=60',
    ]  # fmt: skip


def test_beyond_the_quota_it_is_429_with_retry_after(api: ApiClient, tenant: Tenant) -> None:
    for _ in range(3):
        assert api.post("/api/events", EVENT).status_code == 202
    answer = api.post("/api/events", EVENT)
    assert problem(answer, 429)["type"] == "urn:clarion:problem:too-many-requests"
    assert 1 <= int(answer["Retry-After"]) <= 20
    assert answer["RateLimit"] == f'"default";r=0;t={answer["Retry-After"]}'
    assert Event.objects.count() == 3
    assert ApiClient(make_key(tenant)).post("/api/events", EVENT).status_code == 202


def test_a_key_that_is_none_has_no_quota(client_for: type[ApiClient], db: None) -> None:
    answer = client_for("clk_nonsense").get("/api/events")
    problem(answer, 401)
    assert "RateLimit" not in answer


def test_without_redis_everything_is_let_through(api: ApiClient, settings: Settings) -> None:
    settings.WEBHOOKS_REDIS_URL = "redis://127.0.0.1:1/0"
    for _ in range(10):
        answer = api.post("/api/events", EVENT)
        assert answer.status_code == 202
        assert "RateLimit" not in answer
