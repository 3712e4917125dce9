from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.envelope import Envelope


T = TypeVar("T", bound="Batch")


@_attrs_define
class Batch:
    """The body of a webhook with `batch`."""

    batch_id: str
    """ Id of the batch; the same when it is sent again. Also in `webhook-id`. """
    created_at: datetime.datetime
    """ Time of its newest delivery. """
    event_count: int
    """ Number of events. """
    events: list[Envelope]
    """ In the order in which they were accepted. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        batch_id = self.batch_id

        created_at = self.created_at.isoformat()

        event_count = self.event_count

        events = []
        for events_item_data in self.events:
            events_item = events_item_data.to_dict()
            events.append(events_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "batch_id": batch_id,
                "created_at": created_at,
                "event_count": event_count,
                "events": events,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.envelope import Envelope  # noqa: PLC0415

        d = dict(src_dict)
        batch_id = d.pop("batch_id")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        event_count = d.pop("event_count")

        events = []
        _events = d.pop("events")
        for events_item_data in _events:
            events_item = Envelope.from_dict(events_item_data)

            events.append(events_item)

        batch = cls(
            batch_id=batch_id,
            created_at=created_at,
            event_count=event_count,
            events=events,
        )

        batch.additional_properties = d
        return batch

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
