from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.processor_run_status import ProcessorRunStatus, check_processor_run_status

T = TypeVar("T", bound="ProcessorRun")


@_attrs_define
class ProcessorRun:
    """A message and a processor: what was tried, and what came of it."""

    id: str
    """ Id of the run; the processor gets it on every try, as `run_id`. """
    processor: str
    """ Name of the processor; `forward`: becoming an event, `forward_to`: going to the source's queue. """
    status: ProcessorRunStatus
    """ `pending`: waits for its first or next try; `dead`: given up, can be replayed. """
    attempts: int
    """ Tries since it was made or replayed. """
    replays: int
    """ How often somebody had it run again. """
    next_attempt_at: datetime.datetime | None
    """ When it is tried next, if it waits. """
    result: Any
    """ What the processor returned, up to 16 KiB of JSON. """
    error: None | str
    """ Why the last try failed, in one sentence. """
    traceback: None | str
    """ Where it failed: places in the code, secrets masked. """
    started_at: datetime.datetime | None
    """ When it was last begun. """
    finished_at: datetime.datetime | None
    """ When that try ended. """
    duration_ms: float | None
    """ Milliseconds that the last try took. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        processor = self.processor

        status: str = self.status

        attempts = self.attempts

        replays = self.replays

        next_attempt_at: None | str
        if isinstance(self.next_attempt_at, datetime.datetime):
            next_attempt_at = self.next_attempt_at.isoformat()
        else:
            next_attempt_at = self.next_attempt_at

        result = self.result

        error: None | str
        error = self.error

        traceback: None | str
        traceback = self.traceback

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

        duration_ms: float | None
        duration_ms = self.duration_ms

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "processor": processor,
                "status": status,
                "attempts": attempts,
                "replays": replays,
                "next_attempt_at": next_attempt_at,
                "result": result,
                "error": error,
                "traceback": traceback,
                "started_at": started_at,
                "finished_at": finished_at,
                "duration_ms": duration_ms,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        processor = d.pop("processor")

        status = check_processor_run_status(d.pop("status"))

        attempts = d.pop("attempts")

        replays = d.pop("replays")

        def _parse_next_attempt_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                next_attempt_at_type_0 = datetime.datetime.fromisoformat(data)

                return next_attempt_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        next_attempt_at = _parse_next_attempt_at(d.pop("next_attempt_at"))

        result = d.pop("result")

        def _parse_error(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        error = _parse_error(d.pop("error"))

        def _parse_traceback(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        traceback = _parse_traceback(d.pop("traceback"))

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

        def _parse_duration_ms(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        duration_ms = _parse_duration_ms(d.pop("duration_ms"))

        processor_run = cls(
            id=id,
            processor=processor,
            status=status,
            attempts=attempts,
            replays=replays,
            next_attempt_at=next_attempt_at,
            result=result,
            error=error,
            traceback=traceback,
            started_at=started_at,
            finished_at=finished_at,
            duration_ms=duration_ms,
        )

        processor_run.additional_properties = d
        return processor_run

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
