from typing import Literal

AttemptTrigger = Literal["callback", "event", "manual", "replay", "retry", "test"]

ATTEMPT_TRIGGER_VALUES: set[AttemptTrigger] = {
    "callback",
    "event",
    "manual",
    "replay",
    "retry",
    "test",
}


def check_attempt_trigger(value: str) -> AttemptTrigger:
    if value in ATTEMPT_TRIGGER_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {ATTEMPT_TRIGGER_VALUES!r}")
