from typing import Literal

WebhookRequestRetryPolicyType0 = Literal["default", "fast", "none", "standard"]

WEBHOOK_REQUEST_RETRY_POLICY_TYPE_0_VALUES: set[WebhookRequestRetryPolicyType0] = {
    "default",
    "fast",
    "none",
    "standard",
}


def check_webhook_request_retry_policy_type_0(value: str) -> WebhookRequestRetryPolicyType0:
    if value in WEBHOOK_REQUEST_RETRY_POLICY_TYPE_0_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {WEBHOOK_REQUEST_RETRY_POLICY_TYPE_0_VALUES!r}")
