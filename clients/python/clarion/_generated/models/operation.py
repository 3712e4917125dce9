from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.operation_status import OperationStatus, check_operation_status
from ..models.operation_type import OperationType, check_operation_type

if TYPE_CHECKING:
    from ..models.operation_params import OperationParams
    from ..models.operation_progress import OperationProgress
    from ..models.operation_result_type_0 import OperationResultType0


T = TypeVar("T", bound="Operation")


@_attrs_define
class Operation:
    """A replay, an export or the like, and how far it is."""

    id: str
    """ Id of the operation. """
    type_: OperationType
    """ What kind of work it is. """
    status: OperationStatus
    """ `done`, `failed` and `cancelled` are ends; nothing changes after one. """
    params: OperationParams
    """ What was asked for, with defaults filled in. """
    progress: OperationProgress
    """ How far it is. """
    result: None | OperationResultType0
    """ What was done so far, in numbers; what they mean depends on the type. Null before it begins. """
    result_url: None | str
    """ Download of a finished export, without an API key. Each answer has a fresh link; each ends. """
    error: None | str
    """ Why it failed. """
    callback_url: None | str
    """ Where its end is told. """
    created_at: datetime.datetime
    """ When it was ordered. """
    started_at: datetime.datetime | None
    """ When its first step began. """
    finished_at: datetime.datetime | None
    """ When it ended. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.operation_result_type_0 import OperationResultType0  # noqa: PLC0415

        id = self.id

        type_: str = self.type_

        status: str = self.status

        params = self.params.to_dict()

        progress = self.progress.to_dict()

        result: dict[str, Any] | None
        if isinstance(self.result, OperationResultType0):
            result = self.result.to_dict()
        else:
            result = self.result

        result_url: None | str
        result_url = self.result_url

        error: None | str
        error = self.error

        callback_url: None | str
        callback_url = self.callback_url

        created_at = self.created_at.isoformat()

        started_at: None | str
        if isinstance(self.started_at, datetime.datetime):
            started_at = self.started_at.isoformat()
        else:
            started_at = self.started_at

        finished_at: None | str
        if isinstance(self.finished_at, datetime.datetime):
            finished_at = self.finished_at.isoformat()
        else:
            finished_at = self.finished_at

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "type": type_,
                "status": status,
                "params": params,
                "progress": progress,
                "result": result,
                "result_url": result_url,
                "error": error,
                "callback_url": callback_url,
                "created_at": created_at,
                "started_at": started_at,
                "finished_at": finished_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.operation_params import OperationParams  # noqa: PLC0415
        from ..models.operation_progress import OperationProgress  # noqa: PLC0415
        from ..models.operation_result_type_0 import OperationResultType0  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        type_ = check_operation_type(d.pop("type"))

        status = check_operation_status(d.pop("status"))

        params = OperationParams.from_dict(d.pop("params"))

        progress = OperationProgress.from_dict(d.pop("progress"))

        def _parse_result(data: object) -> None | OperationResultType0:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                result_type_0 = OperationResultType0.from_dict(data)

                return result_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | OperationResultType0, data)

        result = _parse_result(d.pop("result"))

        def _parse_result_url(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        result_url = _parse_result_url(d.pop("result_url"))

        def _parse_error(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        error = _parse_error(d.pop("error"))

        def _parse_callback_url(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        callback_url = _parse_callback_url(d.pop("callback_url"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        def _parse_started_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                started_at_type_0 = datetime.datetime.fromisoformat(data)

                return started_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        started_at = _parse_started_at(d.pop("started_at"))

        def _parse_finished_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                finished_at_type_0 = datetime.datetime.fromisoformat(data)

                return finished_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        finished_at = _parse_finished_at(d.pop("finished_at"))

        operation = cls(
            id=id,
            type_=type_,
            status=status,
            params=params,
            progress=progress,
            result=result,
            result_url=result_url,
            error=error,
            callback_url=callback_url,
            created_at=created_at,
            started_at=started_at,
            finished_at=finished_at,
        )

        operation.additional_properties = d
        return operation

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
