"""A pin that would keep a subscription from ever getting anything is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import make_endpoint, make_tenant
from webhooks.core import conversions
from webhooks.errors import InvalidInput
from webhooks.models import EventType, Tenant
from webhooks.services import endpoints, event_types, subscriptions
from webhooks.services.subscriptions import Wanted

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant(db: None) -> Tenant:
    """A tenant with order.created in v1 and v2 and order.paid in v1."""
    tenant = make_tenant()
    created = event_types.create(tenant.id, {"name": "order.created"})
    event_types.add_version(created, {"version": "v2"})
    event_types.create(None, {"name": "order.paid"})
    return tenant


def fault(tenant: Tenant, version: str, *event_types: str) -> str:
    """The sentence about the pin, empty when it is taken."""
    try:
        make_endpoint(tenant, version=version, event_types=list(event_types))
    except InvalidInput as error:
        (found,) = error.errors
        assert found.pointer == "/version"
        return found.detail
    return ""


@pytest.mark.parametrize(
    ("version", "patterns", "said"),
    [
        ("", ["order.created"], ""),
        ("v1", ["order.created", "order.paid"], ""),
        ("v2", ["order.created"], ""),
        ("v2", ["order.created", "order.paid"], "order.paid has no version v2"),
        ("v9", ["order.created"], "its versions: v1, v2"),
        ("v2", ["order.*"], ""),
        ("v2", ["*"], ""),
        ("v9", ["order.**"], "none of the registered types that order.** fits"),
        ("v9", ["*"], "none of the registered types"),
        ("v9", ["payment.made", "payment.*"], ""),
    ],
)
def test_a_pin_is_judged_by_the_registered_versions(
    tenant: Tenant, version: str, patterns: list[str], said: str
) -> None:
    found = fault(tenant, version, *patterns)
    assert said in found
    assert bool(said) == bool(found)


def test_types_of_other_tenants_and_types_without_versions_say_nothing(tenant: Tenant) -> None:
    EventType.objects.create(name="order.sent")
    assert fault(tenant, "v9", "order.sent") == ""
    assert fault(make_tenant(), "v9", "order.created") == ""


def test_a_tenants_own_type_hides_that_of_all(tenant: Tenant) -> None:
    event_types.create(None, {"name": "order.created", "version": "v9"})
    event_types.create(tenant.id, {"name": "order.paid", "version": "v2"})
    assert fault(tenant, "v9", "order.created")
    assert fault(tenant, "v2", "order.paid") == ""


def test_a_version_that_can_be_made_is_known(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversions, "_steps", {})
    conversions.downgrade("order.created", "v2", "v0")(lambda data: data)
    assert fault(tenant, "v0", "order.created") == ""
    assert fault(tenant, "v0", "order.paid")


def test_a_change_is_judged_with_what_stays(tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant, version="v2", event_types=["order.created"])
    changes: list[dict[str, Any]] = [{"version": "v9"}, {"event_types": ["order.paid"]}]
    for change in changes:
        with pytest.raises(InvalidInput):
            endpoints.update(tenant.id, endpoint.id, change)
    endpoints.update(tenant.id, endpoint.id, {"version": "v1", "event_types": ["order.paid"]})
    with pytest.raises(InvalidInput):
        subscriptions.replace(make_endpoint(tenant, version="v2", event_types=["a"]).id, [Wanted("order.paid")])


def test_what_is_not_touched_is_not_judged_again(tenant: Tenant) -> None:
    endpoint = make_endpoint(tenant, version="v7", event_types=["later.made"])
    event_types.create(tenant.id, {"name": "later.made"})
    endpoints.update(tenant.id, endpoint.id, {"description": "new"})
