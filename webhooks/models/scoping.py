"""Whose rows: the one place where a query is limited to a tenant."""

from __future__ import annotations

from typing import ClassVar, Self, TypeVar
from uuid import UUID

from django.db import models

M = TypeVar("M", bound=models.Model, covariant=True)


class TenantQuerySet(models.QuerySet[M]):
    """Rows that belong to tenants, by the column ``tenant_id`` unless the model says otherwise.

    Attack: an id, a filter or a cursor that names rows of another tenant. Whoever answers a caller begins with
    :meth:`for_tenant`; a row that is not the caller's is then as if it did not exist.
    """

    tenant_column: ClassVar[str] = "tenant_id"

    def for_tenant(self, tenant_id: UUID | None) -> Self:
        """The rows of one tenant; of all of them for None, which is a platform key that names nobody."""
        return self if tenant_id is None else self.filter(**{self.tenant_column: tenant_id})
