"""The recipes of docs/receivers.md in Django, Flask and FastAPI: real frameworks, real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
import redis
import requests

from tests.receive.serving import RECIPES, Recipe
from tests.receive.signed import BODY, OTHER, Request, request
from webhooks.receive.policy import LIMIT

TWO = b'{"batch_id":"bat_1","created_at":"2025-09-10T15:30:46Z","event_count":2,"events":[%b,%b]}' % (BODY, BODY)


@pytest.fixture(params=list(RECIPES), scope="module")
def served(request: pytest.FixtureRequest) -> Iterator[Recipe]:
    with RECIPES[request.param]() as recipe:
        yield recipe


@pytest.fixture
def recipe(served: Recipe, valkey: redis.Redis) -> Recipe:
    served.handled.clear()
    served.fail = False
    return served


def post(recipe: Recipe, made: Request) -> requests.Response:
    return requests.post(recipe.url, made.body, headers=made.headers, timeout=30)


def test_a_signed_event_is_handled_once(recipe: Recipe) -> None:
    made = request(["standard", "hex"])
    assert [post(recipe, made).status_code for _ in range(3)] == [204, 204, 204]
    assert [event.data_bytes for event in recipe.handled] == [b'{"amount":42.10,"name":"\\u00e9"}']


def test_work_that_fails_is_a_500_and_done_at_the_next_try(recipe: Recipe) -> None:
    made = request(["standard"])
    recipe.fail = True
    assert post(recipe, made).status_code == 500
    recipe.fail = False
    assert post(recipe, made).status_code == 204
    assert len(recipe.handled) == 1


def test_while_another_works_on_it_the_answer_is_503(recipe: Recipe, valkey: redis.Redis) -> None:
    valkey.set("webhook:evt_1", "another")
    answer = post(recipe, request(["standard"]))
    assert (answer.status_code, answer.headers["Retry-After"], recipe.handled) == (503, "5", [])


def test_a_batch_is_split(recipe: Recipe) -> None:
    assert post(recipe, request(["standard"], TWO, id="bat_1")).status_code == 204
    assert [event.id for event in recipe.handled] == ["evt_1", "evt_1"]


@pytest.mark.parametrize("fault", ["body", "secret", "time", "unsigned", "hex alone"])
def test_what_is_not_verified_is_refused_without_a_reason(
    recipe: Recipe, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    made = request(["hex"] if fault == "hex alone" else ["standard", "hex"])
    if fault == "body":
        made.body += b" "
    elif fault == "secret":
        made = request(["standard"], secrets=[OTHER])
    elif fault == "time":
        made = request(["standard"], at=1_700_000_000)
    elif fault == "unsigned":
        made.headers = {"Content-Type": "application/json"}
    answer = post(recipe, made)
    assert answer.status_code == 401
    assert "is missing or wrong" in answer.text
    assert recipe.handled == []
    (record,) = [record for record in caplog.records if record.name == "webhooks.receive"]
    assert record.getMessage().startswith("refused: ")


def test_a_body_that_is_too_large_is_refused(recipe: Recipe) -> None:
    connection = HTTPConnection(urlsplit(recipe.url).netloc, timeout=30)
    connection.putrequest("POST", "/webhooks")
    connection.putheader("Content-Length", str(LIMIT + 1))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


@pytest.mark.parametrize("header", ["webhook-id", "webhook-signature"])
def test_a_header_that_is_there_twice_is_refused(recipe: Recipe, header: str) -> None:
    made = request(["standard"])
    connection = HTTPConnection(urlsplit(recipe.url).netloc, timeout=30)
    connection.putrequest("POST", "/webhooks")
    for name, value in (*made.headers.items(), (header, made.headers[header])):
        connection.putheader(name, value)
    connection.putheader("Content-Length", str(len(made.body)))
    connection.endheaders(made.body)
    assert connection.getresponse().status == 401
    connection.close()
