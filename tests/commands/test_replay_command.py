"""``manage.py replay``."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.factories import make_endpoint, make_event
from webhooks.models import AuditEntry, Delivery, Operation, Tenant

pytestmark = pytest.mark.django_db


def replay(*args: str) -> str:
    out = StringIO()
    call_command("replay", *args, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("name", ["slug", "public_id"])
def test_it_counts_first_and_delivers_then(tenant: Tenant, valkey: Any, name: str) -> None:
    for _ in range(3):
        make_event(tenant, fanned_out=True)
    endpoint = make_endpoint(tenant)
    options = ["--tenant", getattr(tenant, name), "--status", "unmatched", "--event-type", "order.*"]
    told = replay(*options, "--webhook", endpoint.public_id, "--dry-run")
    assert "would be delivered" in told
    assert not Delivery.objects.exists()
    told = replay(*options, "--rate", "1000")
    assert "3" in told
    assert Delivery.objects.filter(trigger="replay").count() == 3
    assert AuditEntry.objects.filter(action="operation.created", actor_kind="command").count() == 2


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--since", "yesterday"], "since takes a time"),
        (["--webhook", "wh_x"], "webhooks/0 there is no such webhook"),
        (["--rate", "0"], "rate takes"),
    ],
    ids=["since", "webhook", "rate"],
)
def test_a_bad_option_is_one_sentence(tenant: Tenant, valkey: Any, options: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        replay("--tenant", tenant.slug, *options)
    assert not Operation.objects.exists()


def test_an_unknown_tenant_is_one_sentence(db: None) -> None:
    with pytest.raises(CommandError, match="no tenant"):
        replay("--tenant", "nobody")
