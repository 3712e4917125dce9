"""Deliveries, and dead letters: deliveries that were given up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from clarion._generated.api.dead_letters import (
    discard_dead_letter,
    get_dead_letter,
    list_dead_letters,
    replay_dead_letter,
)
from clarion._generated.api.deliveries import cancel_delivery, get_delivery, list_deliveries, retry_delivery
from clarion._generated.models import (
    DeadLetter,
    Delivery,
    DeliveryDetail,
    ListDeadLettersStatus,
    ListDeliveriesStatus,
    PaginatedDeadLetterList,
    PaginatedDeliveryList,
)
from clarion._generated.types import Unset
from clarion._sync.calls import Resource, each, given, only


class Deliveries(Resource):
    """``client.deliveries``"""

    def list(
        self,
        *,
        status: ListDeliveriesStatus | None = None,
        webhook: str | None = None,
        event_type: str | None = None,
        response_status: int | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
    ) -> Iterator[Delivery]:
        """Deliveries, newest first."""

        def page(cursor: str | Unset) -> PaginatedDeliveryList:
            response = list_deliveries.sync_detailed(
                client=self._core,
                cursor=cursor,
                status=given(status),
                webhook=given(webhook),
                event_type=given(event_type),
                response_status=given(response_status),
                created_after=given(created_after),
                created_before=given(created_before),
            )
            return only(response, PaginatedDeliveryList)

        return each(page)

    def get(self, id: str) -> DeliveryDetail:
        """A delivery with its attempts."""
        return only(get_delivery.sync_detailed(id, client=self._core), DeliveryDetail)

    def retry(self, id: str) -> Delivery:
        """Make a waiting delivery due now. A finished one stays; the answer is a new delivery of its event."""
        return only(retry_delivery.sync_detailed(id, client=self._core), Delivery)

    def cancel(self, id: str) -> Delivery:
        """Give up a delivery that waits, is held or is dead."""
        return only(cancel_delivery.sync_detailed(id, client=self._core), Delivery)


class DeadLetters(Resource):
    """``client.dead_letters``"""

    def list(
        self,
        *,
        status: ListDeadLettersStatus | None = None,
        webhook: str | None = None,
        event_type: str | None = None,
        response_status: int | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
    ) -> Iterator[DeadLetter]:
        """Dead letters, newest first."""

        def page(cursor: str | Unset) -> PaginatedDeadLetterList:
            response = list_dead_letters.sync_detailed(
                client=self._core,
                cursor=cursor,
                status=given(status),
                webhook=given(webhook),
                event_type=given(event_type),
                response_status=given(response_status),
                created_after=given(created_after),
                created_before=given(created_before),
            )
            return only(response, PaginatedDeadLetterList)

        return each(page)

    def get(self, id: str) -> DeadLetter:
        """One dead letter."""
        return only(get_dead_letter.sync_detailed(id, client=self._core), DeadLetter)

    def replay(self, id: str) -> DeadLetter:
        """Deliver it again, by a new delivery."""
        return only(replay_dead_letter.sync_detailed(id, client=self._core), DeadLetter)

    def discard(self, id: str) -> DeadLetter:
        """Nothing is to be done about it. The delivery and its attempts stay readable."""
        return only(discard_dead_letter.sync_detailed(id, client=self._core), DeadLetter)
