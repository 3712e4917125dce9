from typing import Literal

ListWebhookAttemptsStatus = Literal["failed", "late", "lost", "succeeded"]

LIST_WEBHOOK_ATTEMPTS_STATUS_VALUES: set[ListWebhookAttemptsStatus] = {
    "failed",
    "late",
    "lost",
    "succeeded",
}


def check_list_webhook_attempts_status(value: str) -> ListWebhookAttemptsStatus:
    if value in LIST_WEBHOOK_ATTEMPTS_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {LIST_WEBHOOK_ATTEMPTS_STATUS_VALUES!r}")
