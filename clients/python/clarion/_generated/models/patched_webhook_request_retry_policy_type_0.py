from typing import Literal

PatchedWebhookRequestRetryPolicyType0 = Literal["default", "fast", "none", "standard"]

PATCHED_WEBHOOK_REQUEST_RETRY_POLICY_TYPE_0_VALUES: set[PatchedWebhookRequestRetryPolicyType0] = {
    "default",
    "fast",
    "none",
    "standard",
}


def check_patched_webhook_request_retry_policy_type_0(value: str) -> PatchedWebhookRequestRetryPolicyType0:
    if value in PATCHED_WEBHOOK_REQUEST_RETRY_POLICY_TYPE_0_VALUES:
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected one of {PATCHED_WEBHOOK_REQUEST_RETRY_POLICY_TYPE_0_VALUES!r}"
    )
