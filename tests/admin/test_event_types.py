"""Types and versions in the admin: the services judge and write."""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse

from tests.admin.pages import add_page, list_page, page, text
from tests.factories import make_endpoint, make_tenant
from webhooks.models import Endpoint, EventType, EventTypeVersion
from webhooks.services import event_types

TYPE = {
    "tenant": "", "name": "order.created", "description": "", "version": "v1", "deprecated_at_0": "",
    "deprecated_at_1": "", "deprecation_message": "",
}  # fmt: skip
VERSION = {
    "name": "v2", "description": "", "enforcement": "block", "schema": '{"maximum": 1.50}', "example": "1.5",
    "deprecated_at_0": "", "deprecated_at_1": "", "deprecation_message": "",
}  # fmt: skip


def added(client: Client, **fields: Any) -> EventTypeVersion | str:
    """The version that was made, or the page that says why not."""
    event_type = EventType.objects.first() or EventType.objects.get(
        pk=event_types.create(None, {"name": "order.created"})
    )
    response = client.post(add_page(EventTypeVersion), {**VERSION, "event_type": str(event_type.pk), **fields})
    if response.status_code == 302:
        return EventTypeVersion.objects.get(name=fields.get("name", "v2"))
    return text(response)


def test_a_type_is_registered_with_its_version_and_changed(admin_client: Client) -> None:
    tenant = make_tenant()
    admin_client.post(add_page(EventType), {**TYPE, "tenant": str(tenant.pk)})
    made = EventType.objects.get()
    assert (made.tenant, [version.name for version in made.versions.all()]) == (tenant, ["v1"])
    shown = text(admin_client.get(page(made)))
    assert page(made.versions.get()) in shown
    rows = {"versions-TOTAL_FORMS": "1", "versions-INITIAL_FORMS": "1"}
    changes = {"name": "other", "description": "new", "deprecation_message": "no more"}
    admin_client.post(page(made), {**TYPE, **rows, **changes})
    made.refresh_from_db()
    assert (made.name, made.description, made.deprecation_message) == ("order.created", "new", "no more")


def test_a_type_that_is_there_is_refused_on_the_form(admin_client: Client) -> None:
    for _ in range(2):
        response = admin_client.post(add_page(EventType), TYPE)
    assert "already" in text(response)
    assert EventType.objects.count() == 1


def test_a_type_is_deleted_with_its_versions(admin_client: Client) -> None:
    event_types.create(None, {"name": "a.b"})
    event_type = EventType.objects.get()
    admin_client.post(reverse("admin:webhooks_eventtype_delete", args=[event_type.pk]), {"post": "yes"})
    assert not EventTypeVersion.objects.exists()


def test_a_version_is_added_with_its_numbers_as_they_were_typed(admin_client: Client) -> None:
    made = added(admin_client)
    assert isinstance(made, EventTypeVersion)
    assert (made.schema, made.example) == ('{"maximum":1.50}', "1.5")
    assert made.check_id is not None
    assert "{\n  &quot;maximum&quot;: 1.50\n}" in text(admin_client.get(page(made)))
    assert "order.created" in text(admin_client.get(list_page(EventTypeVersion)))


def test_a_hostile_or_faulty_schema_is_refused_beside_its_field(admin_client: Client) -> None:
    for fields, said in (
        ({"schema": '{"$ref": "http://10.0.0.1/"}'}, "nothing is fetched"),
        ({"schema": '{"pattern": "(a)\\\\1"}'}, "linear time"),
        ({"schema": "{"}, "Takes JSON"),
        ({"schema": "[" * 100_000}, "Takes JSON"),
        ({"schema": '{"type": NaN}'}, "Takes JSON"),
        ({"example": "2"}, "Is more than"),
        ({"name": "v 2"}, "such as v2"),
        ({"name": "v1"}, "already"),
    ):
        shown = added(admin_client, **fields)
        assert isinstance(shown, str)
        assert said in shown
    assert EventTypeVersion.objects.count() == 1


def test_a_breaking_change_is_refused_and_a_version_is_not_deleted(admin_client: Client) -> None:
    made = added(admin_client)
    assert isinstance(made, EventTypeVersion)
    shown = text(admin_client.post(page(made), {**VERSION, "schema": '{"maximum": 1}', "example": ""}))
    assert "add a new version instead" in shown
    admin_client.post(page(made), {**VERSION, "schema": '{"maximum": 2}', "enforcement": "warn"})
    made.refresh_from_db()
    assert (made.schema, made.enforcement) == ('{"maximum":2}', "warn")
    url = reverse("admin:webhooks_eventtypeversion_delete", args=[made.pk])
    assert admin_client.post(url, {"post": "yes"}).status_code == 403


def test_saving_a_version_unchanged_changes_nothing(admin_client: Client) -> None:
    made = added(admin_client)
    assert isinstance(made, EventTypeVersion)
    before = EventTypeVersion.objects.filter(pk=made.pk).values().get()
    assert admin_client.post(page(made), VERSION).status_code == 302
    assert EventTypeVersion.objects.filter(pk=made.pk).values().get() == before


def test_a_pin_that_no_type_has_is_refused_on_the_form_of_an_endpoint(admin_client: Client) -> None:
    endpoint = make_endpoint(event_types=["a.b"])
    event_types.create(None, {"name": "order.created"})
    row = endpoint.subscriptions.get()
    form = {
        "url": endpoint.url, "description": "", "payload_format": "envelope", "version": "v9",
        "content_type": "application/json", "signature_schemes": ["hex"], "headers": "{}", "auth": '{"type":"none"}',
        "retry_policy": "default", "timeout": "15", "max_in_flight": "8", "rate_limit": "", "batch": "",
        "metadata": "{}", "subscriptions-TOTAL_FORMS": "1", "subscriptions-INITIAL_FORMS": "1",
        "subscriptions-0-id": str(row.pk), "subscriptions-0-endpoint": str(endpoint.pk),
        "subscriptions-0-pattern": "order.created", "subscriptions-0-filter": "", "subscriptions-0-channels": "",
    }  # fmt: skip
    shown = text(admin_client.post(page(endpoint), form))
    assert "order.created has no version v9" in shown.replace("&quot;", '"')
    assert Endpoint.objects.get(pk=endpoint.pk).version == ""
    assert admin_client.post(page(endpoint), {**form, "version": "v1"}).status_code == 302
    assert Endpoint.objects.get(pk=endpoint.pk).version == "v1"
