from typing import Literal

ImportRequestEnforcement = Literal["block", "off", "warn"]

IMPORT_REQUEST_ENFORCEMENT_VALUES: set[ImportRequestEnforcement] = {
    "block",
    "off",
    "warn",
}


def check_import_request_enforcement(value: str) -> ImportRequestEnforcement:
    if value in IMPORT_REQUEST_ENFORCEMENT_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {IMPORT_REQUEST_ENFORCEMENT_VALUES!r}")
