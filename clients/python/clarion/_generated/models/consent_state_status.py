from typing import Literal

ConsentStateStatus = Literal["granted", "pending"]

CONSENT_STATE_STATUS_VALUES: set[ConsentStateStatus] = {
    "granted",
    "pending",
}


def check_consent_state_status(value: str) -> ConsentStateStatus:
    if value in CONSENT_STATE_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {CONSENT_STATE_STATUS_VALUES!r}")
