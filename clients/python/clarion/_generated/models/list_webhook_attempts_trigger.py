from typing import Literal

ListWebhookAttemptsTrigger = Literal["callback", "event", "manual", "replay", "retry", "test"]

LIST_WEBHOOK_ATTEMPTS_TRIGGER_VALUES: set[ListWebhookAttemptsTrigger] = {
    "callback",
    "event",
    "manual",
    "replay",
    "retry",
    "test",
}


def check_list_webhook_attempts_trigger(value: str) -> ListWebhookAttemptsTrigger:
    if value in LIST_WEBHOOK_ATTEMPTS_TRIGGER_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {LIST_WEBHOOK_ATTEMPTS_TRIGGER_VALUES!r}")
