"""Entries of the audit log."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from webhooks.api.fields import Computed, Moment, PublicId, id_schema, nullable
from webhooks.api.shown import Shown
from webhooks.core import ids
from webhooks.models import AuditEntry
from webhooks.models.audit import PREFIX

_TEXT = {"type": "string"}


def _text(description: str) -> dict[str, Any]:
    return {**nullable(_TEXT), "description": description}


_ACTOR = {
    "title": "Actor",
    "type": "object",
    "description": "Who did something.",
    "required": ["kind", "id", "label"],
    "properties": {
        "kind": {"type": "string", "enum": AuditEntry.Actor.values, "description": "What kind of caller it was."},
        "id": _text("Its id; null: unknown, or not shown to a tenant."),
        "label": _text("What people call it, as it was then."),
    },
}
_OBJECT = {
    "title": "AuditedObject",
    "type": "object",
    "description": "What something was done to.",
    "required": ["kind", "id", "label"],
    "properties": {
        "kind": _text("Such as `webhook` or `api_key`."),
        "id": _text("Its id; null when there were several."),
        "label": _text("Its URL or name, as it was then."),
    },
}
_CHANGE = {
    "oneOf": [
        {
            "title": "ChangedValue",
            "type": "object",
            "description": "A field that was changed.",
            "required": ["before", "after"],
            "properties": {
                "before": {"description": "The value until then; a long one is cut."},
                "after": {"description": "The value from then on; a long one is cut."},
            },
        },
        {"type": "string", "const": "changed"},  # last: a generated client tries nothing after a constant
    ]
}


class AuditEntrySerializer(Shown[AuditEntry]):
    """One change, replay, reveal of a secret or login.

    A tenant's key sees what happened to its tenant. Of the people and programs that run Clarion it sees the kind and
    neither name nor address.
    """

    id = PublicId(PREFIX, help_text="Id of the entry.")
    at = Moment(read_only=True, help_text="When it happened.")
    tenant_id = Computed(
        lambda entry: ids.show(ids.TENANT, entry.tenant_id) if entry.tenant_id else None,
        nullable(id_schema(ids.TENANT)),
        read_only=True,
        help_text="The tenant it is about; null: the platform.",
    )
    actor = serializers.SerializerMethodField(help_text="Who did it.")
    action = serializers.CharField(read_only=True, help_text="What was done, such as `webhook.updated`.")
    object = Computed(
        lambda entry: {
            "kind": entry.object_kind or None, "id": entry.object_id or None, "label": entry.object_label or None,
        },
        _OBJECT,
        read_only=True,
        help_text="What it was done to; its id is null when there were several.",
    )  # fmt: skip
    objects = Computed(
        lambda entry: entry.objects_named,
        {"type": "array", "maxItems": 100, "items": _TEXT},
        read_only=True,
        help_text="Ids of what it was done to, at most 100.",
    )
    count = serializers.IntegerField(read_only=True, min_value=0, help_text="Number of objects it was done to.")
    changes = Computed(
        lambda entry: entry.changes,
        {"type": "object", "additionalProperties": _CHANGE},
        read_only=True,
        help_text="Fields that were changed, with both values; of secrets only that they were changed.",
    )
    detail = Computed(
        lambda entry: entry.detail,
        {"type": "object", "additionalProperties": True},
        read_only=True,
        help_text="What else is to be said of this action.",
    )
    request_id = Computed(
        lambda entry: entry.request_id or None,
        nullable(_TEXT),
        read_only=True,
        help_text="X-Request-ID of the request that did it.",
    )
    address = serializers.SerializerMethodField(help_text="Where the request came from.")
    hash = Computed(
        lambda entry: bytes(entry.hash).hex() if entry.hash else None,
        nullable(_TEXT),
        read_only=True,
        help_text="SHA-256 of the entry and of the hash before it; null for the seconds until it is chained.",
    )

    def _named(self, entry: AuditEntry) -> bool:
        return bool(self.context.get("platform")) or entry.actor_kind in AuditEntry.OF_TENANTS

    @extend_schema_field(_ACTOR)
    def get_actor(self, entry: AuditEntry) -> dict[str, Any]:
        named = self._named(entry)
        return {
            "kind": entry.actor_kind,
            "id": (entry.actor_id or None) if named else None,
            "label": (entry.actor_label or None) if named else None,
        }

    def get_address(self, entry: AuditEntry) -> str | None:
        return entry.address if self._named(entry) else None
