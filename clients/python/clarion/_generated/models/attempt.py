from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.attempt_status import AttemptStatus, check_attempt_status
from ..models.attempt_trigger import AttemptTrigger, check_attempt_trigger

if TYPE_CHECKING:
    from ..models.attempt_request_headers import AttemptRequestHeaders
    from ..models.attempt_timings import AttemptTimings


T = TypeVar("T", bound="Attempt")


@_attrs_define
class Attempt:
    """One HTTP request of a delivery, as it was sent and answered."""

    id: str
    """ Id of the attempt. """
    delivery_id: str
    """ Id of the delivery. """
    webhook_id: str
    """ Id of the webhook. """
    number: int
    """ 1 for the first attempt of the delivery. """
    trigger: AttemptTrigger
    """ Why it was made. """
    status: AttemptStatus
    """ `lost`: the worker died, the request may have arrived; `late`: its result came too late to count. """
    started_at: datetime.datetime
    """ When the request was started. """
    request_url: str
    """ Where it was sent. """
    request_headers: AttemptRequestHeaders
    """ What was sent, secrets masked. """
    response_status: int | None
    """ HTTP status; null without an answer. """
    response_headers: list[list[str]]
    """ Pairs of name and value. """
    response_body: str
    """ The first 16 KiB, as text. """
    error: None | str
    """ Class of the failure, if any. """
    detail: None | str
    """ The failure in one sentence. """
    timings: AttemptTimings
    """ Milliseconds: dns, connect, tls, first_byte, total. Null: the phase did not take place. """
    address: None | str
    """ The address that was connected to. """
    worker: str
    """ The worker that made it. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        delivery_id = self.delivery_id

        webhook_id = self.webhook_id

        number = self.number

        trigger: str = self.trigger

        status: str = self.status

        started_at = self.started_at.isoformat()

        request_url = self.request_url

        request_headers = self.request_headers.to_dict()

        response_status: int | None
        response_status = self.response_status

        response_headers = []
        for response_headers_item_data in self.response_headers:
            response_headers_item = response_headers_item_data

            response_headers.append(response_headers_item)

        response_body = self.response_body

        error: None | str
        error = self.error

        detail: None | str
        detail = self.detail

        timings = self.timings.to_dict()

        address: None | str
        address = self.address

        worker = self.worker

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "delivery_id": delivery_id,
                "webhook_id": webhook_id,
                "number": number,
                "trigger": trigger,
                "status": status,
                "started_at": started_at,
                "request_url": request_url,
                "request_headers": request_headers,
                "response_status": response_status,
                "response_headers": response_headers,
                "response_body": response_body,
                "error": error,
                "detail": detail,
                "timings": timings,
                "address": address,
                "worker": worker,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.attempt_request_headers import AttemptRequestHeaders  # noqa: PLC0415
        from ..models.attempt_timings import AttemptTimings  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        delivery_id = d.pop("delivery_id")

        webhook_id = d.pop("webhook_id")

        number = d.pop("number")

        trigger = check_attempt_trigger(d.pop("trigger"))

        status = check_attempt_status(d.pop("status"))

        started_at = datetime.datetime.fromisoformat(d.pop("started_at"))

        request_url = d.pop("request_url")

        request_headers = AttemptRequestHeaders.from_dict(d.pop("request_headers"))

        def _parse_response_status(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        response_status = _parse_response_status(d.pop("response_status"))

        response_headers = []
        _response_headers = d.pop("response_headers")
        for response_headers_item_data in _response_headers:
            response_headers_item = cast(list[str], response_headers_item_data)

            response_headers.append(response_headers_item)

        response_body = d.pop("response_body")

        def _parse_error(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        error = _parse_error(d.pop("error"))

        def _parse_detail(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        detail = _parse_detail(d.pop("detail"))

        timings = AttemptTimings.from_dict(d.pop("timings"))

        def _parse_address(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        address = _parse_address(d.pop("address"))

        worker = d.pop("worker")

        attempt = cls(
            id=id,
            delivery_id=delivery_id,
            webhook_id=webhook_id,
            number=number,
            trigger=trigger,
            status=status,
            started_at=started_at,
            request_url=request_url,
            request_headers=request_headers,
            response_status=response_status,
            response_headers=response_headers,
            response_body=response_body,
            error=error,
            detail=detail,
            timings=timings,
            address=address,
            worker=worker,
        )

        attempt.additional_properties = d
        return attempt

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
