"""A webhook that leads to the listener and is there as long as the listener is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from webhooks.management.demo.api import Api
from webhooks.receive.keys import Secret


@contextmanager
def temporary_webhook(
    api_url: str, api_key: str, url: str, event_types: Sequence[str], schemes: Sequence[str]
) -> Iterator[tuple[str, list[Secret]]]:
    """The webhook's id, and what verifies it. It is deleted at the end. Raises DemoFailure when the API refuses."""
    api = Api(api_url, api_key)
    try:
        made = api.create_webhook(
            {
                "url": url,
                "event_types": list(event_types),
                "signature_schemes": list(schemes),
                "description": "manage.py listen: deleted when it ends",
            }
        )
        public = [str(key["public_key"]) for key in made.get("signing_keys", [])]
        try:
            yield str(made["id"]), [str(made["secret"]), *public]
        finally:
            api.delete_webhook(str(made["id"]))
    finally:
        api.close()
