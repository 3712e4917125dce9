"""Events: publish them and look at them."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from clarion._generated.api.events import (
    explain_event_routing,
    get_event,
    list_event_deliveries,
    list_events,
    replay_event,
)
from clarion._generated.models import (
    BatchResult,
    Delivery,
    Event,
    EventDetail,
    PaginatedDeliveryList,
    PaginatedEventList,
    PaginatedRoutedList,
    Published,
    ReplayedEvent,
    ReplayEventRequest,
    Routed,
)
from clarion._generated.types import Unset
from clarion._sync.calls import Resource, each, given, only
from clarion.batches import BatchReport, parts
from clarion.bodies import EventFields, event_body
from clarion.errors import ApiError, BatchInterrupted, ClarionError

_JSON = {"Content-Type": "application/json"}


class Events(Resource):
    """``client.events``"""

    def publish(
        self,
        type: str,
        data: Any,
        *,
        id: str | None = None,
        version: str | None = None,
        created_at: datetime | str | None = None,
        metadata: Mapping[str, Any] | None = None,
        channels: Sequence[str] | None = None,
    ) -> Published:
        """Publish an event; when this returns, it is durable and will be delivered.

        ``data``: any JSON value; ``bytes`` or ``str`` are JSON text, which is delivered byte for byte. ``id``: of your
        own (1 to 128 of A-Z a-z 0-9 _ -): the same event under it is accepted once, however often it is published.
        """
        event: EventFields = {
            "type": type, "data": data, "id": id, "version": version, "created_at": created_at, "metadata": metadata,
            "channels": channels,
        }  # fmt: skip
        return Published.from_dict(self._post("/api/events", event_body(event)))

    def publish_batch(self, events: Iterable[EventFields]) -> BatchReport:
        """Publish any number of events, in requests of at most 1000 events and 5 MB.

        An event that is refused keeps no other out: it is in ``errors`` of the report, by its index. Raises
        :class:`BatchInterrupted` when a whole request fails; the events before it are published.
        """
        report = BatchReport()
        for part in parts(events):
            try:
                report.add(part.first, BatchResult.from_dict(self._post("/api/events/batch", part.body)))
            except ApiError as refused:
                if not report.refuse(part, refused):
                    raise BatchInterrupted(report, part.first) from refused
            except ClarionError as error:
                raise BatchInterrupted(report, part.first) from error
        return report

    def list(
        self,
        *,
        event_type: str | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
    ) -> Iterator[Event]:
        """Events, newest first, without their data."""

        def page(cursor: str | Unset) -> PaginatedEventList:
            response = list_events.sync_detailed(
                client=self._core,
                cursor=cursor,
                event_type=given(event_type),
                created_after=given(created_after),
                created_before=given(created_before),
            )
            return only(response, PaginatedEventList)

        return each(page)

    def get(self, id: str) -> EventDetail:
        """An event with its data, by Clarion's id or your own one."""
        return only(get_event.sync_detailed(id, client=self._core), EventDetail)

    def deliveries(self, id: str) -> Iterator[Delivery]:
        """The deliveries of an event: one for each webhook it went to."""

        def page(cursor: str | Unset) -> PaginatedDeliveryList:
            response = list_event_deliveries.sync_detailed(id, client=self._core, cursor=cursor)
            return only(response, PaginatedDeliveryList)

        return each(page)

    def routing(self, id: str) -> Iterator[Routed]:
        """For each webhook of the tenant: whether it got the event, or why not."""

        def page(cursor: str | Unset) -> PaginatedRoutedList:
            response = explain_event_routing.sync_detailed(id, client=self._core, cursor=cursor)
            return only(response, PaginatedRoutedList)

        return each(page)

    def replay(self, id: str, webhooks: builtins.list[str] | None = None) -> ReplayedEvent:
        """Deliver it again: to these webhooks, or to all that have had a delivery of it."""
        body = ReplayEventRequest(webhooks=given(webhooks))
        return only(replay_event.sync_detailed(id, client=self._core, body=body), ReplayedEvent)

    def _post(self, path: str, body: bytes) -> dict[str, Any]:
        """Past the generated code, which would write the data anew."""
        answer = self._core.get_httpx_client().post(path, content=body, headers=_JSON)
        found: builtins.dict[str, Any] = answer.json()
        return found
