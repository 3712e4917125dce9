from typing import Literal

WebhookBreaker = Literal["closed", "half_open", "open"]

WEBHOOK_BREAKER_VALUES: set[WebhookBreaker] = {
    "closed",
    "half_open",
    "open",
}


def check_webhook_breaker(value: str) -> WebhookBreaker:
    if value in WEBHOOK_BREAKER_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {WEBHOOK_BREAKER_VALUES!r}")
