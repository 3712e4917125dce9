from typing import Literal

WebhookRequestPayloadFormat = Literal["cloudevents", "cloudevents-binary", "data", "envelope"]

WEBHOOK_REQUEST_PAYLOAD_FORMAT_VALUES: set[WebhookRequestPayloadFormat] = {
    "cloudevents",
    "cloudevents-binary",
    "data",
    "envelope",
}


def check_webhook_request_payload_format(value: str) -> WebhookRequestPayloadFormat:
    if value in WEBHOOK_REQUEST_PAYLOAD_FORMAT_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {WEBHOOK_REQUEST_PAYLOAD_FORMAT_VALUES!r}")
