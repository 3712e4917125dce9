"""``manage.py dead_letters``"""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests import factories
from webhooks.models import DeadLetter, Delivery, Tenant
from webhooks.services import dead_letters

pytestmark = pytest.mark.django_db


def _run(*args: str) -> str:
    out = StringIO()
    call_command("dead_letters", *args, stdout=out)
    return out.getvalue()


def _letter(tenant: Tenant) -> DeadLetter:
    delivery = factories.make_delivery(
        factories.make_endpoint(tenant), state="dead", reason="HTTP 500", attempt_count=6
    )
    dead_letters.bury(delivery.id)
    return DeadLetter.objects.get(delivery=delivery)


def test_it_lists_open_dead_letters_with_their_reason(tenant: Tenant) -> None:
    letter = _letter(tenant)
    listed = _run("list")
    assert letter.public_id in listed
    assert "HTTP 500" in listed


def test_it_replays_the_named_one_by_a_new_delivery(tenant: Tenant) -> None:
    named, other = _letter(tenant), _letter(tenant)
    assert "1 dead letters replayed" in _run("replay", named.public_id)
    assert Delivery.objects.filter(trigger="replay", event_id=named.event_id).count() == 1
    assert DeadLetter.objects.get(id=other.id).resolution == "open"


def test_it_discards_those_of_one_webhook_only(tenant: Tenant) -> None:
    gone, kept = _letter(tenant), _letter(tenant)
    _run("discard", "--webhook", gone.endpoint.public_id)
    assert DeadLetter.objects.get(id=gone.id).resolution == "discarded"
    assert DeadLetter.objects.get(id=kept.id).resolution == "open"


def test_it_refuses_what_is_no_id(tenant: Tenant) -> None:
    with pytest.raises(CommandError, match="looks like dl_"):
        _run("replay", "dl_1")
