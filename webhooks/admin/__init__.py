"""Django admin: Clarion's console for operators. Importing it registers the pages."""

from webhooks.admin import dead_letters, deliveries, endpoints, event_types, events, task_failures, tenants

__all__ = ["dead_letters", "deliveries", "endpoints", "event_types", "events", "task_failures", "tenants"]
