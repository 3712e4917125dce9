from typing import Literal

OperationType = Literal["discard", "export", "import", "purge", "replay"]

OPERATION_TYPE_VALUES: set[OperationType] = {
    "discard",
    "export",
    "import",
    "purge",
    "replay",
}


def check_operation_type(value: str) -> OperationType:
    if value in OPERATION_TYPE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {OPERATION_TYPE_VALUES!r}")
