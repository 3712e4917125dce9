"""Roles: what a viewer, an operator and an administrator may do, for every page and action the admin has."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from tests.admin.pages import act
from tests.admin.roles import ROWS, in_role
from tests.factories import make_endpoint
from webhooks.models import AuditEntry, Endpoint
from webhooks.services import staff

ROLES = (staff.VIEWER, staff.OPERATOR, staff.ADMINISTRATOR)
V, O, A = ROLES  # noqa: E741
EVERYBODY, NOBODY = {V, O, A}, set[str]()

# (model, right) -> roles that have it. Rights: the pages "list", "page" and "history", "add", "save", "delete", each
# action, and each further page by the name of its URL. A model, page or action that is not here fails the test.
_SEEN = {"list": EVERYBODY, "page": EVERYBODY, "history": EVERYBODY}
_LEDGER = {**_SEEN, "add": NOBODY, "save": NOBODY, "delete": NOBODY}
_ACCOUNT = {**_SEEN, "add": {A}, "save": {A}, "delete": {A}, "delete_selected": {A}}
RIGHTS: dict[str, dict[str, set[str]]] = {
    "ApiKey": {**_LEDGER, "add": {A}, "revoke": {A}},
    "Attempt": _LEDGER,
    "AuditEntry": _LEDGER,
    "DeadLetter": {**_LEDGER, "replay": {O, A}, "discard": {O, A}},
    "Delivery": {**_LEDGER, "retry": {O, A}, "cancel": {O, A}},
    "Endpoint": {
        **_SEEN, "add": {A}, "save": {A}, "delete": {A}, "delete_selected": {A},
        **{action: {O, A} for action in ("pause", "resume", "enable", "disable", "send_test")},
        **{action: {O, A} for action in ("replay", "check_address", "validate")},
        "rotate_secret": {A},
    },
    "Event": {**_LEDGER, "replay": {O, A}, "webhooks_event_data": EVERYBODY},
    "EventType": {**_SEEN, "add": {A}, "save": {A}, "delete": {A}, "delete_selected": {A}},
    "EventTypeVersion": {**_SEEN, "add": {A}, "save": {A}, "delete": NOBODY},
    "Group": _ACCOUNT,
    "OAuthClient": {**_LEDGER, "add": {A}, "revoke": {A}, "rotate_secret": {A}},
    "ProcessorRun": {**_LEDGER, "replay": {O, A}},
    "ReceivedMessage": {**_LEDGER, "replay": {O, A}, "webhooks_receivedmessage_body": EVERYBODY},
    "Source": {
        **_SEEN, "add": {A}, "save": {A}, "delete": {A}, "delete_selected": {A},
        "send_sample": {O, A}, "rotate_secret": {A},
    },
    "Operation": {**_LEDGER, "cancel": {O, A}},
    "TaskFailure": {**_LEDGER, "run_again": {O, A}, "resolve": {O, A}},
    "Tenant": {**_SEEN, "add": {A}, "save": {A}, "delete": NOBODY},
    "User": {**_ACCOUNT, "auth_user_password_change": {A}},
}  # fmt: skip
PAGES = {"changelist": "list", "add": "add", "change": "page", "delete": "delete", "history": "history"}


def _model(name: str) -> type[Model]:
    return next(model for model in admin.site._registry if model.__name__ == name)


def _url(model: type[Model], page: str, row: Model | None = None) -> str:
    name = (
        page
        if page.startswith(f"{model._meta.app_label}_")
        else f"{model._meta.app_label}_{model._meta.model_name}_{page}"
    )
    return reverse(f"admin:{name}", args=[row.pk] if row else [])


def _named(model: type[Model]) -> set[str]:
    """The named URLs of a model's pages, without the prefix all of them share."""
    names = {str(pattern.name) for pattern in admin.site._registry[model].get_urls() if pattern.name}
    prefix = f"{model._meta.app_label}_{model._meta.model_name}_"
    return {PAGES.get(name.removeprefix(prefix), name) for name in names}


def _actions(model: type[Model]) -> set[str]:
    """All actions that a superuser has."""
    request: Any = type("Request", (), {"user": User(is_superuser=True, is_active=True), "GET": {}})
    return set(admin.site._registry[model].get_actions(request))


@pytest.fixture(params=ROLES)
def role(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def client_of(role: str) -> Client:
    return in_role(role)


def test_the_table_has_every_model_page_and_action_of_the_admin() -> None:
    assert {model.__name__ for model in admin.site._registry} == set(RIGHTS)
    for model in admin.site._registry:
        expected = _named(model) | _actions(model) | {"save"}
        assert set(RIGHTS[model.__name__]) == expected, model.__name__


@pytest.mark.parametrize("name", RIGHTS)
def test_pages(name: str, role: str, client_of: Client) -> None:
    model = _model(name)
    row = ROWS[model]()
    for page in _named(model):
        urls = {right: url for url, right in PAGES.items()}
        path = _url(model, urls.get(page, page), None if page in ("list", "add") else row)
        status = client_of.get(path).status_code
        assert status == (200 if role in RIGHTS[name][page] else 403), path


@pytest.mark.parametrize("name", RIGHTS)
def test_saving_and_deleting(name: str, role: str, client_of: Client) -> None:
    """Who may not is refused by the server, not only by a missing button."""
    model = _model(name)
    row = ROWS[model]()
    before = AuditEntry.objects.count()
    shown = client_of.get(_url(model, "change", row)).content.decode()
    assert ('name="_save"' in shown) == (role in RIGHTS[name]["save"])
    for right, page in {"save": "change", "delete": "delete", "add": "add"}.items():
        if role not in RIGHTS[name][right]:
            path = _url(model, page, None if page == "add" else row)
            answer = client_of.post(path, {"post": "yes", "name": "x", "_save": "Save"})
            assert answer.status_code == 403 or (right == "save" and b'name="_save"' not in answer.content), path
            assert AuditEntry.objects.count() == before
    assert model._default_manager.filter(pk=row.pk).exists()


@pytest.mark.parametrize("name", [name for name, rights in RIGHTS.items() if set(rights) - set(PAGES.values())])
def test_actions(name: str, role: str, client_of: Client) -> None:
    """The menu offers what is allowed; what is not does nothing, from the list and from the object's page."""
    model = _model(name)
    row = ROWS[model]()
    actions = _actions(model)
    shown = client_of.get(_url(model, "changelist")).content.decode()
    menu = re.search(r'<select name="action".*?</select>', shown, re.DOTALL)
    offered = set(re.findall(r'<option value="(\w+)"', menu[0])) if menu else set()
    assert offered == {action for action in actions if role in RIGHTS[name][action]}
    before = AuditEntry.objects.count()
    for action in actions - offered:
        for path in (_url(model, "changelist"), _url(model, "change", row)):
            act(client_of, path, action, row, follow=False, confirmed="1", overlap="0", since="all", post="yes")
            assert AuditEntry.objects.count() == before, f"{action} did something"
    assert model._default_manager.filter(pk=row.pk).exists()


def test_every_page_needs_a_login() -> None:
    client = Client()
    for model in admin.site._registry:
        row = ROWS[model]()
        for page in _named(model):
            urls = {right: url for url, right in PAGES.items()}
            path = _url(model, urls.get(page, page), None if page in ("list", "add") else row)
            answer = client.get(path)
            assert answer.status_code == 302, path
            assert answer["Location"].startswith(reverse("admin:login")), path


@pytest.mark.parametrize("role", [V, O])
def test_neither_viewer_nor_operator_is_shown_a_secret(role: str) -> None:
    client = in_role(role)
    endpoint = make_endpoint(auth={"type": "bearer", "token": "hush-token"}, headers={"X-Api-Key": "hush-header"})
    shown = client.get(_url(Endpoint, "change", endpoint)).content.decode()
    assert "hush" not in shown
    assert "whsec_" not in shown
    assert "Rotate secret" not in shown


def test_roles_are_made_once_and_mended_when_somebody_changed_them(db: None) -> None:
    staff.make_roles()
    viewer = Group.objects.get(name=V)
    rights = set(viewer.permissions.values_list("codename", flat=True))
    assert all(codename.startswith("view_") for codename in rights)
    assert "view_endpointsecret" not in rights
    staff.make_roles()
    assert Group.objects.filter(name__in=ROLES).count() == 3
    viewer.permissions.set(Group.objects.get(name=A).permissions.all())
    AuditEntry.objects.latest("id")
    staff.make_roles()
    assert set(viewer.permissions.values_list("codename", flat=True)) == rights
    assert AuditEntry.objects.latest("id").action == "group.updated"


def test_a_group_of_the_host_project_gets_no_rights(db: None) -> None:
    theirs = Group.objects.create(name="operator")
    staff.make_roles()
    assert theirs.permissions.count() == 0
