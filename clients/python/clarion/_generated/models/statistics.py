from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.statistics_attempts import StatisticsAttempts
    from ..models.statistics_deliveries import StatisticsDeliveries
    from ..models.statistics_errors import StatisticsErrors
    from ..models.statistics_latency_ms import StatisticsLatencyMs
    from ..models.statistics_responses import StatisticsResponses
    from ..models.statistics_series_item import StatisticsSeriesItem


T = TypeVar("T", bound="Statistics")


@_attrs_define
class Statistics:
    """How a webhook has been doing."""

    webhook_id: str
    """ Id of the webhook. """
    window: str
    """ The window that was asked for. """
    since: datetime.datetime
    """ Where the window begins: with a whole hour, so it may be an hour longer. """
    until: datetime.datetime
    """ Where it ends: now. """
    complete: bool
    """ False: the counting of attempts is behind, and some of the window are missing. Ask again later. """
    deliveries: StatisticsDeliveries
    """ Deliveries by state. Counting stops at 10000 for all states but `succeeded`. """
    attempts: StatisticsAttempts
    """ Requests by outcome, tests included. """
    latency_ms: StatisticsLatencyMs
    """ Milliseconds for the whole request; percentiles are exact to a few percent. """
    responses: StatisticsResponses
    """ Attempts by the class of their answer. """
    errors: StatisticsErrors
    """ Attempts by error class, as `error` of an attempt; none that did not happen. """
    series: list[StatisticsSeriesItem]
    """ Attempts of each hour of the window, oldest first; the last hour is not over. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        webhook_id = self.webhook_id

        window = self.window

        since = self.since.isoformat()

        until = self.until.isoformat()

        complete = self.complete

        deliveries = self.deliveries.to_dict()

        attempts = self.attempts.to_dict()

        latency_ms = self.latency_ms.to_dict()

        responses = self.responses.to_dict()

        errors = self.errors.to_dict()

        series = []
        for series_item_data in self.series:
            series_item = series_item_data.to_dict()
            series.append(series_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "webhook_id": webhook_id,
                "window": window,
                "since": since,
                "until": until,
                "complete": complete,
                "deliveries": deliveries,
                "attempts": attempts,
                "latency_ms": latency_ms,
                "responses": responses,
                "errors": errors,
                "series": series,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.statistics_attempts import StatisticsAttempts  # noqa: PLC0415
        from ..models.statistics_deliveries import StatisticsDeliveries  # noqa: PLC0415
        from ..models.statistics_errors import StatisticsErrors  # noqa: PLC0415
        from ..models.statistics_latency_ms import StatisticsLatencyMs  # noqa: PLC0415
        from ..models.statistics_responses import StatisticsResponses  # noqa: PLC0415
        from ..models.statistics_series_item import StatisticsSeriesItem  # noqa: PLC0415

        d = dict(src_dict)
        webhook_id = d.pop("webhook_id")

        window = d.pop("window")

        since = datetime.datetime.fromisoformat(d.pop("since"))

        until = datetime.datetime.fromisoformat(d.pop("until"))

        complete = d.pop("complete")

        deliveries = StatisticsDeliveries.from_dict(d.pop("deliveries"))

        attempts = StatisticsAttempts.from_dict(d.pop("attempts"))

        latency_ms = StatisticsLatencyMs.from_dict(d.pop("latency_ms"))

        responses = StatisticsResponses.from_dict(d.pop("responses"))

        errors = StatisticsErrors.from_dict(d.pop("errors"))

        series = []
        _series = d.pop("series")
        for series_item_data in _series:
            series_item = StatisticsSeriesItem.from_dict(series_item_data)

            series.append(series_item)

        statistics = cls(
            webhook_id=webhook_id,
            window=window,
            since=since,
            until=until,
            complete=complete,
            deliveries=deliveries,
            attempts=attempts,
            latency_ms=latency_ms,
            responses=responses,
            errors=errors,
            series=series,
        )

        statistics.additional_properties = d
        return statistics

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
