from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.actor import Actor
    from ..models.audit_entry_changes import AuditEntryChanges
    from ..models.audit_entry_detail import AuditEntryDetail
    from ..models.audited_object import AuditedObject


T = TypeVar("T", bound="AuditEntry")


@_attrs_define
class AuditEntry:
    """One change, replay, reveal of a secret or login.

    A tenant's key sees what happened to its tenant. Of the people and programs that run Clarion it sees the kind and
    neither name nor address.

    """

    id: str
    """ Id of the entry. """
    at: datetime.datetime
    """ When it happened. """
    tenant_id: None | str
    """ The tenant it is about; null: the platform. """
    actor: Actor
    """ Who did it. """
    action: str
    """ What was done, such as `webhook.updated`. """
    object_: AuditedObject
    """ What it was done to; its id is null when there were several. """
    objects: list[str]
    """ Ids of what it was done to, at most 100. """
    count: int
    """ Number of objects it was done to. """
    changes: AuditEntryChanges
    """ Fields that were changed, with both values; of secrets only that they were changed. """
    detail: AuditEntryDetail
    """ What else is to be said of this action. """
    request_id: None | str
    """ X-Request-ID of the request that did it. """
    address: None | str
    """ Where the request came from. """
    hash_: None | str
    """ SHA-256 of the entry and of the hash before it; null for the seconds until it is chained. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        at = self.at.isoformat()

        tenant_id: None | str
        tenant_id = self.tenant_id

        actor = self.actor.to_dict()

        action = self.action

        object_ = self.object_.to_dict()

        objects = self.objects

        count = self.count

        changes = self.changes.to_dict()

        detail = self.detail.to_dict()

        request_id: None | str
        request_id = self.request_id

        address: None | str
        address = self.address

        hash_: None | str
        hash_ = self.hash_

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "at": at,
                "tenant_id": tenant_id,
                "actor": actor,
                "action": action,
                "object": object_,
                "objects": objects,
                "count": count,
                "changes": changes,
                "detail": detail,
                "request_id": request_id,
                "address": address,
                "hash": hash_,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.actor import Actor  # noqa: PLC0415
        from ..models.audit_entry_changes import AuditEntryChanges  # noqa: PLC0415
        from ..models.audit_entry_detail import AuditEntryDetail  # noqa: PLC0415
        from ..models.audited_object import AuditedObject  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        at = datetime.datetime.fromisoformat(d.pop("at"))

        def _parse_tenant_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        tenant_id = _parse_tenant_id(d.pop("tenant_id"))

        actor = Actor.from_dict(d.pop("actor"))

        action = d.pop("action")

        object_ = AuditedObject.from_dict(d.pop("object"))

        objects = cast(list[str], d.pop("objects"))

        count = d.pop("count")

        changes = AuditEntryChanges.from_dict(d.pop("changes"))

        detail = AuditEntryDetail.from_dict(d.pop("detail"))

        def _parse_request_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        request_id = _parse_request_id(d.pop("request_id"))

        def _parse_address(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        address = _parse_address(d.pop("address"))

        def _parse_hash_(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        hash_ = _parse_hash_(d.pop("hash"))

        audit_entry = cls(
            id=id,
            at=at,
            tenant_id=tenant_id,
            actor=actor,
            action=action,
            object_=object_,
            objects=objects,
            count=count,
            changes=changes,
            detail=detail,
            request_id=request_id,
            address=address,
            hash_=hash_,
        )

        audit_entry.additional_properties = d
        return audit_entry

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
