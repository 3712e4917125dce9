from typing import Literal

NewOperationRequestType = Literal["discard", "export", "import", "purge", "replay"]

NEW_OPERATION_REQUEST_TYPE_VALUES: set[NewOperationRequestType] = {
    "discard",
    "export",
    "import",
    "purge",
    "replay",
}


def check_new_operation_request_type(value: str) -> NewOperationRequestType:
    if value in NEW_OPERATION_REQUEST_TYPE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {NEW_OPERATION_REQUEST_TYPE_VALUES!r}")
