"""A key that is missing or wrong: everybody is told, nobody sees ciphertext, and what can go on goes on."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.test import Client

from tests.admin.pages import list_page, page, text
from tests.api.checks import problem
from tests.client import ApiClient
from tests.factories import make_delivery, make_endpoint
from webhooks.api.middleware import ProblemMiddleware
from webhooks.core.signatures import Outgoing
from webhooks.models import Endpoint, Mailbox, Tenant
from webhooks.services import drain as engine
from webhooks.services import endpoints, target

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))


@pytest.fixture
def lost(tenant: Tenant, valkey: object, settings: Any) -> Endpoint:
    """A webhook whose key is gone."""
    settings.WEBHOOKS_ENCRYPTION_KEYS = (OLD,)
    endpoint = make_endpoint(tenant, headers={"X-Api-Key": "k"}, auth={"type": "bearer", "token": "t"})
    settings.WEBHOOKS_ENCRYPTION_KEYS = (NEW,)
    return endpoint


CALLS: dict[str, Callable[[ApiClient, str], Any]] = {
    "list": lambda api, id: api.get("/api/webhooks"),
    "show": lambda api, id: api.get(f"/api/webhooks/{id}"),
    "change": lambda api, id: api.request("PATCH", f"/api/webhooks/{id}", {"description": "x"}),
}


@pytest.mark.parametrize("call", CALLS)
def test_the_api_answers_with_a_problem_that_says_what_is_missing(lost: Endpoint, api: ApiClient, call: str) -> None:
    response = CALLS[call](api, lost.public_id)
    told = problem(response, 503)
    assert "WEBHOOKS_ENCRYPTION_KEYS" in told["detail"]
    assert b"gAAAA" not in response.content
    assert api.get("/api/events").status_code == 200, "it is no outage of the database: the rest of the API goes on"


def test_the_admin_shows_a_sentence(lost: Endpoint, admin_client: Client) -> None:
    assert page(lost) in text(admin_client.get(list_page(Endpoint)))
    shown = admin_client.get(page(lost))
    assert "cannot be decrypted" in text(shown)
    assert b"gAAAA" not in shown.content


def test_a_page_that_did_not_expect_it_is_one_sentence_too(lost: Endpoint, rf: Any) -> None:
    def view(request: Any) -> Any:
        return Endpoint.objects.get(pk=lost.pk)

    request = rf.get("/admin/somewhere/")
    try:
        view(request)
    except Exception as error:
        response = ProblemMiddleware(view).process_exception(request, error)
    assert response is not None
    assert response.status_code == 503
    assert b"WEBHOOKS_ENCRYPTION_KEYS" in response.content  # type: ignore[attr-defined]


def test_a_drain_leaves_it_alone_for_a_while(lost: Endpoint) -> None:
    delivery = make_delivery(lost)
    assert engine.drain(lost.pk).word == "undecryptable"
    mailbox = Mailbox.objects.get(endpoint=lost)
    assert mailbox.blocked_reason == "undecryptable"
    assert mailbox.next_due_at is not None
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempt_count) == ("pending", 0)


def test_it_can_still_be_stopped_and_deleted(lost: Endpoint, api: ApiClient) -> None:
    endpoints.pause(lost.pk)
    endpoints.enable(lost.pk)
    endpoints.disable(lost.pk, "its key is lost")
    assert api.request("DELETE", f"/api/webhooks/{lost.public_id}").status_code == 204
    assert Endpoint.objects.defer("headers", "auth").get(pk=lost.pk).deleted_at is not None


def test_a_new_secret_mends_one_that_was_lost(tenant: Tenant, settings: Any, valkey: object, api: ApiClient) -> None:
    settings.WEBHOOKS_ENCRYPTION_KEYS = (OLD,)
    endpoint = make_endpoint(tenant)
    settings.WEBHOOKS_ENCRYPTION_KEYS = (NEW,)
    Endpoint.objects.filter(pk=endpoint.pk).update(headers={}, auth={"type": "none"})
    assert engine.drain(endpoint.pk).word == "undecryptable"
    made = api.post(f"/api/webhooks/{endpoint.public_id}/rotate-secret", {"overlap_seconds": 0})
    assert made.status_code == 200
    loaded = target.load(endpoint.pk)
    assert loaded is not None
    signed = loaded.config.signer.headers(Outgoing("evt_1", int(time.time()), b"{}", "https://example.com/"))
    assert signed["X-Webhook-Signature"] == hmac.digest(made.json()["secret"].encode(), b"{}", "sha256").hex()
