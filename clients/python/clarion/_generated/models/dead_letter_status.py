from typing import Literal

DeadLetterStatus = Literal["discarded", "open", "replayed"]

DEAD_LETTER_STATUS_VALUES: set[DeadLetterStatus] = {
    "discarded",
    "open",
    "replayed",
}


def check_dead_letter_status(value: str) -> DeadLetterStatus:
    if value in DEAD_LETTER_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {DEAD_LETTER_STATUS_VALUES!r}")
