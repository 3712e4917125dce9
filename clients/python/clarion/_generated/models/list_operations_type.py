from typing import Literal

ListOperationsType = Literal["discard", "export", "import", "purge", "replay"]

LIST_OPERATIONS_TYPE_VALUES: set[ListOperationsType] = {
    "discard",
    "export",
    "import",
    "purge",
    "replay",
}


def check_list_operations_type(value: str) -> ListOperationsType:
    if value in LIST_OPERATIONS_TYPE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {LIST_OPERATIONS_TYPE_VALUES!r}")
