from typing import Literal

ReplayWebhookRequestStatusItem = Literal["cancelled", "dead", "held", "succeeded", "unmatched"]

REPLAY_WEBHOOK_REQUEST_STATUS_ITEM_VALUES: set[ReplayWebhookRequestStatusItem] = {
    "cancelled",
    "dead",
    "held",
    "succeeded",
    "unmatched",
}


def check_replay_webhook_request_status_item(value: str) -> ReplayWebhookRequestStatusItem:
    if value in REPLAY_WEBHOOK_REQUEST_STATUS_ITEM_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {REPLAY_WEBHOOK_REQUEST_STATUS_ITEM_VALUES!r}")
