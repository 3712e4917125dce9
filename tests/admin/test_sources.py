"""Pages of sources: made by the service, secrets never shown again, samples that are signed for real."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from tests.admin.pages import act, add_page, list_page, page, text
from tests.factories import make_received, make_source, make_tenant
from webhooks.core import ids, inbound
from webhooks.models import ReceivedMessage, Source, Tenant
from webhooks.services.processing import process

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def source_form(tenant: Tenant, **fields: Any) -> dict[str, Any]:
    """What a browser posts for a source."""
    return {
        "tenant": str(tenant.pk), "name": "Repositories", "active": "on", "provider": "github", "new_secrets": "",
        "verification": "{}", "allowed_ips": "[]", "rate_limit": "", "schema": "", "max_bytes": "1048576",
        "tolerance": "300", "event_type": "github.{type}", "forward": "on", "forward_to": "", "_save": "Save", **fields,
    }  # fmt: skip


def test_a_new_source_shows_its_secret_once_and_where_to_send(admin_client: Client) -> None:
    answer = admin_client.post(add_page(Source), source_form(make_tenant()))
    shown = text(answer)
    source = Source.objects.get()
    assert source.secrets[0] in shown
    assert f"/in/{source.public_id}" in shown
    assert "no-store" in answer["Cache-Control"]
    again = text(admin_client.get(page(source)))
    assert source.secrets[0] not in again
    assert f"/in/{source.public_id}" in again


def test_given_secrets_are_stored_and_never_shown(admin_client: Client) -> None:
    form = source_form(make_tenant(), provider="stripe", new_secrets=f"{SECRET}\n\n  {SECRET}x  ", event_type="")
    assert admin_client.post(add_page(Source), form).status_code == 302
    source = Source.objects.get()
    assert source.secrets == [SECRET, f"{SECRET}x"]
    assert source.event_type == "stripe.{type}"
    for path in (page(source), list_page(Source)):
        assert SECRET not in text(admin_client.get(path))


def test_a_change_keeps_the_secrets_and_what_was_not_changed(admin_client: Client) -> None:
    source = make_source(provider="github", secrets=[SECRET], event_type="github.{type}", allowed_ips=["192.0.2.0/24"])
    form = source_form(
        source.tenant, name="Renamed", allowed_ips='["192.0.2.0/24"]', rate_limit='{"limit": 9, "period": 60}'
    )
    assert admin_client.post(page(source), form).status_code == 302
    source.refresh_from_db()
    assert (source.name, source.secrets, source.allowed_ips) == ("Renamed", [SECRET], ["192.0.2.0/24"])
    assert source.rate_limit == {"limit": 9, "period": 60}


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"provider": "stripe"}, "the secret that stripe gives you"),
        ({"new_secrets": "short"}, "characters"),
        ({"allowed_ips": '["nowhere"]'}, "nowhere"),
        ({"verification": '{"header": "X"}'}, "no option of the provider github"),
        ({"name": ""}, "required"),
    ],
    ids=["no secret", "short secret", "no network", "no option", "no name"],
)
def test_what_the_service_refuses_stands_in_the_form(admin_client: Client, fields: dict[str, str], why: str) -> None:
    shown = text(admin_client.post(add_page(Source), source_form(make_tenant(), **fields)))
    assert why in shown
    assert not Source.objects.exists()


@pytest.mark.parametrize(
    ("provider", "event_type"),
    [
        ("github", "github.ping"), ("stripe", "stripe.charge.succeeded"), ("shopify", "shopify.orders.create"),
        ("slack", "slack.app_mention"), ("standard", "order.created"), ("hex", "order.created"),
        ("api_key", "order.created"), ("none", "order.created"),
    ],
)  # fmt: skip
def test_a_sample_is_signed_verified_and_processed(admin_client: Client, provider: str, event_type: str) -> None:
    secrets = [] if provider == "none" else [SECRET]
    template = inbound.PROVIDERS[provider].event_type
    source = make_source(provider=provider, secrets=secrets, event_type=template)
    for _ in range(2):
        act(admin_client, page(source), "send_sample", source)
    first, second = ReceivedMessage.objects.order_by("id")
    assert (first.event_type, first.verification) == (event_type, "none" if provider == "none" else "verified")
    assert first.key != second.key, "each sample is a message of its own"
    assert process(first.id).word == "processed"
    assert event_type in text(admin_client.get(page(first)))


@pytest.mark.parametrize(
    ("provider", "fields", "why"),
    [
        ("oauth2", {"verification": {"jwks_url": "https://id.example/jwks"}}, "Only oauth2 itself"),
        ("github", {"secrets": [SECRET], "active": False}, "The source is off"),
    ],
)
def test_what_nobody_else_can_sign_is_said(admin_client: Client, provider: str, fields: Any, why: str) -> None:
    source = make_source(provider=provider, **fields)
    assert why in text(act(admin_client, list_page(Source), "send_sample", source))
    assert not ReceivedMessage.objects.exists()


def test_the_page_of_a_source_counts_what_came(admin_client: Client) -> None:
    source = make_source()
    for status in ("processed", "processed", "failed"):
        make_received(source, status=status)
    shown = text(admin_client.get(page(source)))
    assert "2 processed" in shown
    assert "1 failed" in shown


def test_a_received_message_shows_body_headers_and_reason_but_no_secret(admin_client: Client) -> None:
    message = make_received(
        make_source(secrets=[SECRET], provider="github"), status="refused", verification="signature",
        reason="No signature fits.", body=b'{"n":1.50}', headers=[["X-Hub-Signature-256", "********"], ["X-A", "<b>"]],
    )  # fmt: skip
    shown = text(admin_client.get(page(message)))
    for part in ("No signature fits.", "&quot;n&quot;: 1.50", "{&quot;n&quot;:1.50}", "&lt;b&gt;", "********"):
        assert part in shown
    assert "Replay" not in shown
    assert SECRET not in shown


def test_the_bytes_as_they_came_are_a_download(admin_client: Client) -> None:
    message = make_received(body=b"\xff\x00<script>")
    answer = admin_client.get(f"{page(message).removesuffix('change/')}body/")
    assert answer.content == b"\xff\x00<script>"
    assert answer["Content-Type"] == "application/octet-stream"
    assert message.public_id in answer["Content-Disposition"]


def test_a_message_is_found_by_its_providers_id(admin_client: Client) -> None:
    source = make_source(provider="hex", secrets=[SECRET])
    act(admin_client, page(source), "send_sample", source)
    message = ReceivedMessage.objects.get()
    other = make_received(source)
    shown = text(admin_client.get(list_page(ReceivedMessage), {"q": message.key}))
    assert page(message) in shown
    assert page(other) not in shown


def test_a_rejected_sample_says_so(admin_client: Client) -> None:
    source = make_source(schema=json.dumps({"required": ["nothing has this"]}))
    shown = text(act(admin_client, page(source), "send_sample", source))
    assert "rejected by the schema" in shown
    message = ReceivedMessage.objects.get()
    assert (message.status, ids.show(ids.RECEIVED, message.id) in shown) == ("rejected", True)
