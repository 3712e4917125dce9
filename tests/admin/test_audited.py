"""Everything that the admin can change is recorded in its user's name: every action, every form, every deletion."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from tests.admin.pages import act, add_page, list_page, make_dead_letter, page, text
from tests.admin.roles import ROWS
from tests.admin.test_endpoint_form import edit, form
from tests.admin.test_sources import source_form
from tests.factories import make_delivery, make_endpoint, make_event, make_tenant
from webhooks.models import (
    ApiKey,
    AuditEntry,
    DeadLetter,
    Delivery,
    Endpoint,
    Event,
    EventType,
    EventTypeVersion,
    OAuthClient,
    Operation,
    ProcessorRun,
    ReceivedMessage,
    Source,
    TaskFailure,
    Tenant,
)
from webhooks.services import endpoints

Run = Callable[[Client], Any]


def _do(model: type[Model], action: str, make: Callable[[], Any] | None = None, **data: Any) -> Run:
    """Run an action from the list, answering its question at once."""

    def run(client: Client) -> Any:
        row = (make or ROWS[model])()
        url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        return act(client, url, action, row, confirmed="1", post="yes", **data)

    return run


def _paused() -> Endpoint:
    endpoint = make_endpoint()
    endpoints.pause(endpoint.id)
    return endpoint


def _disabled() -> Endpoint:
    endpoint = make_endpoint()
    endpoints.disable(endpoint.id)
    return endpoint


def _with_dead() -> Endpoint:
    return make_dead_letter().endpoint


def _delivered() -> Event:
    return make_delivery(finished_at=datetime.now(UTC), state="succeeded", next_attempt_at=None).event


def _account(model: type[Model], verb: str, row: Model | None = None) -> str:
    return reverse(f"admin:auth_{model._meta.model_name}_{verb}", args=[row.pk] if row else [])


def _change_user(client: Client) -> Any:
    row = ROWS[User]()
    data = {"username": row.username, "is_staff": "on", "is_superuser": "on", "date_joined_0": "2026-01-01",
            "date_joined_1": "00:00:00"}  # fmt: skip
    return client.post(_account(User, "change", row), data)


def _make_staff(client: Client) -> Any:
    data = {"username": "olga", "is_staff": "on", "date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
    return client.post(_account(User, "change", User.objects.get(username="olga")), data)


def _rename_source(client: Client) -> Any:
    row = ROWS[Source]()
    return client.post(page(row), source_form(row.tenant, name="Renamed"))


def _delete(model: type[Model]) -> Run:
    def run(client: Client) -> Any:
        row = ROWS[model]()
        url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_delete", args=[row.pk])
        return client.post(url, {"post": "yes"})

    return run


_NO_INLINES = {"versions-TOTAL_FORMS": "0", "versions-INITIAL_FORMS": "0"}
_PASSWORD = {"password1": "a long Pass-word 7", "password2": "a long Pass-word 7", "usable_password": "true"}

# (model, what) -> the action recorded last, and how to do it. "add", "save", "delete", each action, and other pages.
CASES: dict[tuple[str, str], tuple[str, Run]] = {
    ("ApiKey", "add"): (
        "secret.revealed",
        lambda client: client.post(add_page(ApiKey), {"name": "billing", "scopes": ["events:read"]}),
    ),
    ("ApiKey", "revoke"): ("api_key.revoked", _do(ApiKey, "revoke")),
    ("OAuthClient", "add"): (
        "secret.revealed",
        lambda client: client.post(add_page(OAuthClient), {"name": "billing", "scopes": ["events:read"]}),
    ),
    ("OAuthClient", "rotate_secret"): ("secret.revealed", _do(OAuthClient, "rotate_secret", overlap="0")),
    ("OAuthClient", "revoke"): ("oauth_client.revoked", _do(OAuthClient, "revoke")),
    ("DeadLetter", "replay"): ("dead_letter.replayed", _do(DeadLetter, "replay")),
    ("DeadLetter", "discard"): ("dead_letter.discarded", _do(DeadLetter, "discard")),
    ("Delivery", "retry"): ("delivery.retried", _do(Delivery, "retry")),
    ("Delivery", "cancel"): ("delivery.cancelled", _do(Delivery, "cancel")),
    ("Endpoint", "add"): (
        "secret.revealed",
        lambda client: client.post(add_page(Endpoint), form(make_tenant())),
    ),
    ("Endpoint", "save"): (
        "webhook.updated",
        lambda client: client.post(page(row := make_endpoint()), edit(row, description="by hand")),
    ),
    ("Endpoint", "delete"): ("webhook.deleted", _delete(Endpoint)),
    ("Endpoint", "delete_selected"): ("webhook.deleted", _do(Endpoint, "delete_selected")),
    ("Endpoint", "pause"): ("webhook.paused", _do(Endpoint, "pause")),
    ("Endpoint", "resume"): ("webhook.resumed", _do(Endpoint, "resume", _paused)),
    ("Endpoint", "enable"): ("webhook.enabled", _do(Endpoint, "enable", _disabled)),
    ("Endpoint", "disable"): ("webhook.disabled", _do(Endpoint, "disable")),
    ("Endpoint", "send_test"): ("webhook.tested", _do(Endpoint, "send_test")),
    ("Endpoint", "rotate_secret"): ("secret.revealed", _do(Endpoint, "rotate_secret", overlap="0")),
    ("Endpoint", "validate"): (
        "webhook.consent_requested",
        _do(Endpoint, "validate", lambda: make_endpoint(validation="cloudevents")),
    ),
    ("Endpoint", "replay"): ("dead_letter.replayed", _do(Endpoint, "replay", _with_dead, since="all")),
    ("Event", "replay"): ("event.replayed", _do(Event, "replay", _delivered)),
    ("EventType", "add"): (
        "event_type.created",
        lambda client: client.post(add_page(EventType), {"name": "order.made", "version": "v1"}),
    ),
    ("EventType", "save"): (
        "event_type.updated",
        lambda client: client.post(page(ROWS[EventType]()), {"description": "kept", "version": "v2", **_NO_INLINES}),
    ),
    ("EventType", "delete"): ("event_type.deleted", _delete(EventType)),
    ("EventType", "delete_selected"): ("event_type.deleted", _do(EventType, "delete_selected")),
    ("EventTypeVersion", "add"): (
        "event_type.version_added",
        lambda client: client.post(
            add_page(EventTypeVersion),
            {"event_type": str(ROWS[EventType]().pk), "name": "v2", "enforcement": "off", "schema": "", "example": ""},
        ),
    ),
    ("EventTypeVersion", "save"): (
        "event_type.version_updated",
        lambda client: client.post(
            page(ROWS[EventTypeVersion]()), {"description": "kept", "enforcement": "off", "schema": "", "example": ""}
        ),
    ),
    ("Group", "add"): ("group.created", lambda client: client.post(_account(Group, "add"), {"name": "night shift"})),
    ("Group", "save"): (
        "group.updated",
        lambda client: client.post(
            _account(Group, "change", ROWS[Group]()),
            {"name": "night shift", "permissions": [Permission.objects.get(codename="view_event").pk]},
        ),
    ),
    ("Group", "delete"): ("group.deleted", _delete(Group)),
    ("Group", "delete_selected"): ("group.deleted", _do(Group, "delete_selected")),
    ("Operation", "cancel"): ("operation.cancelled", _do(Operation, "cancel")),
    ("TaskFailure", "run_again"): ("task_failure.run_again", _do(TaskFailure, "run_again")),
    ("TaskFailure", "resolve"): ("task_failure.resolved", _do(TaskFailure, "resolve")),
    ("ProcessorRun", "replay"): ("received.replayed", _do(ProcessorRun, "replay")),
    ("ReceivedMessage", "replay"): ("received.replayed", _do(ReceivedMessage, "replay")),
    ("Source", "add"): ("secret.revealed", lambda client: client.post(add_page(Source), source_form(make_tenant()))),
    ("Source", "save"): ("source.updated", _rename_source),
    ("Source", "delete"): ("source.deleted", _delete(Source)),
    ("Source", "delete_selected"): ("source.deleted", _do(Source, "delete_selected")),
    ("Source", "send_sample"): ("source.sampled", _do(Source, "send_sample")),
    ("Source", "rotate_secret"): ("secret.revealed", _do(Source, "rotate_secret", overlap="0")),
    ("Tenant", "add"): (
        "tenant.created",
        lambda client: client.post(add_page(Tenant), {"name": "Acme", "slug": "acme", "metadata": "{}"}),
    ),
    ("Tenant", "save"): (
        "tenant.updated",
        lambda client: client.post(page(make_tenant()), {"name": "Renamed", "metadata": "{}", "active": "on"}),
    ),
    ("User", "add"): (
        "user.updated",  # when it becomes staff: the form that makes it makes nobody staff
        lambda client: (client.post(_account(User, "add"), {"username": "olga", **_PASSWORD}), _make_staff(client)),
    ),
    ("User", "save"): ("user.updated", _change_user),
    ("User", "delete"): ("user.deleted", _delete(User)),
    ("User", "delete_selected"): ("user.deleted", _do(User, "delete_selected")),
    ("User", "auth_user_password_change"): (
        "user.updated",
        lambda client: client.post(reverse("admin:auth_user_password_change", args=[ROWS[User]().pk]), _PASSWORD),
    ),
}  # fmt: skip


def _possible(model: type[Model]) -> set[str]:
    """What a superuser can do to a model: forms, deletion, actions, and further pages that take a POST."""
    pages = admin.site._registry[model]
    request: Any = type("Request", (), {"user": User(is_superuser=True, is_active=True), "GET": {}})
    found = set(pages.get_actions(request))
    found |= {"add"} if pages.has_add_permission(request) else set()
    found |= {"save"} if pages.has_change_permission(request) else set()
    found |= {"delete"} if pages.has_delete_permission(request) else set()
    prefix = f"{model._meta.app_label}_{model._meta.model_name}_"
    ordinary = {prefix + verb for verb in ("changelist", "add", "history", "delete", "change")} | READING
    return found | {str(p.name) for p in pages.get_urls() if p.name} - ordinary


READING = {"webhooks_event_data", "webhooks_receivedmessage_body"}  # pages of their own that change nothing


def test_the_table_has_everything_that_the_admin_can_change() -> None:
    looks = {("Endpoint", "check_address")}  # changes nothing
    possible = {(model.__name__, what) for model in admin.site._registry for what in _possible(model)}
    assert set(CASES) == possible - looks


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_it_is_recorded(case: tuple[str, str], admin_client: Client, admin_user: User) -> None:
    expected, run = CASES[case]
    run(admin_client)
    made = AuditEntry.objects.filter(actor_kind="staff", actor_id=f"user_{admin_user.pk}").exclude(
        action="login.succeeded"
    )
    assert made, "nothing was recorded"
    assert made.latest("id").action == expected
    assert made.latest("id").actor_label == "admin"


def test_ones_own_password(admin_client: Client, admin_user: User) -> None:
    admin_user.set_password("before")
    admin_user.save()
    admin_client.force_login(admin_user)
    data = {"old_password": "before", "new_password1": "a long Pass-word 7", "new_password2": "a long Pass-word 7"}
    assert admin_client.post(reverse("admin:password_change"), data).status_code == 302
    entry = AuditEntry.objects.filter(action="user.updated").latest("id")
    assert (entry.changes, entry.actor_label) == ({"password": "changed"}, "admin")


def test_a_new_member_of_staff_is_recorded_also_from_a_command() -> None:
    User.objects.create_superuser("root", "", "secret-word")
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.object_label) == ("user.created", "root")
    assert entry.changes["password"] == "changed"
    assert entry.changes["is_superuser"] == {"before": None, "after": True}
    assert "secret-word" not in str(entry.content())


def test_customers_of_a_host_project_are_not_recorded(client: Client) -> None:
    before = AuditEntry.objects.count()
    customer = User.objects.create_user("customer", "", "secret-word")
    client.force_login(customer)
    client.logout()
    customer.email = "new@example.com"
    customer.save()
    customer.delete()
    assert AuditEntry.objects.count() == before


def test_making_somebody_staff_and_putting_them_into_a_group_is_recorded() -> None:
    user = User.objects.create_user("olga")
    user.is_staff = True
    user.save()
    assert AuditEntry.objects.latest("id").changes["is_staff"] == {"before": False, "after": True}
    group = Group.objects.create(name="night shift")
    user.groups.add(group)
    assert AuditEntry.objects.latest("id").changes == {"groups": {"before": [], "after": ["night shift"]}}
    group.user_set.clear()
    assert AuditEntry.objects.latest("id").changes == {"users": {"before": ["olga"], "after": []}}


def test_a_login_with_an_old_hash_is_no_change_of_the_password(client: Client, settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher",
                                 "django.contrib.auth.hashers.MD5PasswordHasher"]  # fmt: skip
    from django.contrib.auth.hashers import make_password

    User.objects.create(username="olga", password=make_password("word", hasher="md5"), is_staff=True)
    assert client.post(reverse("admin:login"), {"username": "olga", "password": "word"}).status_code == 302
    assert [e.action for e in AuditEntry.objects.order_by("-id")[:2]] == ["login.succeeded", "user.created"]


def test_the_list_and_the_page_show_who_did_what(admin_client: Client) -> None:
    endpoint = make_endpoint()
    act(admin_client, page(endpoint), "pause", endpoint)
    shown = text(admin_client.get(list_page(AuditEntry), {"object": endpoint.public_id}))
    assert "webhook.paused" in shown
    assert "admin" in shown
    entry = AuditEntry.objects.get(action="webhook.paused")
    one = text(admin_client.get(page(entry)))
    for part in (entry.public_id, "127.0.0.1", endpoint.url, "state", "active", "paused"):
        assert part in one


@pytest.mark.parametrize(
    "query", ["about=webhook", "by=staff", "object=wh_1", "actor=user_1", "q=webhook.updated", "q=wh_1"]
)
def test_the_list_is_filtered_and_searched(admin_client: Client, query: str) -> None:
    assert admin_client.get(f"{list_page(AuditEntry)}?{query}").status_code == 200


@pytest.mark.parametrize(
    "model", [Endpoint, Delivery, DeadLetter, Event, Tenant, ApiKey, OAuthClient, TaskFailure, EventType]
)
def test_the_page_of_an_object_leads_to_its_entries(admin_client: Client, model: type[Model]) -> None:
    row = ROWS[model]()
    name = getattr(row, "public_id", None) or row.name
    assert f"{list_page(AuditEntry)}?object={name}" in text(admin_client.get(page(row)))


def test_what_others_wrote_is_shown_as_text(admin_client: Client) -> None:
    bad = "<script>alert(1)</script>"
    entry = ROWS[AuditEntry]()
    AuditEntry.objects.create(
        action="x.y", actor_kind="staff", actor_label=bad, object_label=bad, objects_named=[bad], object_kind="webhook",
        changes={bad: {"before": bad, "after": [bad]}}, detail={bad: bad}, request_id=bad,
    )  # fmt: skip
    for url in (list_page(AuditEntry), *(page(row) for row in AuditEntry.objects.exclude(id=entry.id))):
        assert b"<script>alert" not in admin_client.get(url).content


def test_nobody_adds_changes_or_deletes_an_entry(admin_client: Client) -> None:
    entry = ROWS[AuditEntry]()
    assert admin_client.get(add_page(AuditEntry)).status_code == 403
    assert admin_client.post(reverse("admin:webhooks_auditentry_delete", args=[entry.pk])).status_code == 403
    assert 'name="_save"' not in text(admin_client.get(page(entry)))


def test_a_bulk_action_is_one_entry_with_a_count(admin_client: Client) -> None:
    tenant = make_tenant()
    endpoint = make_endpoint(tenant)
    rows = [make_delivery(endpoint, make_event(tenant, fanned_out=True)) for _ in range(3)]
    act(admin_client, list_page(Delivery), "cancel", *rows)
    entry = AuditEntry.objects.get(action="delivery.cancelled")
    assert (entry.count, sorted(entry.objects_named)) == (3, sorted(row.public_id for row in rows))
    assert "3 deliveries" in text(admin_client.get(page(entry)))
    assert page(rows[0]) in text(admin_client.get(page(entry)))
