from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar, cast

from attrs import define as _attrs_define

T = TypeVar("T", bound="QueueDestination")


@_attrs_define
class QueueDestination:
    """A queue of an AMQP broker, a list of a Redis, or an SQS queue in kombu's format."""

    type_: Literal["queue"]
    """ The kind of destination. """
    url: str
    """ amqp(s)://user:password@host:port/vhost, redis(s)://user:password@host:port/0 or
    sqs://key:secret@?region=eu-west-1. Without TLS only where the operator allows it. """
    queue: str
    """ Name of the queue, which has to exist; of Redis, the list's key. """

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_

        url = self.url

        queue = self.queue

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "type": type_,
                "url": url,
                "queue": queue,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        type_ = cast(Literal["queue"], d.pop("type"))
        if type_ != "queue":
            raise ValueError(f"type must match const 'queue', got '{type_}'")

        url = d.pop("url")

        queue = d.pop("queue")

        queue_destination = cls(
            type_=type_,
            url=url,
            queue=queue,
        )

        return queue_destination
