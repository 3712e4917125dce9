from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.published import Published
    from ..models.refused_event import RefusedEvent


T = TypeVar("T", bound="BatchResult")


@_attrs_define
class BatchResult:
    """What became of a batch."""

    accepted: int
    """ New events, durable now. """
    duplicates: int
    """ Events that were there already. """
    events: list[Published]
    """ The accepted events and the duplicates, in the order of the batch. """
    errors: list[RefusedEvent]
    """ The refused events; empty when all were accepted. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        accepted = self.accepted

        duplicates = self.duplicates

        events = []
        for events_item_data in self.events:
            events_item = events_item_data.to_dict()
            events.append(events_item)

        errors = []
        for errors_item_data in self.errors:
            errors_item = errors_item_data.to_dict()
            errors.append(errors_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "accepted": accepted,
                "duplicates": duplicates,
                "events": events,
                "errors": errors,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.published import Published  # noqa: PLC0415
        from ..models.refused_event import RefusedEvent  # noqa: PLC0415

        d = dict(src_dict)
        accepted = d.pop("accepted")

        duplicates = d.pop("duplicates")

        events = []
        _events = d.pop("events")
        for events_item_data in _events:
            events_item = Published.from_dict(events_item_data)

            events.append(events_item)

        errors = []
        _errors = d.pop("errors")
        for errors_item_data in _errors:
            errors_item = RefusedEvent.from_dict(errors_item_data)

            errors.append(errors_item)

        batch_result = cls(
            accepted=accepted,
            duplicates=duplicates,
            events=events,
            errors=errors,
        )

        batch_result.additional_properties = d
        return batch_result

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
