from typing import Literal

WebhookPayloadFormat = Literal["cloudevents", "cloudevents-binary", "data", "envelope"]

WEBHOOK_PAYLOAD_FORMAT_VALUES: set[WebhookPayloadFormat] = {
    "cloudevents",
    "cloudevents-binary",
    "data",
    "envelope",
}


def check_webhook_payload_format(value: str) -> WebhookPayloadFormat:
    if value in WEBHOOK_PAYLOAD_FORMAT_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {WEBHOOK_PAYLOAD_FORMAT_VALUES!r}")
