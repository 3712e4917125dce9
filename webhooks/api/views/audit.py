"""``/api/audit``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from webhooks.api.authentication import caller
from webhooks.api.filters import AuditFilters
from webhooks.api.serializers.audit import AuditEntrySerializer
from webhooks.api.views.base import ListView
from webhooks.models import AuditEntry


class AuditEntries(ListView):
    """For whoever manages a tenant's keys: the log says what each key did."""

    tag = "Audit"
    queryset = AuditEntry.objects.all()
    serializer_class: Any = AuditEntrySerializer
    filterset_class = AuditFilters
    required_scopes: ClassVar[dict[str, str]] = {"GET": "keys"}

    def context(self, rows: Sequence[AuditEntry]) -> dict[str, Any]:
        return {"platform": caller(self.request).is_platform}

    @extend_schema(operation_id="list_audit_entries", summary="List audit entries")
    def get(self, request: Request) -> HttpResponse:
        """Every change, replay, reveal of a secret and login. A platform key that names no tenant sees those of the
        platform as well."""
        return self.list(request)
