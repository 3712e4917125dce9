from typing import Literal

WebhookRequestValidationType0 = Literal["cloudevents"]

WEBHOOK_REQUEST_VALIDATION_TYPE_0_VALUES: set[WebhookRequestValidationType0] = {
    "cloudevents",
}


def check_webhook_request_validation_type_0(value: str) -> WebhookRequestValidationType0:
    if value in WEBHOOK_REQUEST_VALIDATION_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {WEBHOOK_REQUEST_VALIDATION_TYPE_0_VALUES!r}")
