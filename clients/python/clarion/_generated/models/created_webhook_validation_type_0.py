from typing import Literal

CreatedWebhookValidationType0 = Literal["cloudevents"]

CREATED_WEBHOOK_VALIDATION_TYPE_0_VALUES: set[CreatedWebhookValidationType0] = {
    "cloudevents",
}


def check_created_webhook_validation_type_0(value: str) -> CreatedWebhookValidationType0:
    if value in CREATED_WEBHOOK_VALIDATION_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {CREATED_WEBHOOK_VALIDATION_TYPE_0_VALUES!r}")
