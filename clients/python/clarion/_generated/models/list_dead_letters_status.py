from typing import Literal

ListDeadLettersStatus = Literal["discarded", "open", "replayed"]

LIST_DEAD_LETTERS_STATUS_VALUES: set[ListDeadLettersStatus] = {
    "discarded",
    "open",
    "replayed",
}


def check_list_dead_letters_status(value: str) -> ListDeadLettersStatus:
    if value in LIST_DEAD_LETTERS_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {LIST_DEAD_LETTERS_STATUS_VALUES!r}")
