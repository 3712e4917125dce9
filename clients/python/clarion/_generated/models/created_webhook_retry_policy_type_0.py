from typing import Literal

CreatedWebhookRetryPolicyType0 = Literal["default", "fast", "none", "standard"]

CREATED_WEBHOOK_RETRY_POLICY_TYPE_0_VALUES: set[CreatedWebhookRetryPolicyType0] = {
    "default",
    "fast",
    "none",
    "standard",
}


def check_created_webhook_retry_policy_type_0(value: str) -> CreatedWebhookRetryPolicyType0:
    if value in CREATED_WEBHOOK_RETRY_POLICY_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {CREATED_WEBHOOK_RETRY_POLICY_TYPE_0_VALUES!r}")
