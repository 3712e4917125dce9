"""What an operator does to endpoints."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from tests.admin.pages import act, list_page, make_dead_letter, page, text
from tests.factories import make_delivery, make_endpoint, make_event, secret_of
from tests.net.servers import ScriptedNames
from webhooks.core import ids
from webhooks.models import DeadLetter, Delivery, Endpoint, Event
from webhooks.net import outbound
from webhooks.net.client import HttpClient
from webhooks.net.resolver import Resolver
from webhooks.services import endpoints


@pytest.mark.parametrize(
    ("before", "action", "after"),
    [
        ("active", "pause", "paused"),
        ("paused", "resume", "active"),
        ("disabled", "enable", "active"),
        ("active", "disable", "disabled"),
    ],
)
def test_a_change_of_state_reaches_the_endpoint_and_its_mailbox(
    admin_client: Client, before: str, action: str, after: str
) -> None:
    endpoint = make_endpoint(state=before)
    assert f'value="{action}"' in text(admin_client.get(page(endpoint)))
    act(admin_client, page(endpoint), action, endpoint)
    endpoint.refresh_from_db()
    assert endpoint.state == after
    assert endpoint.mailbox.unsettled
    assert f'value="{action}"' not in text(admin_client.get(page(endpoint)))


def test_one_refusal_does_not_keep_the_others(admin_client: Client) -> None:
    paused, disabled = make_endpoint(state="paused"), make_endpoint(state="disabled")
    shown = text(act(admin_client, list_page(Endpoint), "resume", paused, disabled))
    paused.refresh_from_db()
    disabled.refresh_from_db()
    assert (paused.state, disabled.state) == ("active", "disabled")
    assert "enable it first" in shown


def test_disabling_says_who_did_it(admin_client: Client, admin_user: Any) -> None:
    endpoint = make_endpoint()
    act(admin_client, list_page(Endpoint), "disable", endpoint)
    assert f"disabled by {admin_user.username}" in text(admin_client.get(page(endpoint)))


def test_an_operator_learns_why_an_address_cannot_be_reached(
    admin_client: Client, staff: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ScriptedNames({"inside.example": [["10.0.0.5"]], "public.example": [["93.184.216.34"]]})
    client = HttpClient(resolver=Resolver(names))
    monkeypatch.setattr(outbound, "client", lambda: client)
    inside = make_endpoint(url="https://inside.example/hook")
    assert 'value="check_address"' in text(admin_client.get(page(inside)))
    assert "10.0.0.5 is forbidden (private)" in text(act(admin_client, page(inside), "check_address", inside))
    gone, public = make_endpoint(url="https://gone.example/"), make_endpoint(url="https://public.example/")
    shown = text(act(admin_client, list_page(Endpoint), "check_address", gone, public))
    assert "Nothing can be sent to https://gone.example/: the name does not exist" in shown
    assert "Deliveries can be sent to https://public.example/" in shown
    viewer = staff("view_endpoint")
    assert "check_address" not in text(viewer.get(page(inside)))
    assert "10.0.0.5" not in str(act(viewer, page(inside), "check_address", inside).content)


def test_a_test_is_sent_and_linked(admin_client: Client) -> None:
    endpoint = make_endpoint(event_types=["nothing.like.it"])
    shown = text(act(admin_client, page(endpoint), "send_test", endpoint))
    delivery = Delivery.objects.get()
    assert delivery.trigger == "test"
    assert Event.objects.get().origin == "test"
    assert page(delivery) in shown


def test_rotating_asks_for_the_overlap_and_shows_the_new_secret_once(admin_client: Client) -> None:
    endpoint = make_endpoint()
    before = secret_of(endpoint)
    asked = text(act(admin_client, page(endpoint), "rotate_secret", endpoint))
    assert "keep signing" in asked
    assert endpoint.secrets.count() == 1
    response = act(admin_client, page(endpoint), "rotate_secret", endpoint, confirmed="Rotate", overlap="3600")
    new, old = endpoint.secrets.order_by("-valid_from")
    assert re.findall(r"whsec_[A-Za-z0-9+/=]+", text(response)) == [new.value]
    assert "no-store" in response["Cache-Control"]
    assert old.value == before
    assert timedelta(minutes=59) < old.valid_until - datetime.now(UTC) <= timedelta(hours=1)
    assert "whsec_" not in text(admin_client.get(page(endpoint)))


def test_an_overlap_that_is_not_offered_is_refused(admin_client: Client) -> None:
    endpoint = make_endpoint()
    act(admin_client, page(endpoint), "rotate_secret", endpoint, confirmed="Rotate", overlap="999999999")
    assert endpoint.secrets.count() == 1


def test_replaying_the_dead_says_how_many_and_takes_those_of_the_chosen_time(admin_client: Client) -> None:
    endpoint, other = make_endpoint(), make_endpoint()
    ages = (timedelta(minutes=5), timedelta(hours=5), timedelta(days=3), timedelta(days=20))
    letters = [dead(endpoint, age) for age in ages]
    elsewhere = dead(other, ages[0])
    asked = text(act(admin_client, list_page(Endpoint), "replay", endpoint))
    counts = {"the last hour": 1, "the last 24 hours": 2, "the last 7 days": 3, "ever": 4}
    assert [f"{name}: {count}" in asked for name, count in counts.items()] == [True] * 4
    shown = text(act(admin_client, list_page(Endpoint), "replay", endpoint, confirmed="Replay", since="7d"))
    assert "Replayed 3 dead deliveries" in shown
    states = [DeadLetter.objects.get(pk=letter.pk).resolution for letter in [*letters, elsewhere]]
    assert states == ["replayed", "replayed", "replayed", "open", "open"]
    assert Delivery.objects.filter(trigger="replay", endpoint=endpoint).count() == 3


def dead(endpoint: Endpoint, age: timedelta) -> DeadLetter:
    event = make_event(endpoint.tenant, fanned_out=True)
    delivery = make_delivery(endpoint, event, state="dead", next_attempt_at=None)
    return make_dead_letter(delivery, id=ids.floor(datetime.now(UTC) - age))


def test_an_action_on_a_deleted_endpoint_says_so(admin_client: Client) -> None:
    endpoint = make_endpoint()
    endpoints.delete(endpoint.pk)
    act(admin_client, f"{list_page(Endpoint)}?state=deleted", "pause", endpoint)
    endpoint.refresh_from_db()
    assert endpoint.state == "active"
    assert 'name="action"' not in text(admin_client.get(page(endpoint)))


def test_the_list_tells_blocked_failing_and_healthy_endpoints_apart(admin_client: Client) -> None:
    now = datetime.now(UTC)
    for name, fields in {
        "https://blocked.example/": {"blocked_until": now + timedelta(minutes=3), "blocked_reason": "breaker"},
        "https://failing.example/": {"consecutive_failures": 4},
        "https://well.example/": {"last_success_at": now, "latency_ms": 42.0},
    }.items():
        mailbox = make_endpoint(url=name).mailbox
        for field, value in fields.items():
            setattr(mailbox, field, value)
        mailbox.save()
    shown = text(admin_client.get(list_page(Endpoint)))
    assert "breaker open" in shown
    assert ">failing<" in shown
    assert "42 ms" in shown
    failing = text(admin_client.get(list_page(Endpoint), {"health": "failing"}))
    assert "failing.example" in failing
    assert "well.example" not in failing
