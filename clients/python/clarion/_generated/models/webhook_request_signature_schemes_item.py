from typing import Literal

WebhookRequestSignatureSchemesItem = Literal["github", "hex", "rfc9421", "standard", "standard-ed25519", "stripe"]

WEBHOOK_REQUEST_SIGNATURE_SCHEMES_ITEM_VALUES: set[WebhookRequestSignatureSchemesItem] = {
    "github",
    "hex",
    "rfc9421",
    "standard",
    "standard-ed25519",
    "stripe",
}


def check_webhook_request_signature_schemes_item(value: str) -> WebhookRequestSignatureSchemesItem:
    if value in WEBHOOK_REQUEST_SIGNATURE_SCHEMES_ITEM_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {WEBHOOK_REQUEST_SIGNATURE_SCHEMES_ITEM_VALUES!r}")
