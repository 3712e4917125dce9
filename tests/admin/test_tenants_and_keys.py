"""Tenants, API keys and event types."""

from __future__ import annotations

import re
from typing import Any

from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from tests.admin.pages import act, add_page, list_page, page, text
from tests.factories import make_tenant
from webhooks.models import ApiKey, EventType, OAuthClient, Tenant
from webhooks.services import api_keys, oauth_clients


def key_form(**fields: Any) -> dict[str, Any]:
    return {
        "name": "backend",
        "tenant": "",
        "scopes": ["events:write"],
        "expires_at_0": "",
        "expires_at_1": "",
        **fields,
    }


def test_a_new_key_is_shown_once_and_works(admin_client: Client) -> None:
    tenant = make_tenant()
    response = admin_client.post(add_page(ApiKey), key_form(tenant=tenant.pk))
    (token,) = re.findall(r"clk_[0-9a-f]+_[0-9a-f]+", text(response))
    holder = api_keys.authenticate(token)
    assert holder is not None
    assert (holder.tenant_id, holder.scopes) == (tenant.pk, {"events:write"})
    assert ApiKey.objects.count() == 1
    secret = token.rsplit("_", 1)[1]
    assert secret not in str([session.get_decoded() for session in Session.objects.all()])
    key = ApiKey.objects.get()
    for url in (page(key), list_page(ApiKey)):
        shown = text(admin_client.get(url))
        assert secret not in shown
        assert bytes(key.secret_hash).hex() not in shown


def test_a_scope_that_a_tenant_cannot_have_is_refused_at_the_field(admin_client: Client) -> None:
    response = admin_client.post(add_page(ApiKey), key_form(tenant=make_tenant().pk, scopes=["tenants"]))
    text(response)
    assert "platform keys only" in str(response.context["adminform"].form.errors["scopes"])
    assert not ApiKey.objects.exists()


def test_an_expiry_in_the_past_is_refused(admin_client: Client) -> None:
    fields = key_form(expires_at_0="2020-01-01", expires_at_1="00:00:00")
    response = admin_client.post(add_page(ApiKey), fields)
    assert "past" in str(response.context["adminform"].form.errors["expires_at"])


def test_a_revoked_key_stops_working_and_says_so(admin_client: Client) -> None:
    key_id, token = api_keys.create_api_key(None, "old")
    key = ApiKey.objects.get(pk=key_id)
    act(admin_client, page(key), "revoke", key)
    assert api_keys.authenticate(token) is None
    shown = text(admin_client.get(page(key)))
    assert ">revoked<" in shown
    assert 'value="revoke"' not in shown


def test_a_key_cannot_be_edited(admin_client: Client) -> None:
    key_id, _ = api_keys.create_api_key(None, "old", ["events:read"])
    key = ApiKey.objects.get(pk=key_id)
    assert admin_client.post(page(key), key_form(name="wider", scopes=["tenants"])).status_code == 403
    key.refresh_from_db()
    assert (key.name, key.scopes) == ("old", ["events:read"])


def test_the_hash_of_a_key_cannot_be_guessed_through_the_query_string(admin_client: Client) -> None:
    api_keys.create_api_key(None, "old")
    for lookup in ("secret_hash__gt", "prefix__startswith", "tenant__metadata__has_key"):
        assert admin_client.get(list_page(ApiKey), {lookup: "a"}).status_code == 400


def test_the_secret_of_a_client_is_rotated_and_the_page_says_when_the_old_one_ends(admin_client: Client) -> None:
    _, secret = oauth_clients.create(make_tenant().pk, "importer", ["events:read"], None)
    client = OAuthClient.objects.get()
    done = text(act(admin_client, page(client), "rotate_secret", client, confirmed="Rotate", overlap="3600"))
    shown = re.search(r"ocs_[0-9a-f]+", done)
    assert shown is not None
    assert oauth_clients.authenticate(client.public_id, shown[0])
    assert oauth_clients.authenticate(client.public_id, secret)
    assert "in 59 min" in text(admin_client.get(page(client)))


def test_a_tenant_is_made_by_the_service(admin_client: Client) -> None:
    admin_client.post(add_page(Tenant), {"name": "Acme Payments", "slug": "acme", "metadata": '{"plan": "pro"}'})
    tenant = Tenant.objects.get()
    assert (tenant.name, tenant.slug, tenant.metadata, tenant.active) == (
        "Acme Payments",
        "acme",
        {"plan": "pro"},
        True,
    )


def test_a_taken_or_bad_slug_is_refused_at_the_field(admin_client: Client) -> None:
    make_tenant(slug="acme")
    for slug in ("acme", "Acme_1"):
        response = admin_client.post(add_page(Tenant), {"name": "Acme", "slug": slug, "metadata": "{}"})
        assert "slug" in response.context["adminform"].form.errors
    assert Tenant.objects.count() == 1


def test_a_tenant_is_switched_off_not_deleted(admin_client: Client) -> None:
    tenant = make_tenant(slug="acme", name="Acme")
    admin_client.post(page(tenant), {"name": "Acme 2", "slug": "other", "metadata": "{}"})
    tenant.refresh_from_db()
    assert (tenant.name, tenant.slug, tenant.active) == ("Acme 2", "acme", False)
    assert (
        admin_client.post(reverse("admin:webhooks_tenant_delete", args=[tenant.pk]), {"post": "yes"}).status_code == 403
    )


def test_tenants_are_found_as_one_types(admin_client: Client) -> None:
    tenant = make_tenant(slug="acme-payments", name="Acme")
    make_tenant(slug="globex", name="Globex")
    query = {"app_label": "webhooks", "model_name": "endpoint", "field_name": "tenant", "term": "payments"}
    found = admin_client.get(reverse("admin:autocomplete"), query).json()["results"]
    assert [item["id"] for item in found] == [str(tenant.pk)]


def test_an_event_type_must_be_one(admin_client: Client) -> None:
    fields = {"tenant": "", "description": "", "version": "v1", "deprecated_at_0": "", "deprecated_at_1": ""}
    admin_client.post(add_page(EventType), {**fields, "name": "order created"})
    assert not EventType.objects.exists()
    admin_client.post(add_page(EventType), {**fields, "name": "order.created"})
    assert EventType.objects.get().name == "order.created"
