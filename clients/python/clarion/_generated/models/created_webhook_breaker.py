from typing import Literal

CreatedWebhookBreaker = Literal["closed", "half_open", "open"]

CREATED_WEBHOOK_BREAKER_VALUES: set[CreatedWebhookBreaker] = {
    "closed",
    "half_open",
    "open",
}


def check_created_webhook_breaker(value: str) -> CreatedWebhookBreaker:
    if value in CREATED_WEBHOOK_BREAKER_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {CREATED_WEBHOOK_BREAKER_VALUES!r}")
