from typing import Literal

CreatedWebhookStatus = Literal["active", "disabled", "paused"]

CREATED_WEBHOOK_STATUS_VALUES: set[CreatedWebhookStatus] = {
    "active",
    "disabled",
    "paused",
}


def check_created_webhook_status(value: str) -> CreatedWebhookStatus:
    if value in CREATED_WEBHOOK_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {CREATED_WEBHOOK_STATUS_VALUES!r}")
