from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.paginated_routed_list_status import PaginatedRoutedListStatus, check_paginated_routed_list_status

if TYPE_CHECKING:
    from ..models.routed import Routed


T = TypeVar("T", bound="PaginatedRoutedList")


@_attrs_define
class PaginatedRoutedList:
    """A page of a list."""

    event_id: str
    """ Id of the event, as its publisher knows it. """
    event_type: str
    """ Type of the event. """
    status: PaginatedRoutedListStatus
    """ `accepted`: it is durable and not routed yet. """
    routed_at: datetime.datetime | None
    """ When it was routed. """
    matched: int
    """ Deliveries made when it was routed; 0: no webhook wanted it. """
    next_: None | str
    """ The page of older objects; null on the last one. A page can hold fewer objects than asked for, even none,
    and still have a next one: what a filter rarely matches is searched for stretch by stretch. """
    previous: None | str
    """ The page of newer objects; null on the first one. """
    results: list[Routed]
    """ Newest first. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        event_id = self.event_id

        event_type = self.event_type

        status: str = self.status

        routed_at: None | str
        if isinstance(self.routed_at, datetime.datetime):
            routed_at = self.routed_at.isoformat()
        else:
            routed_at = self.routed_at

        matched = self.matched

        next_: None | str
        next_ = self.next_

        previous: None | str
        previous = self.previous

        results = []
        for results_item_data in self.results:
            results_item = results_item_data.to_dict()
            results.append(results_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "event_id": event_id,
                "event_type": event_type,
                "status": status,
                "routed_at": routed_at,
                "matched": matched,
                "next": next_,
                "previous": previous,
                "results": results,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.routed import Routed  # noqa: PLC0415

        d = dict(src_dict)
        event_id = d.pop("event_id")

        event_type = d.pop("event_type")

        status = check_paginated_routed_list_status(d.pop("status"))

        def _parse_routed_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                routed_at_type_0 = datetime.datetime.fromisoformat(data)

                return routed_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        routed_at = _parse_routed_at(d.pop("routed_at"))

        matched = d.pop("matched")

        def _parse_next_(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        next_ = _parse_next_(d.pop("next"))

        def _parse_previous(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        previous = _parse_previous(d.pop("previous"))

        results = []
        _results = d.pop("results")
        for results_item_data in _results:
            results_item = Routed.from_dict(results_item_data)

            results.append(results_item)

        paginated_routed_list = cls(
            event_id=event_id,
            event_type=event_type,
            status=status,
            routed_at=routed_at,
            matched=matched,
            next_=next_,
            previous=previous,
            results=results,
        )

        paginated_routed_list.additional_properties = d
        return paginated_routed_list

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
