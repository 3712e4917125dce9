from typing import Literal

ListDeliveriesTrigger = Literal["callback", "event", "manual", "replay", "retry", "test"]

LIST_DELIVERIES_TRIGGER_VALUES: set[ListDeliveriesTrigger] = {
    "callback",
    "event",
    "manual",
    "replay",
    "retry",
    "test",
}


def check_list_deliveries_trigger(value: str) -> ListDeliveriesTrigger:
    if value in LIST_DELIVERIES_TRIGGER_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {LIST_DELIVERIES_TRIGGER_VALUES!r}")
