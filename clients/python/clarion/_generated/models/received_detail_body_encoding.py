from typing import Literal

ReceivedDetailBodyEncoding = Literal["base64", "utf-8"]

RECEIVED_DETAIL_BODY_ENCODING_VALUES: set[ReceivedDetailBodyEncoding] = {
    "base64",
    "utf-8",
}


def check_received_detail_body_encoding(value: str) -> ReceivedDetailBodyEncoding:
    if value in RECEIVED_DETAIL_BODY_ENCODING_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {RECEIVED_DETAIL_BODY_ENCODING_VALUES!r}")
