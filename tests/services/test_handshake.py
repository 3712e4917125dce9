"""The CloudEvents handshake: nothing is sent without consent, nothing is lost before it, nothing exceeds it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from tests.answers import Answer, Reset
from tests.client import ApiClient
from tests.receiver import Receiver
from tests.services.engine import HOOK, post, run_to_quiescence, states
from webhooks.errors import Conflict
from webhooks.models import Consent, Delivery, Endpoint
from webhooks.services import consents, endpoints, handshake
from webhooks.services.drain import drain
from webhooks.services.target import load

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]
ORIGIN = "clarion.example.com"


@pytest.fixture(autouse=True)
def _public_url(settings: Settings) -> None:
    settings.WEBHOOKS_PUBLIC_URL = f"https://{ORIGIN}"


@pytest.fixture
def asking(endpoint_at: Callable[..., Endpoint]) -> Callable[..., Endpoint]:
    """Makes endpoints that need consent."""
    return lambda **fields: endpoint_at(validation="cloudevents", **fields)


def consenting(origin: str = "*", rate: str | None = "*", status: int = 200) -> Callable[..., Answer]:
    allowed = [("WebHook-Allowed-Origin", origin), *([("WebHook-Allowed-Rate", rate)] if rate else [])]
    return lambda request: Answer(status, allowed) if request.method == "OPTIONS" else Answer()


def callback_of(receiver: Receiver) -> str:
    url = receiver.requests(HOOK)[-1].header("WebHook-Request-Callback") or ""
    assert url.startswith(f"https://{ORIGIN}/api/consents/")
    return url.removeprefix(f"https://{ORIGIN}")


def state(endpoint: Endpoint) -> tuple[str, str]:
    row = Endpoint.objects.get(id=endpoint.id)
    return row.state, row.disabled_reason


WAITING = ("paused", consents.AWAITED)


def test_deliveries_are_held_until_consent_and_then_carry_the_origin(asking: Any, receiver: Receiver) -> None:
    receiver.always(HOOK, consenting(ORIGIN, "120", status=405))
    endpoint = asking()
    post(endpoint, 2)
    run_to_quiescence(endpoint.id)
    assert (state(endpoint), states(endpoint), receiver.requests()) == (WAITING, ["held"] * 2, [])
    assert handshake.due([endpoint.id]) == [endpoint.id]
    assert handshake.ask(endpoint.id) == "granted"
    assert state(endpoint) == ("active", "")
    run_to_quiescence(endpoint.id)
    assert states(endpoint) == ["succeeded"] * 2
    asked, *sent = receiver.requests(HOOK)
    assert (asked.method, asked.header("WebHook-Request-Rate")) == ("OPTIONS", "6000")
    assert {request.header("WebHook-Request-Origin") for request in (asked, *sent)} == {ORIGIN}
    assert handshake.ask(endpoint.id) == "not due"


@pytest.mark.parametrize(
    "answer",
    [Answer(200), consenting("evil.example"), consenting("*", None), consenting("*", "0"), Answer(204)],
    ids=["silent", "another-origin", "no-rate", "bad-rate", "empty"],
)
def test_no_consent_is_visible_and_not_asked_for_again(asking: Any, receiver: Receiver, answer: Any) -> None:
    receiver.always(HOOK, answer)
    endpoint = asking()
    assert handshake.ask(endpoint.id) == "pending"
    row = Consent.objects.get()
    assert (state(endpoint), row.status, row.due_at) == (WAITING, "pending", None)
    assert row.detail
    for activate in (endpoints.enable, endpoints.resume):
        activate(endpoint.id)
        assert state(endpoint) == WAITING, "a way round the receiver"
    endpoints.update(None, endpoint.id, {"active": True})
    assert state(endpoint) == WAITING


def test_a_receiver_that_cannot_be_reached_is_asked_again_later(asking: Any, receiver: Receiver) -> None:
    receiver.script(HOOK, [Reset()], then=consenting())
    endpoint = asking()
    assert handshake.ask(endpoint.id) == "pending"
    due = Consent.objects.get().due_at
    assert due is not None
    assert due > timezone.now()
    assert handshake.due() == []
    Consent.objects.update(due_at=timezone.now() - timedelta(hours=1))
    assert handshake.ask(endpoint.id) == "granted"


def test_the_lower_of_the_granted_and_the_own_rate_holds(asking: Any, receiver: Receiver) -> None:
    receiver.always(HOOK, consenting("*", "30"))
    endpoint = asking(rate_limit={"limit": 100, "period": 1})
    handshake.ask(endpoint.id)
    assert receiver.requests(HOOK)[0].header("WebHook-Request-Rate") == "6000"
    target = load(endpoint.id)
    assert target
    assert target.rate == 3
    assert target.rate * 60 / target.period <= 30
    post(endpoint, 20)
    for _ in range(5):
        endpoints.defer(endpoint.id, 0)
        drain(endpoint.id)
    assert len([request for request in receiver.requests(HOOK) if request.method == "POST"]) == 3
    assert Delivery.objects.filter(state="pending").count() == 17


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_callback_grants_later_and_only_with_its_own_url(asking: Any, receiver: Receiver, method: str) -> None:
    endpoint = asking(rate_limit={"limit": 10, "period": 1})
    handshake.ask(endpoint.id)
    path, client = callback_of(receiver), ApiClient()
    for wrong in (
        f"{path}x",
        path[:-1],
        path.replace(":", "."),
        "/api/consents/x",
        f"/api/consents/{endpoint.id.hex}.x",
    ):
        assert client.request(method, wrong).status_code == 404
    assert client.request("HEAD", path).status_code == 405
    assert client.request(method, path, headers={"WebHook-Allowed-Rate": "many"}).status_code == 400
    assert state(endpoint) == WAITING
    answer = client.request(method, path)
    assert (answer.status_code, answer.json()) == (200, {"status": "granted"})
    assert (state(endpoint), Consent.objects.get().granted_rate) == (("active", ""), 600)
    assert client.request(method, path, headers={"WebHook-Allowed-Rate": "9000"}).status_code == 200
    assert Consent.objects.get().granted_rate == 600, "granted once"


def test_a_new_url_needs_a_new_consent_and_old_answers_are_void(asking: Any, receiver: Receiver) -> None:
    receiver.always(HOOK, consenting())
    endpoint = asking()
    handshake.ask(endpoint.id)
    path = callback_of(receiver)
    endpoints.update(None, endpoint.id, {"url": receiver.url("/new")})
    assert state(endpoint) == WAITING
    assert ApiClient().get(path).status_code == 404
    assert state(endpoint) == WAITING
    handshake.ask(endpoint.id)
    assert receiver.requests("/new")[0].method == "OPTIONS"


def test_an_answer_that_comes_after_a_change_of_the_url_is_void(asking: Any, receiver: Receiver) -> None:
    endpoint = asking()

    def move(request: Any) -> Answer:
        Consent.objects.update(nonce="another")
        connection.close()  # this is the receiver's thread
        return consenting()(request)

    receiver.always(HOOK, move)
    assert handshake.ask(endpoint.id) == "void"
    assert state(endpoint) == WAITING


def test_what_a_person_stopped_stays_stopped_when_consent_arrives(asking: Any, receiver: Receiver) -> None:
    receiver.always(HOOK, consenting())
    endpoint = asking()
    endpoints.pause(endpoint.id, "holidays")
    assert handshake.ask(endpoint.id) == "granted"
    assert state(endpoint) == ("paused", "holidays")
    endpoints.resume(endpoint.id)
    assert state(endpoint) == ("active", "")


def test_it_can_be_begun_again_and_given_up(asking: Any, endpoint_at: Any, receiver: Receiver) -> None:
    receiver.always(HOOK, consenting())
    endpoint = asking()
    handshake.ask(endpoint.id)
    handshake.restart(endpoint.id)
    assert state(endpoint) == WAITING
    endpoints.update(None, endpoint.id, {"validation": None})
    assert (state(endpoint), Consent.objects.count()) == (("active", ""), 0)
    with pytest.raises(Conflict):
        handshake.restart(endpoint_at().id)
