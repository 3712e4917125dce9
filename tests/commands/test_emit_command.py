"""``manage.py emit``"""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from webhooks.models import Event, Tenant

pytestmark = pytest.mark.django_db


def _emit(*args: str) -> str:
    out = StringIO()
    call_command("emit", *args, stdout=out)
    return out.getvalue().strip()


def test_it_publishes_the_bytes_of_a_file_and_prints_the_id(tenant: Tenant, tmp_path: Path) -> None:
    text = b'{"amount": 1.50, "id": 12345678901234567890}'
    (tmp_path / "order.json").write_bytes(text + b"\n")
    printed = _emit("order.created", "--tenant", tenant.slug, "--data", f"@{tmp_path}/order.json")
    event = Event.objects.get(type="order.created")
    assert printed == event.public_id
    assert bytes(event.data) == text


def test_it_takes_an_id_of_ones_own_once(tenant: Tenant) -> None:
    arguments = ("order.created", "--tenant", tenant.slug, "--id", "order-1")
    assert _emit(*arguments) == _emit(*arguments) == "order-1"
    assert Event.objects.count() == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["order..created", "--data", "{}"], "/type: an event type is made of"),
        (["order.created", "--data", '{"a": [1,}'], "/data/a/1: "),
        (["order.created", "--data", "@/nowhere/at/all"], "cannot be read"),
    ],
)
def test_it_says_what_is_wrong_and_where_and_stores_nothing(
    tenant: Tenant, arguments: list[str], sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence):
        _emit(*arguments, "--tenant", tenant.slug)
    assert not Event.objects.exists()


def test_it_names_a_tenant_that_does_not_exist() -> None:
    with pytest.raises(CommandError, match="no tenant 'nobody'"):
        _emit("order.created", "--tenant", "nobody")
