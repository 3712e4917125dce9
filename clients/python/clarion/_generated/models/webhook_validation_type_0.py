from typing import Literal

WebhookValidationType0 = Literal["cloudevents"]

WEBHOOK_VALIDATION_TYPE_0_VALUES: set[WebhookValidationType0] = {
    "cloudevents",
}


def check_webhook_validation_type_0(value: str) -> WebhookValidationType0:
    if value in WEBHOOK_VALIDATION_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {WEBHOOK_VALIDATION_TYPE_0_VALUES!r}")
