from typing import Literal

PaginatedRoutedListStatus = Literal["accepted", "routed"]

PAGINATED_ROUTED_LIST_STATUS_VALUES: set[PaginatedRoutedListStatus] = {
    "accepted",
    "routed",
}


def check_paginated_routed_list_status(value: str) -> PaginatedRoutedListStatus:
    if value in PAGINATED_ROUTED_LIST_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {PAGINATED_ROUTED_LIST_STATUS_VALUES!r}")
