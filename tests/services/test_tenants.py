"""services.tenants."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from tests.factories import make_tenant
from webhooks.core import ids
from webhooks.errors import InvalidInput
from webhooks.models import Tenant
from webhooks.services import tenants


def test_a_tenant_is_found_by_id_and_slug(db: None) -> None:
    tenant_id = tenants.create_tenant(" Acme ", "acme", {"plan": "pro"})
    tenant = Tenant.objects.get()
    assert (tenant.name, tenant.metadata, tenant.active) == ("Acme", {"plan": "pro"}, True)
    assert tenants.find_tenant("acme") == tenants.find_tenant(tenant.public_id) == tenant_id


@pytest.mark.parametrize("text", ["", "nobody", "ten_", "ten_x", "ten_" + "0" * 32, "Acme", "a\x00", "acme\n", "ä"])
def test_nobody_is_found_by_anything_else(db: None, text: str) -> None:
    make_tenant(slug="acme")
    assert tenants.find_tenant(text) is None


def test_a_slug_that_looks_like_a_bare_id_is_still_a_slug(db: None) -> None:
    other = make_tenant()
    named = make_tenant(slug=other.id.hex)
    assert tenants.find_tenant(other.id.hex) == named.id
    assert tenants.find_tenant(ids.show(ids.TENANT, other.id)) == other.id


@pytest.mark.django_db(transaction=True)
def test_one_of_those_who_race_for_a_slug_gets_it() -> None:
    def create(_: int) -> bool:
        try:
            tenants.create_tenant("Acme", "acme")
        except InvalidInput as error:
            return error.errors[0].pointer != "/slug"
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(create, range(6))) == 1
    assert Tenant.objects.count() == 1
