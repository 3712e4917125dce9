"""What can be seen from outside of one endpoint: Clarion's API and the receiver's journal."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from webhooks.management.demo.api import Api
from webhooks.management.demo.journal import Record, read_records
from webhooks.management.demo.scenario import ENDS, Part
from webhooks.management.demo.verdict import Attempt, Delivery, Observation


class Observer:
    """Looks at one endpoint, the webhook ``webhook_id`` that belongs to ``part``."""

    def __init__(self, api: Api, receiver_state: Path, part: Part, webhook_id: str) -> None:
        self.part = part
        self._api = api
        self._receiver_state = receiver_state
        self._webhook_id = webhook_id

    def states(self) -> Counter[str]:
        """How many deliveries are in which state."""
        return Counter(each["status"] for each in self._api.deliveries(self._webhook_id))

    def settled(self, states: Counter[str]) -> int:
        """How many of them have reached the end that this endpoint's deliveries have to reach."""
        return sum(states[state] for state in ENDS[self.part.fate])

    def look(self) -> Observation:
        """Everything. The API is asked first: what it has recorded arrived before, so the journal has it."""
        deliveries = [_delivery(self._api.delivery(each["id"])) for each in self._api.deliveries(self._webhook_id)]
        dead_letters = frozenset(each["delivery_id"] for each in self._api.dead_letters(self._webhook_id))
        status = self._api.webhook(self._webhook_id)["status"]
        return Observation(status, deliveries, self.records(), dead_letters)

    def records(self) -> list[Record]:
        """What has arrived at this endpoint so far."""
        return [each for each in read_records(self._receiver_state) if each.path == self.part.path]


def _delivery(shown: dict[str, Any]) -> Delivery:
    attempts = tuple(Attempt(each["status"], each["response_status"]) for each in shown["attempts"])
    return Delivery(shown["id"], shown["event_id"], shown["status"], attempts)
