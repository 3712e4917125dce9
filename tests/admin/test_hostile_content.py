"""What tenants and receivers send is text on these pages, whatever it looks like."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tests.admin.pages import list_page, make_attempt, make_dead_letter, page, text
from tests.factories import make_delivery, make_endpoint, make_event, make_tenant
from webhooks.admin.bodies import SHOWN, body
from webhooks.models import Attempt, DeadLetter, Delivery, Endpoint, Event, Mailbox

EVIL = "</script><img src=x onerror=alert(1)>'\"{{ 7|add:7 }}"


def test_markup_from_events_endpoints_and_receivers_is_escaped_everywhere(admin_client: Client) -> None:
    tenant = make_tenant(name=EVIL)
    endpoint = make_endpoint(tenant, description=EVIL)
    Endpoint.objects.filter(pk=endpoint.pk).update(url=f"https://receiver.example/{EVIL}", disabled_reason=EVIL)
    event = make_event(tenant, data={EVIL: EVIL}, metadata={EVIL: EVIL}, correlation_id=EVIL, fanned_out=True)
    Event.objects.filter(pk=event.pk).update(
        routing=[{"webhook": EVIL, "reason": EVIL}], key=EVIL, type=EVIL, version=EVIL[:30], channels=[EVIL]
    )
    delivery = make_delivery(endpoint, event, state="dead", reason=EVIL)
    attempt = make_attempt(
        delivery, request_url=f"https://x/{EVIL}", request_headers={EVIL: EVIL}, response_headers=[[EVIL, EVIL]],
        response_body=EVIL.encode(), detail=EVIL, error=EVIL[:32], worker=EVIL, address=EVIL[:45],
        timings={"total": 3, "dns": EVIL, EVIL: 4},
    )  # fmt: skip
    letter = make_dead_letter(delivery, reason=EVIL, event_type=EVIL)
    Mailbox.objects.filter(pk=endpoint.pk).update(blocked_until="2999-01-01T00:00:00Z", blocked_reason="<img onerror>")
    urls = [page(row) for row in (endpoint, event, delivery, attempt, letter)]
    urls += [list_page(model) for model in (Endpoint, Event, Delivery, Attempt, DeadLetter)]
    for url in [*urls, f"{list_page(Delivery)}?tenant={EVIL}&q={EVIL}", reverse("admin:index")]:
        shown = text(admin_client.get(url))
        assert "<img" not in shown.replace('<img src="/static/', ""), url
        assert "</script><" not in shown, url
    assert "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;" in text(admin_client.get(page(attempt)))


def test_secrets_in_stored_headers_are_masked_again_when_they_are_shown(admin_client: Client) -> None:
    attempt = make_attempt(
        make_delivery(),
        request_headers={"Authorization": "Bearer hunter2", "X-Api-Key": "hunter2"},
        response_headers=[["Set-Cookie", "session=hunter2"], ["Set-Cookie", "b=hunter2"]],
    )
    shown = text(admin_client.get(page(attempt)))
    assert "hunter2" not in shown
    assert "Bearer ********" in shown


def test_the_download_is_the_published_bytes_and_no_page(admin_client: Client) -> None:
    data = b'{"n": 1.50, "n": 1e3, "html": "<script>alert(1)</script>"}'
    event = make_event(data=data)
    response = admin_client.get(reverse("admin:webhooks_event_data", args=[event.pk]))
    assert response.content == data
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment")
    assert response["X-Content-Type-Options"] == "nosniff"


def test_json_is_indented_and_nothing_in_it_changes() -> None:
    shown = body(b'{"a":1.50,"a":[],"big":12345678901234567890.0,"e":"\\u00e9","list":[1,{"b":null}]}').text
    assert shown == (
        '{\n  "a": 1.50,\n  "a": [],\n  "big": 12345678901234567890.0,\n  "e": "\\u00e9",\n'
        '  "list": [\n    1,\n    {\n      "b": null\n    }\n  ]\n}'
    )


@pytest.mark.parametrize("data", [b"[error] it  broke", b'{"a": ', b"", b"plain", b"[" * 5000])
def test_what_is_no_json_stays_as_it_came(data: bytes) -> None:
    assert body(data).text == data.decode()


def test_bytes_that_are_no_text_and_marks_that_reorder_it_are_made_visible() -> None:
    assert body(b"a\xff\x00b\x1b[31m \xe2\x80\xae.exe").text == "a\\xff\\u0000b\\u001b[31m \\u202e.exe"


def test_a_large_body_is_cut_between_characters_and_says_so() -> None:
    data = ('"' + "é" * SHOWN + '"').encode()
    shown = body(data)
    assert shown.truncated
    assert shown.size == len(data)
    assert set(shown.text) == {'"', "é"}


def test_deep_nesting_does_not_blow_up_the_page() -> None:
    depth = 900
    assert len(body(b"[" * depth + b"1" + b"]" * depth).text) < 10 * depth


def test_the_page_of_a_large_event_stays_small(admin_client: Client) -> None:
    event = make_event(data={"text": "x" * 200_000})
    shown = text(admin_client.get(page(event)))
    assert len(shown) < 80_000
    assert "32.0\xa0KB shown" in shown
