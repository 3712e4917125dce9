from typing import Literal

CreatedWebhookSignatureSchemesItem = Literal["github", "hex", "rfc9421", "standard", "standard-ed25519", "stripe"]

CREATED_WEBHOOK_SIGNATURE_SCHEMES_ITEM_VALUES: set[CreatedWebhookSignatureSchemesItem] = {
    "github",
    "hex",
    "rfc9421",
    "standard",
    "standard-ed25519",
    "stripe",
}


def check_created_webhook_signature_schemes_item(value: str) -> CreatedWebhookSignatureSchemesItem:
    if value in CREATED_WEBHOOK_SIGNATURE_SCHEMES_ITEM_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {CREATED_WEBHOOK_SIGNATURE_SCHEMES_ITEM_VALUES!r}")
