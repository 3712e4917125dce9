from typing import Literal

ListEventDeliveriesTrigger = Literal["callback", "event", "manual", "replay", "retry", "test"]

LIST_EVENT_DELIVERIES_TRIGGER_VALUES: set[ListEventDeliveriesTrigger] = {
    "callback",
    "event",
    "manual",
    "replay",
    "retry",
    "test",
}


def check_list_event_deliveries_trigger(value: str) -> ListEventDeliveriesTrigger:
    if value in LIST_EVENT_DELIVERIES_TRIGGER_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {LIST_EVENT_DELIVERIES_TRIGGER_VALUES!r}")
