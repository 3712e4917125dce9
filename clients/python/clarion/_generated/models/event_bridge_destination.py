from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="EventBridgeDestination")


@_attrs_define
class EventBridgeDestination:
    """A bus of Amazon EventBridge; an entry's detail is the payload."""

    type_: Literal["eventbridge"]
    """ The kind of destination. """
    event_bus_name: str
    """ Name or ARN of the event bus. """
    region: str
    """ The AWS region; of SQS that of queue_url when absent. """
    access_key_id: str
    """ Of a user who may publish there, or assume the role. """
    secret_access_key: str
    """ Its secret; comes back masked. """
    source: None | str | Unset = UNSET
    """ Source of the entries; clarion when absent. """
    role_arn: None | str | Unset = UNSET
    """ A role to assume before publishing. """
    endpoint_url: None | str | Unset = UNSET
    """ A stand-in for AWS, one of those that the operator allows. """

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        event_bus_name = self.event_bus_name

        region = self.region

        access_key_id = self.access_key_id

        secret_access_key = self.secret_access_key

        source: None | str | Unset
        if isinstance(self.source, Unset):
            source = UNSET
        else:
            source = self.source

        role_arn: None | str | Unset
        if isinstance(self.role_arn, Unset):
            role_arn = UNSET
        else:
            role_arn = self.role_arn

        endpoint_url: None | str | Unset
        if isinstance(self.endpoint_url, Unset):
            endpoint_url = UNSET
        else:
            endpoint_url = self.endpoint_url

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "type": type_,
                "event_bus_name": event_bus_name,
                "region": region,
                "access_key_id": access_key_id,
                "secret_access_key": secret_access_key,
            }
        )
        if source is not UNSET:
            field_dict["source"] = source
        if role_arn is not UNSET:
            field_dict["role_arn"] = role_arn
        if endpoint_url is not UNSET:
            field_dict["endpoint_url"] = endpoint_url

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        type_ = cast(Literal["eventbridge"], d.pop("type"))
        if type_ != "eventbridge":
            raise ValueError(f"type must match const 'eventbridge', got '{type_}'")

        event_bus_name = d.pop("event_bus_name")

        region = d.pop("region")

        access_key_id = d.pop("access_key_id")

        secret_access_key = d.pop("secret_access_key")

        def _parse_source(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        source = _parse_source(d.pop("source", UNSET))

        def _parse_role_arn(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        role_arn = _parse_role_arn(d.pop("role_arn", UNSET))

        def _parse_endpoint_url(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        endpoint_url = _parse_endpoint_url(d.pop("endpoint_url", UNSET))

        event_bridge_destination = cls(
            type_=type_,
            event_bus_name=event_bus_name,
            region=region,
            access_key_id=access_key_id,
            secret_access_key=secret_access_key,
            source=source,
            role_arn=role_arn,
            endpoint_url=endpoint_url,
        )

        return event_bridge_destination
