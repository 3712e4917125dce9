from typing import Literal

PatchedWebhookRequestPayloadFormat = Literal["cloudevents", "cloudevents-binary", "data", "envelope"]

PATCHED_WEBHOOK_REQUEST_PAYLOAD_FORMAT_VALUES: set[PatchedWebhookRequestPayloadFormat] = {
    "cloudevents",
    "cloudevents-binary",
    "data",
    "envelope",
}


def check_patched_webhook_request_payload_format(value: str) -> PatchedWebhookRequestPayloadFormat:
    if value in PATCHED_WEBHOOK_REQUEST_PAYLOAD_FORMAT_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {PATCHED_WEBHOOK_REQUEST_PAYLOAD_FORMAT_VALUES!r}")
