"""Members of staff in Clarion's roles, and a row of each table that has pages in the admin."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from tests.admin.pages import make_attempt, make_dead_letter
from tests.factories import (
    make_delivery,
    make_endpoint,
    make_event,
    make_received,
    make_run,
    make_source,
    make_tenant,
)
from webhooks.models import (
    ApiKey,
    Attempt,
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
from webhooks.services import api_keys, audit, event_types, oauth_clients, staff
from webhooks.services.operations import creating


def in_role(role: str) -> Client:
    """A browser of somebody with this role and no other rights."""
    staff.make_roles()
    user = User.objects.create(username=f"{role}-{secrets.token_hex(3)}", password="!", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


def _failure() -> TaskFailure:
    now = timezone.now()
    return TaskFailure.objects.create(
        task="webhooks.settle", args=[secrets.token_hex(4)], queue="default", exception="builtins.KeyError",
        first_seen=now, last_seen=now, paused_until=now,
    )  # fmt: skip


def _entry() -> AuditEntry:
    audit.record("webhook.updated", "webhook", ["wh_1"], changes={"auth": "changed"})
    return AuditEntry.objects.latest("id")


def _key() -> ApiKey:
    return ApiKey.objects.get(id=api_keys.create_api_key(make_tenant().id, "billing")[0])


def _version() -> EventTypeVersion:
    key = event_types.create(None, {"name": f"order.{secrets.token_hex(4)}"})
    return EventTypeVersion.objects.get(event_type_id=key)


ROWS: dict[type[Model], Callable[[], Any]] = {
    ApiKey: _key,
    Attempt: lambda: make_attempt(make_delivery()),
    AuditEntry: _entry,
    DeadLetter: make_dead_letter,
    Delivery: make_delivery,
    Endpoint: make_endpoint,
    Event: lambda: make_event(fanned_out=True),
    EventType: lambda: EventType.objects.create(name=f"order.{secrets.token_hex(4)}"),
    EventTypeVersion: _version,
    OAuthClient: lambda: OAuthClient.objects.get(id=oauth_clients.create(make_tenant().id, "billing")[0]),
    ProcessorRun: make_run,
    ReceivedMessage: lambda: make_received(status="processed", processed_at=timezone.now()),
    Source: lambda: make_source(provider="github", secrets=["a-secret-of-ours"], event_type="github.{type}"),
    Group: lambda: Group.objects.create(name=secrets.token_hex(4)),
    Operation: lambda: Operation.objects.get(id=creating.create(make_tenant().id, "replay", {}).id),
    TaskFailure: _failure,
    Tenant: make_tenant,
    User: lambda: User.objects.create(username=secrets.token_hex(4), password="!", is_staff=True),
}
