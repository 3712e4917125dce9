from typing import Literal

PatchedWebhookRequestValidationType0 = Literal["cloudevents"]

PATCHED_WEBHOOK_REQUEST_VALIDATION_TYPE_0_VALUES: set[PatchedWebhookRequestValidationType0] = {
    "cloudevents",
}


def check_patched_webhook_request_validation_type_0(value: str) -> PatchedWebhookRequestValidationType0:
    if value in PATCHED_WEBHOOK_REQUEST_VALIDATION_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {PATCHED_WEBHOOK_REQUEST_VALIDATION_TYPE_0_VALUES!r}")
