from typing import Literal

ListWebhooksStatus = Literal["active", "disabled", "paused"]

LIST_WEBHOOKS_STATUS_VALUES: set[ListWebhooksStatus] = {
    "active",
    "disabled",
    "paused",
}


def check_list_webhooks_status(value: str) -> ListWebhooksStatus:
    if value in LIST_WEBHOOKS_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {LIST_WEBHOOKS_STATUS_VALUES!r}")
