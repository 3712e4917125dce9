"""Making and editing endpoints: through the services, faults beside the fields, secrets never back."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.contrib.sessions.models import Session
from django.test import Client

from tests.admin.pages import add_page, list_page, page, text
from tests.factories import make_endpoint, make_tenant, secret_of
from webhooks.core.headers import MASK
from webhooks.models import Endpoint, Tenant
from webhooks.services import endpoints

URL = "https://receiver.example/hook"


def form(
    tenant: Tenant | None = None, rows: tuple[dict[str, str], ...] = ({"pattern": "order.*"},), **fields: Any
) -> Any:
    """What the browser posts. ``rows``: the subscriptions."""
    data: dict[str, Any] = {
        "url": URL, "description": "", "metadata": "{}", "payload_format": "envelope", "version": "",
        "content_type": "application/json", "signature_schemes": ["standard", "hex"], "headers": "{}",
        "auth": '{"type": "none"}', "retry_policy": "default", "timeout": "15", "max_in_flight": "8",
        "rate_limit": "", "subscriptions-TOTAL_FORMS": len(rows), "subscriptions-INITIAL_FORMS": 0,
    }  # fmt: skip
    if tenant:
        data["tenant"] = tenant.pk
    for n, row in enumerate(rows):
        data |= {f"subscriptions-{n}-{name}": value for name, value in row.items()}
    return data | fields


def edit(endpoint: Endpoint, **fields: Any) -> Any:
    """The form of an existing endpoint, unchanged but for ``fields``."""
    rows = [
        {"id": str(row.pk), "endpoint": str(endpoint.pk), "pattern": row.pattern}
        for row in endpoint.subscriptions.order_by("pattern")
    ]
    data = form(rows=tuple(rows), url=endpoint.url, **{"subscriptions-INITIAL_FORMS": len(rows)})
    return data | fields


def errors(response: Any) -> dict[str, list[str]]:
    text(response)
    return {name: list(faults) for name, faults in response.context["adminform"].form.errors.items()}


def test_a_new_endpoint_shows_its_secret_in_that_answer_and_nowhere_else(admin_client: Client) -> None:
    response = admin_client.post(add_page(Endpoint), form(make_tenant(), description="billing"))
    shown = text(response)
    endpoint = Endpoint.objects.get()
    (secret,) = [row.value for row in endpoint.secrets.all()]
    assert re.findall(r"whsec_[A-Za-z0-9+/=]+", shown) == [secret]
    assert "no-store" in response["Cache-Control"]
    assert secret not in str(response.cookies)
    assert secret not in str([session.get_decoded() for session in Session.objects.all()])
    for url in (page(endpoint), list_page(Endpoint), f"{page(endpoint)[: -len('change/')]}history/"):
        again = text(admin_client.get(url))
        assert "whsec_" not in again
        assert secret[6:] not in again


def test_a_new_endpoint_is_complete(admin_client: Client) -> None:
    tenant = make_tenant()
    rows = (
        {"pattern": "order.*", "filter": '{"data.amount": {"$gte": 100}}'},
        {"pattern": "payment.**", "channels": "eu,us"},
    )
    fields = {"retry_policy": '{"schedule": [1, 2]}', "headers": '{"X-Team": "billing"}', "rate_limit": '{"limit": 5}'}
    text(admin_client.post(add_page(Endpoint), form(tenant, rows, **fields)))
    endpoint = Endpoint.objects.get()
    assert (endpoint.tenant, endpoint.retry_policy, endpoint.headers) == (
        tenant, {"schedule": [1, 2]}, {"X-Team": "billing"},
    )  # fmt: skip
    assert endpoint.mailbox.tenant == tenant
    assert list(endpoint.subscriptions.order_by("pattern").values_list("pattern", "filter", "channels")) == [
        ("order.*", {"data.amount": {"$gte": 100}}, []),
        ("payment.**", None, ["eu", "us"]),
    ]


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("url", "ftp://receiver.example", "https"),
        ("url", "https://user:pw@receiver.example/", ""),
        ("headers", '{"Host": "evil"}', "Host cannot be set"),
        ("headers", "{", "JSON"),
        ("auth", '{"type": "bearer"}', "token: is required"),
        ("retry_policy", "sometimes", "nknown policy"),
        ("retry_policy", '{"schedule": [-1]}', "numbers of seconds"),
        ("timeout", "900", "whole number of seconds"),
        ("rate_limit", '{"limit": 0}', "limit"),
        ("content_type", "text/html", "application/json"),
        ("metadata", "[1]", "object"),
    ],
)
def test_a_fault_stands_beside_its_field_and_nothing_is_stored(
    admin_client: Client, field: str, value: str, says: str
) -> None:
    found = errors(admin_client.post(add_page(Endpoint), form(make_tenant(), **{field: value})))
    assert list(found) == [field]
    assert says in " ".join(found[field])
    assert not Endpoint.objects.exists()


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"pattern": "order.*.x"}, "pattern"),
        ({"pattern": "order.*", "filter": '{"$what": 1}'}, "filter"),
        ({"pattern": "order.*", "channels": "not a channel"}, "channels"),
    ],
)
def test_a_fault_of_a_subscription_stands_beside_it(admin_client: Client, row: dict[str, str], field: str) -> None:
    response = admin_client.post(add_page(Endpoint), form(make_tenant(), (row,)))
    text(response)
    (formset,) = response.context["inline_admin_formsets"]
    assert list(formset.formset.errors[0]) == [field]
    assert not Endpoint.objects.exists()


@pytest.mark.parametrize("rows", [(), ({"pattern": "a.*"}, {"pattern": "a.*"})])
def test_an_endpoint_needs_subscriptions_that_differ(admin_client: Client, rows: Any) -> None:
    text(admin_client.post(add_page(Endpoint), form(make_tenant(), rows)))
    assert not Endpoint.objects.exists()


def test_credentials_are_masked_and_a_mask_that_comes_back_changes_nothing(admin_client: Client) -> None:
    endpoint = make_endpoint(
        auth={"type": "bearer", "token": "hunter2"}, headers={"X-Api-Key": "hunter2", "X-Team": "a"}
    )
    shown = text(admin_client.get(page(endpoint)))
    assert "hunter2" not in shown
    headers = f'{{"X-Api-Key": "{MASK}", "X-Team": "b"}}'
    auth = f'{{"type": "bearer", "token": "{MASK}"}}'
    response = admin_client.post(page(endpoint), edit(endpoint, headers=headers, auth=auth))
    assert response.status_code == 302
    endpoint = Endpoint.objects.get()
    assert endpoint.auth == {"type": "bearer", "token": "hunter2"}
    assert endpoint.headers == {"X-Api-Key": "hunter2", "X-Team": "b"}


def test_saving_an_old_form_does_not_undo_what_somebody_else_changed(admin_client: Client) -> None:
    endpoint = make_endpoint(event_types=["order.*"])
    old = edit(endpoint)
    endpoints.update(None, endpoint.pk, {"timeout": 20, "event_types": ["payment.*"]})
    fresh = admin_client.get(page(endpoint)).context["adminform"].form
    assert fresh.initial["timeout"] == 20
    changed = old | {
        "timeout": "20",
        "description": "new",
        "subscriptions-TOTAL_FORMS": 0,
        "subscriptions-INITIAL_FORMS": 0,
    }
    changed |= {"subscriptions-TOTAL_FORMS": 1, "subscriptions-0-pattern": "payment.*"}
    row = endpoint.subscriptions.get()
    changed |= {"subscriptions-INITIAL_FORMS": 1, "subscriptions-0-id": row.pk, "subscriptions-0-endpoint": endpoint.pk}
    assert admin_client.post(page(endpoint), changed).status_code == 302
    endpoint.refresh_from_db()
    assert (endpoint.description, endpoint.timeout) == ("new", 20)
    assert list(endpoint.subscriptions.values_list("pk", "pattern")) == [(row.pk, "payment.*")]


def test_subscriptions_are_added_changed_and_removed_with_the_endpoint(admin_client: Client) -> None:
    endpoint = make_endpoint(event_types=["a.*", "b.*"])
    data = edit(endpoint) | {
        "subscriptions-0-DELETE": "on", "subscriptions-1-filter": '{"type": "b.c"}',
        "subscriptions-2-pattern": "c.*", "subscriptions-TOTAL_FORMS": 3,
    }  # fmt: skip
    kept = endpoint.subscriptions.get(pattern="b.*").pk
    assert admin_client.post(page(endpoint), data).status_code == 302
    assert list(endpoint.subscriptions.order_by("pattern").values_list("pattern", "filter")) == [
        ("b.*", {"type": "b.c"}), ("c.*", None),
    ]  # fmt: skip
    assert endpoint.subscriptions.get(pattern="b.*").pk == kept


def test_a_page_of_an_endpoint_shows_fingerprints_and_validity_of_its_secrets(admin_client: Client) -> None:
    endpoint = make_endpoint()
    before = secret_of(endpoint)
    endpoints.rotate_secret(endpoint.pk, 3600)
    shown = text(admin_client.get(page(endpoint)))
    assert shown.count(">signs<") == 2
    assert before not in shown


def test_lost_encryption_keys_do_not_lock_the_page(admin_client: Client, settings: Any) -> None:
    endpoint = make_endpoint(headers={"X-Team": "a"})
    settings.WEBHOOKS_ENCRYPTION_KEYS = (Fernet.generate_key().decode(),)
    assert page(endpoint) in text(admin_client.get(list_page(Endpoint)))
    assert "cannot be decrypted" in text(admin_client.get(page(endpoint)))
    response = admin_client.post(page(endpoint), edit(endpoint, description="new"))
    assert "cannot be decrypted" in text(response)


def test_deleting_hides_the_endpoint_and_keeps_its_rows(admin_client: Client) -> None:
    endpoint = make_endpoint()
    url = f"{page(endpoint)[: -len('change/')]}delete/"
    text(admin_client.get(url))
    assert admin_client.post(url, {"post": "yes"}).status_code == 302
    endpoint.refresh_from_db()
    assert endpoint.deleted_at is not None
    assert endpoint.mailbox.unsettled


@pytest.mark.parametrize("deleted", [False, True])
def test_who_may_only_look_sees_masks_as_well(staff: Callable[..., Client], deleted: bool) -> None:
    endpoint = make_endpoint(auth={"type": "bearer", "token": "hunter2"}, headers={"X-Api-Key": "hunter2"})
    if deleted:
        endpoints.delete(endpoint.pk)
    shown = text(staff("view_endpoint", "view_subscription").get(page(endpoint)))
    assert "hunter2" not in shown
    assert "X-Api-Key" in shown
    assert MASK in shown
    assert 'name="_save"' not in shown


def test_a_fault_does_not_send_the_stored_secret_back(admin_client: Client) -> None:
    endpoint = make_endpoint(auth={"type": "bearer", "token": "hunter2"})
    auth = f'{{"type": "bearer", "token": "{MASK}"}}'
    response = admin_client.post(page(endpoint), edit(endpoint, auth=auth, timeout="900"))
    assert "timeout" in errors(response)
    assert "hunter2" not in text(response)


# --- a queue in place of the URL

DESTINATION = '{"type": "queue", "url": "amqps://ada:s3cret-7@mq.example.com/shop", "queue": "orders"}'


def test_an_endpoint_with_a_queue_is_made_and_its_password_is_never_shown(admin_client: Client) -> None:
    made = text(admin_client.post(add_page(Endpoint), form(make_tenant(), url="", destination=DESTINATION)))
    endpoint = Endpoint.objects.get()

    assert endpoint.url == "amqps://mq.example.com/shop?queue=orders"
    for shown in (made, text(admin_client.get(page(endpoint))), text(admin_client.get(list_page(Endpoint)))):
        assert "mq.example.com" in shown
        assert "s3cret-7" not in shown
    assert MASK in text(admin_client.get(page(endpoint)))


def test_a_masked_queue_stays_as_it_is_and_can_be_given_up_for_a_url(admin_client: Client) -> None:
    text(admin_client.post(add_page(Endpoint), form(make_tenant(), url="", destination=DESTINATION)))
    endpoint = Endpoint.objects.get()
    masked = DESTINATION.replace("s3cret-7", MASK)

    assert admin_client.post(page(endpoint), edit(endpoint, url="", destination=masked, timeout="7")).status_code == 302
    changed = Endpoint.objects.get()
    assert (changed.timeout, changed.destination) == (7, endpoint.destination)

    assert admin_client.post(page(endpoint), edit(endpoint, url=URL, destination="", timeout="7")).status_code == 302
    moved = Endpoint.objects.get()
    assert (moved.url, moved.destination) == (URL, None)


def test_faults_of_a_queue_are_shown_beside_it(admin_client: Client) -> None:
    for destination, said in (
        (DESTINATION.replace("mq.example.com", "10.0.0.5"), "may not be sent to"),
        ('{"type": "kafka"}', "takes one of queue, sqs, eventbridge"),
    ):
        response = admin_client.post(add_page(Endpoint), form(make_tenant(), url="", destination=destination))
        assert said in str(errors(response)["destination"])
    response = admin_client.post(add_page(Endpoint), form(make_tenant(), url="", destination=""))
    assert "unless there is a destination" in str(errors(response)["url"])
