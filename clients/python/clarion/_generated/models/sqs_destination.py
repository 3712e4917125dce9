from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="SqsDestination")


@_attrs_define
class SqsDestination:
    """A queue of Amazon SQS; a message's body is the payload itself."""

    type_: Literal["sqs"]
    """ The kind of destination. """
    queue_url: str
    """ https://sqs.<region>.amazonaws.com/<account>/<queue>; one that ends in .fifo keeps the order. """
    access_key_id: str
    """ Of a user who may publish there, or assume the role. """
    secret_access_key: str
    """ Its secret; comes back masked. """
    region: None | str | Unset = UNSET
    """ The AWS region; of SQS that of queue_url when absent. """
    role_arn: None | str | Unset = UNSET
    """ A role to assume before publishing. """
    endpoint_url: None | str | Unset = UNSET
    """ A stand-in for AWS, one of those that the operator allows. """

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        queue_url = self.queue_url

        access_key_id = self.access_key_id

        secret_access_key = self.secret_access_key

        region: None | str | Unset
        if isinstance(self.region, Unset):
            region = UNSET
        else:
            region = self.region

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
                "queue_url": queue_url,
                "access_key_id": access_key_id,
                "secret_access_key": secret_access_key,
            }
        )
        if region is not UNSET:
            field_dict["region"] = region
        if role_arn is not UNSET:
            field_dict["role_arn"] = role_arn
        if endpoint_url is not UNSET:
            field_dict["endpoint_url"] = endpoint_url

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        type_ = cast(Literal["sqs"], d.pop("type"))
        if type_ != "sqs":
            raise ValueError(f"type must match const 'sqs', got '{type_}'")

        queue_url = d.pop("queue_url")

        access_key_id = d.pop("access_key_id")

        secret_access_key = d.pop("secret_access_key")

        def _parse_region(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        region = _parse_region(d.pop("region", UNSET))

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

        sqs_destination = cls(
            type_=type_,
            queue_url=queue_url,
            access_key_id=access_key_id,
            secret_access_key=secret_access_key,
            region=region,
            role_arn=role_arn,
            endpoint_url=endpoint_url,
        )

        return sqs_destination
