from typing import Literal

WebhookSignatureSchemesItem = Literal["github", "hex", "rfc9421", "standard", "standard-ed25519", "stripe"]

WEBHOOK_SIGNATURE_SCHEMES_ITEM_VALUES: set[WebhookSignatureSchemesItem] = {
    "github",
    "hex",
    "rfc9421",
    "standard",
    "standard-ed25519",
    "stripe",
}


def check_webhook_signature_schemes_item(value: str) -> WebhookSignatureSchemesItem:
    if value in WEBHOOK_SIGNATURE_SCHEMES_ITEM_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {WEBHOOK_SIGNATURE_SCHEMES_ITEM_VALUES!r}")
