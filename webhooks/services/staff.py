"""The people who run Clarion: their roles, and what is recorded of their accounts and logins.

Accounts and groups are Django's, written by its admin, its commands or the host project: signals see all of them.
Only those of staff are recorded: in a host project everybody else is a customer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.db import transaction
from django.db.models import Q
from django.db.models.signals import m2m_changed, post_delete, post_migrate, post_save, pre_save

from webhooks.services import actors, audit

VIEWER, OPERATOR, ADMINISTRATOR = "Clarion viewer", "Clarion operator", "Clarion administrator"
# What an operator may do besides looking. "change" of a table that nobody edits is its actions.
OPERATES = (
    "change_delivery", "change_deadletter", "change_event", "change_taskfailure", "operate_endpoint",
    "change_operation", "change_receivedmessage", "change_processorrun", "operate_source",
)  # fmt: skip
# Rows whose content is a secret; there is no page for them either.
_HIDDEN = ("view_endpointsecret", "view_signingkey", "view_idempotencykey", "view_receivedkey")
_ACCOUNTS = ("user", "group")
_WATCHED = ("username", "email", "first_name", "last_name", "is_active", "is_staff", "is_superuser", "password")
_SECRET = ("password",)


# --- roles


def permissions_of(role: str) -> list[Permission]:
    """What a role may do. By rule, so that a table that is added later is seen by all and changed by few."""
    ours = Permission.objects.filter(content_type__app_label="webhooks")
    accounts = Permission.objects.filter(content_type__app_label="auth", content_type__model__in=_ACCOUNTS)
    if role == ADMINISTRATOR:
        return [*ours, *accounts]
    seen = Q(codename__startswith="view_") & ~Q(codename__in=_HIDDEN)
    more = OPERATES if role == OPERATOR else ()
    return [*ours.filter(seen | Q(codename__in=more)), *accounts.filter(seen)]


def make_roles(**_: Any) -> None:
    """Make the three groups and give each exactly its permissions, whatever they were. After each migrate.

    The names say Clarion's: a group *operator* of a host project must not get more rights by our installation.
    """
    for label in ("webhooks", "auth"):
        create_permissions(apps.get_app_config(label), verbosity=0)  # those of this migrate may not be there yet
    for role in (VIEWER, OPERATOR, ADMINISTRATOR):
        with transaction.atomic():
            _make_role(role)


def _make_role(role: str) -> None:
    group = Group.objects.filter(name=role).first()
    new = group is None
    if group is None:
        (group,) = Group.objects.bulk_create([Group(name=role)])  # no signals: nothing to record of the first time
    wanted = {permission.pk: permission.codename for permission in permissions_of(role)}
    links = Group.permissions.through.objects
    present = dict(links.filter(group=group).values_list("permission_id", "permission__codename"))
    if wanted.keys() == present.keys():
        return
    links.filter(group=group).exclude(permission_id__in=wanted).delete()
    links.bulk_create(
        [Group.permissions.through(group_id=group.pk, permission_id=key) for key in wanted.keys() - present.keys()]
    )
    if not new:
        changes = _lists("permissions", present.values(), wanted.values())
        audit.record("group.updated", "group", [f"group_{group.pk}"], label=role, changes=changes)


# --- logins


def login_failed(name: str) -> None:
    """Somebody did not get in. A name is kept only when it is one: people type passwords into the wrong field."""
    _record_login("login.failed", name)


def login_refused(name: str, wait: float) -> None:
    """Too many tries: recorded once until the wait is over."""
    _record_login("login.refused", name, {"wait": round(wait)})


def _record_login(action: str, name: str, detail: dict[str, Any] | None = None) -> None:
    user = get_user_model()._default_manager.filter(**{get_user_model().USERNAME_FIELD: name.replace("\0", "")}).first()
    label = user.get_username() if user else ""
    audit.record(action, "user", [actors.user_id(user)] if user else [], count=1, detail=detail, label=label)


def _logged_in(request: Any, user: Any, **_: Any) -> None:
    _session(request, user, "login.succeeded")


def _logged_out(request: Any, user: Any, **_: Any) -> None:
    _session(request, user, "logout.succeeded")


def _session(request: Any, user: Any, action: str) -> None:
    if not getattr(user, "is_staff", False):
        return
    with actors.acting_as(actors.staff(request, user)):
        audit.record(action, "user", [actors.user_id(user)], label=user.get_username())


# --- accounts


def _values(user: Any) -> dict[str, Any]:
    names = [name for name in _WATCHED if name in {field.name for field in user._meta.concrete_fields}]
    return {name: getattr(user, name) for name in names}


def _before_save(instance: Any, update_fields: Iterable[str] | None, **_: Any) -> None:
    instance.__dict__.pop("_clarion_before", None)
    if instance._state.adding or (update_fields is not None and not set(update_fields) & set(_WATCHED)):
        return
    if stored := type(instance)._default_manager.filter(pk=instance.pk).first():
        instance.__dict__["_clarion_before"] = _values(stored)


def _after_save(instance: Any, created: bool, update_fields: Iterable[str] | None, **_: Any) -> None:
    before = instance.__dict__.pop("_clarion_before", None)
    after = _values(instance)
    if not (after.get("is_staff") or (before or {}).get("is_staff")) or (before is None and not created):
        return
    if update_fields is not None and set(update_fields) == {"password"} and instance._password is None:
        return  # Django wrote the same password with a newer hash, at a login
    if changes := audit.changed(before or {}, after, _SECRET):
        _account("user.created" if created else "user.updated", instance, changes)


def _after_delete(instance: Any, **_: Any) -> None:
    if getattr(instance, "is_staff", True):
        _account(f"{_kind(instance)}.deleted", instance, {})


def _group_saved(instance: Any, created: bool, **_: Any) -> None:
    _account(
        "group.created" if created else "group.updated", instance, {"name": {"before": None, "after": str(instance)}}
    )


def _members_changed(instance: Any, action: str, reverse: bool, model: Any, pk_set: Any, field: str, **_: Any) -> None:
    """Groups of a user, permissions of a user or group; ``reverse``: users were put into a group."""
    if action not in ("post_add", "post_remove", "pre_clear") or not getattr(instance, "is_staff", True):
        return
    name = "users" if reverse else field
    now = set(_members(instance, name))
    touched = set(map(str, model._default_manager.filter(pk__in=pk_set or ())))
    before = {"post_add": now - touched, "post_remove": now | touched, "pre_clear": now}[action]
    after = set() if action == "pre_clear" else now
    if before != after:
        _account(f"{_kind(instance)}.updated", instance, _lists(name, before, after))


def _members(instance: Any, name: str) -> list[str]:
    related = instance.user_set if name == "users" else getattr(instance, name)
    return [str(item) for item in related.all()]


def _lists(name: str, before: Iterable[str], after: Iterable[str]) -> dict[str, Any]:
    return audit.changed({name: sorted(before)}, {name: sorted(after)})


def _kind(instance: Any) -> str:
    return "group" if isinstance(instance, Group) else "user"


def _account(action: str, instance: Any, changes: dict[str, Any]) -> None:
    kind = _kind(instance)
    audit.record(action, kind, [f"{kind}_{instance.pk}"], label=str(instance), changes=changes)


def connect() -> None:
    """Watch accounts and logins, and make the roles after each migrate. Called once, when Django is ready."""
    user = get_user_model()
    post_migrate.connect(make_roles, sender=apps.get_app_config("webhooks"), dispatch_uid="clarion.roles")
    user_logged_in.connect(_logged_in, dispatch_uid="clarion.login")
    user_logged_out.connect(_logged_out, dispatch_uid="clarion.logout")
    pre_save.connect(_before_save, sender=user, dispatch_uid="clarion.user")
    post_save.connect(_after_save, sender=user, dispatch_uid="clarion.user")
    post_delete.connect(_after_delete, sender=user, dispatch_uid="clarion.user")
    post_save.connect(_group_saved, sender=Group, dispatch_uid="clarion.group")
    post_delete.connect(_after_delete, sender=Group, dispatch_uid="clarion.group")
    _watch_members(Group, "permissions")
    for field in ("groups", "user_permissions"):
        if hasattr(user, field):
            _watch_members(user, field)


def _watch_members(model: Any, field: str) -> None:
    def changed(**told: Any) -> None:
        _members_changed(field=field, **told)

    m2m_changed.connect(changed, sender=getattr(model, field).through, weak=False, dispatch_uid=f"clarion.{field}")
