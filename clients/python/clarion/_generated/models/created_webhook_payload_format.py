from typing import Literal

CreatedWebhookPayloadFormat = Literal["cloudevents", "cloudevents-binary", "data", "envelope"]

CREATED_WEBHOOK_PAYLOAD_FORMAT_VALUES: set[CreatedWebhookPayloadFormat] = {
    "cloudevents",
    "cloudevents-binary",
    "data",
    "envelope",
}


def check_created_webhook_payload_format(value: str) -> CreatedWebhookPayloadFormat:
    if value in CREATED_WEBHOOK_PAYLOAD_FORMAT_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {CREATED_WEBHOOK_PAYLOAD_FORMAT_VALUES!r}")
