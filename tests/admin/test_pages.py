"""Every page opens for those who may see it, and only for them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from tests.admin.pages import act, add_page, fill, list_page, page, text
from tests.factories import make_delivery, make_endpoint, make_tenant
from webhooks.core import ids
from webhooks.models import (
    ApiKey,
    Attempt,
    DeadLetter,
    Delivery,
    Endpoint,
    Event,
    EventType,
    EventTypeVersion,
    OAuthClient,
    Tenant,
)
from webhooks.services import api_keys, endpoints, event_types, oauth_clients

MODELS = (Tenant, ApiKey, OAuthClient, EventType, EventTypeVersion, Endpoint, Event, Delivery, Attempt, DeadLetter)
LEDGERS = (Event, Delivery, Attempt, DeadLetter)


@pytest.fixture
def rows() -> None:
    fill(2)
    event_types.create(None, {"name": "order.created", "schema": {"type": "object"}, "example": {}})
    api_keys.create_api_key(make_tenant().pk, "backend")
    oauth_clients.create(make_tenant().pk, "backend")


@pytest.mark.parametrize("model", MODELS)
def test_a_superuser_sees_the_list_and_the_page_of_each_row(rows: None, admin_client: Client, model: type) -> None:
    shown = text(admin_client.get(list_page(model)))
    for row in model.objects.all():
        assert page(row) in shown
        text(admin_client.get(page(row)))


@pytest.mark.parametrize("model", LEDGERS)
def test_a_page_opens_by_the_shown_id(rows: None, admin_client: Client, model: type) -> None:
    row = model.objects.first()
    prefix = {"event": "evt", "delivery": "dlv", "attempt": "att", "deadletter": "dl"}[model._meta.model_name]
    shown = ids.show(prefix, row.pk)
    url = reverse(f"admin:webhooks_{model._meta.model_name}_change", args=[shown])
    assert shown in text(admin_client.get(url)) or model is Event


@pytest.mark.parametrize("model", [Tenant, ApiKey, OAuthClient, EventType, EventTypeVersion, Endpoint])
def test_what_can_be_made_has_a_form(admin_client: Client, model: type) -> None:
    text(admin_client.get(add_page(model)))


@pytest.mark.parametrize("model", LEDGERS)
def test_nobody_adds_edits_or_deletes_rows_of_the_log(rows: None, admin_client: Client, model: type) -> None:
    row = model.objects.first()
    before = list(model.objects.order_by("pk").values())
    assert admin_client.get(add_page(model)).status_code == 403
    name = model._meta.model_name
    assert (
        admin_client.post(reverse(f"admin:webhooks_{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    )
    admin_client.post(page(row), {"state": "succeeded", "reason": "forged", "_save": "Save"})
    act(admin_client, list_page(model), "delete_selected", row, post="yes")
    assert list(model.objects.order_by("pk").values()) == before


@pytest.mark.parametrize("model", MODELS)
def test_without_permissions_there_is_nothing_to_see(rows: None, staff: Callable[..., Client], model: type) -> None:
    client = staff()
    assert client.get(list_page(model)).status_code == 403
    assert client.get(page(model.objects.first())).status_code == 403
    anonymous = Client().get(list_page(model))
    assert anonymous.status_code == 302
    assert "/login/" in anonymous["Location"]


def test_the_raw_data_of_an_event_needs_the_permission_too(rows: None, staff: Callable[..., Client]) -> None:
    url = reverse("admin:webhooks_event_data", args=[Event.objects.first().pk])
    assert staff("view_delivery").get(url).status_code == 403


def test_viewing_is_not_acting(staff: Callable[..., Client]) -> None:
    delivery = make_delivery()
    client = staff("view_delivery")
    assert 'name="action"' not in text(client.get(list_page(Delivery)))
    assert 'name="action"' not in text(client.get(page(delivery)))
    act(client, list_page(Delivery), "cancel", delivery)
    act(client, page(delivery), "cancel", delivery)
    delivery.refresh_from_db()
    assert delivery.state == "pending"


def test_the_change_permission_allows_acting(staff: Callable[..., Client]) -> None:
    delivery = make_delivery()
    act(staff("change_delivery"), page(delivery), "cancel", delivery)
    delivery.refresh_from_db()
    assert delivery.state == "cancelled"


def test_an_action_on_an_object_page_needs_the_csrf_token(admin_client: Client) -> None:
    delivery = make_delivery()
    admin_client.handler.enforce_csrf_checks = True  # type: ignore[attr-defined]
    assert act(admin_client, page(delivery), "cancel", delivery, follow=False).status_code == 403


def test_an_object_page_acts_on_its_object_only(admin_client: Client) -> None:
    mine, other = make_delivery(), make_delivery()
    act(admin_client, page(mine), "cancel", other)
    other.refresh_from_db()
    assert other.state == "pending"


def test_the_start_page_counts_and_links(admin_client: Client, settings: object) -> None:
    fill(1)
    settings.FLOWER_URL = "http://flower.example:5555"  # type: ignore[attr-defined]
    shown = text(admin_client.get(reverse("admin:index")))
    assert "Clarion" in shown
    assert 'href="http://flower.example:5555"' in shown
    assert 'href="/api/docs"' in shown
    assert 'href="/metrics"' in shown
    assert "<strong>1</strong>" in shown.split("open dead letters")[0]


def test_the_start_page_tells_no_more_than_one_may_see(staff: Callable[..., Client]) -> None:
    fill(1)
    shown = text(staff("view_endpoint").get(reverse("admin:index")))
    assert "endpoints failing" in shown
    assert "open dead letters" not in shown


def test_a_page_of_a_row_that_is_gone_leads_back_to_the_list(admin_client: Client) -> None:
    response = admin_client.get(page(Delivery(pk=ids.new_id())), follow=True)
    assert response.redirect_chain == [(list_page(Delivery), 302)]
    assert "There is no delivery" in text(response)


def test_rows_whose_event_tenant_and_endpoint_are_gone_are_still_shown(admin_client: Client) -> None:
    lost = Delivery.objects.create(
        tenant_id=ids.new_id(), event_id=ids.new_id(), endpoint_id=ids.new_id(), created_at="2026-01-01T00:00:00Z"
    )
    assert page(lost) in text(admin_client.get(list_page(Delivery)))
    assert "gone" in text(admin_client.get(page(lost)))


def test_a_deleted_endpoint_is_listed_on_request_and_read_only(admin_client: Client) -> None:
    endpoint = make_endpoint()
    endpoints.delete(endpoint.pk)
    assert page(endpoint) not in text(admin_client.get(list_page(Endpoint)))
    assert page(endpoint) in text(admin_client.get(list_page(Endpoint), {"state": "deleted"}))
    assert 'name="_save"' not in text(admin_client.get(page(endpoint)))
