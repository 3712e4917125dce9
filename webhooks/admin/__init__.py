"""Django admin: Clarion's console for operators. Importing it registers the pages."""

from webhooks.admin import (
    audit,
    credentials,
    dead_letters,
    deliveries,
    endpoints,
    event_types,
    events,
    operations,
    received,
    sources,
    task_failures,
    tenants,
)

__all__ = [
    "audit",
    "credentials",
    "dead_letters",
    "deliveries",
    "endpoints",
    "event_types",
    "events",
    "operations",
    "received",
    "sources",
    "task_failures",
    "tenants",
]
