from typing import Literal

WebhookRetryPolicyType0 = Literal["default", "fast", "none", "standard"]

WEBHOOK_RETRY_POLICY_TYPE_0_VALUES: set[WebhookRetryPolicyType0] = {
    "default",
    "fast",
    "none",
    "standard",
}


def check_webhook_retry_policy_type_0(value: str) -> WebhookRetryPolicyType0:
    if value in WEBHOOK_RETRY_POLICY_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {WEBHOOK_RETRY_POLICY_TYPE_0_VALUES!r}")
