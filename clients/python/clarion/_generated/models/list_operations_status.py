from typing import Literal

ListOperationsStatus = Literal["cancelled", "done", "failed", "pending", "running"]

LIST_OPERATIONS_STATUS_VALUES: set[ListOperationsStatus] = {
    "cancelled",
    "done",
    "failed",
    "pending",
    "running",
}


def check_list_operations_status(value: str) -> ListOperationsStatus:
    if value in LIST_OPERATIONS_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {LIST_OPERATIONS_STATUS_VALUES!r}")
