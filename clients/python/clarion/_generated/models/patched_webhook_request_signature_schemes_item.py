from typing import Literal

PatchedWebhookRequestSignatureSchemesItem = Literal[
    "github", "hex", "rfc9421", "standard", "standard-ed25519", "stripe"
]

PATCHED_WEBHOOK_REQUEST_SIGNATURE_SCHEMES_ITEM_VALUES: set[PatchedWebhookRequestSignatureSchemesItem] = {
    "github",
    "hex",
    "rfc9421",
    "standard",
    "standard-ed25519",
    "stripe",
}


def check_patched_webhook_request_signature_schemes_item(value: str) -> PatchedWebhookRequestSignatureSchemesItem:
    if value in PATCHED_WEBHOOK_REQUEST_SIGNATURE_SCHEMES_ITEM_VALUES:
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected one of {PATCHED_WEBHOOK_REQUEST_SIGNATURE_SCHEMES_ITEM_VALUES!r}"
    )
