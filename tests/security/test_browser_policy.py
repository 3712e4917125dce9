"""Headers of every kind of answer, and pages that keep to the policy that they are served with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from html.parser import HTMLParser
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.contrib import admin
from django.test import Client
from django.utils import timezone

from tests.factories import make_delivery, make_endpoint, make_event, make_key
from tests.processes import ROOT
from webhooks.api.browser_policy import DATA, HEADERS, PAGE
from webhooks.models import ApiKey, Attempt, DeadLetter, Delivery, TaskFailure, Tenant

DOCS = "/api/docs"


@pytest.fixture
def rows(tenant: Tenant, valkey: object) -> Delivery:
    """Something to see on the pages of the admin."""
    endpoint = make_endpoint(tenant, headers={"X-Team": "a"}, filter={"data.n": 1})
    delivery = make_delivery(endpoint, make_event(tenant, fanned_out=True), state="dead", finished_at=timezone.now())
    Attempt.objects.create(
        tenant=tenant, delivery=delivery, endpoint=endpoint, number=1, trigger="event", outcome="failed",
        started_at=timezone.now(), request_url=endpoint.url, response_status=500, response_body=b"{}",
        timings={"dns": 1.0, "connect": 2.0, "first_byte": 3.0, "total": 7.0},
    )  # fmt: skip
    DeadLetter.objects.create(
        tenant=tenant, endpoint=endpoint, delivery=delivery, event=delivery.event, event_type="order.created",
        reason="HTTP 500", attempt_count=1,
    )  # fmt: skip
    TaskFailure.objects.create(task="webhooks.deliver", first_seen=timezone.now(), last_seen=timezone.now())
    make_key(tenant)
    return delivery


def admin_paths() -> list[str]:
    """List, form and history of every model with a row, and the forms of new ones."""
    paths = ["/admin/", "/admin/password_change/", "/admin/webhooks/"]
    for model, page in admin.site._registry.items():
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        paths.append(base)
        key = model._default_manager.values_list("pk", flat=True).first()
        if key is not None:
            paths += [f"{base}{key}/change/", f"{base}{key}/history/"]
        if type(page).has_add_permission is admin.ModelAdmin.has_add_permission:
            paths.append(f"{base}add/")
    return paths


class Inline(HTMLParser):
    """Collects what the policy would block: a script or style in the page, and what comes from elsewhere."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        data_block = tag == "script" and given.get("type") == "application/json"
        if tag == "style" or (tag == "script" and not given.get("src") and not data_block):
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            if name == "style" or name.startswith("on") or (value or "").lstrip().lower().startswith("javascript:"):
                self.found.append(f"<{tag} {name}>")
        loads = given.get("src") or (given.get("href") if tag == "link" else "") or ""
        if loads.startswith(("http:", "https:", "//")):
            self.found.append(f"<{tag} from {loads}>")


def check_headers(response: Any, *, policy: str) -> None:
    assert response["Content-Security-Policy"] == policy
    for name, value in HEADERS.items():
        if name != "Cache-Control":
            assert response[name] == value, name


def test_every_page_of_the_admin_keeps_to_its_policy_and_stays_in_no_cache(
    admin_client: Client, rows: Delivery
) -> None:
    for path in [*admin_paths(), f"/admin/webhooks/endpoint/{rows.endpoint_id}/delete/"]:
        response = admin_client.get(path)
        assert response.status_code == 200, path
        check_headers(response, policy=PAGE)
        assert "no-store" in response["Cache-Control"], path
        assert Inline(response.content.decode()).found == [], path


@pytest.mark.parametrize("path", ["/admin/login/", DOCS])
def test_pages_for_everybody_do_as_well(client: Client, db: None, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 200
    check_headers(response, policy=PAGE)
    assert "no-store" in response["Cache-Control"]
    assert Inline(response.content.decode()).found == []


def test_the_documentation_runs_scripts_of_this_site_only(client: Client, db: None) -> None:
    page = client.get(DOCS).content.decode()
    script = client.get(f"{DOCS}?script=")
    assert 'src="/api/docs?script="' in page
    assert script["Content-Type"].startswith("application/javascript")
    assert '"validatorUrl": null' in script.content.decode(), "no other server is told about this one"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", "/", 302),
        ("get", "/healthz", 200),
        ("get", "/readyz", 200),
        ("get", "/metrics", 200),
        ("post", "/metrics", 405),
        ("get", "/api/webhooks", 401),
        ("get", "/api/nothing", 404),
        ("delete", "/api/docs", 405),
        ("get", "/admin/", 302),
    ],
)
def test_every_other_answer_has_the_headers_of_data(
    client: Client, db: None, valkey: object, method: str, path: str, status: int
) -> None:
    response = getattr(client, method)(path)
    assert response.status_code == status
    page = response["Content-Type"].startswith("text/html")
    check_headers(response, policy=PAGE if page else DATA)
    assert "no-store" in response["Cache-Control"]


def test_a_page_that_does_not_exist_is_no_exception(client: Client, db: None) -> None:
    response = client.get("/nothing")
    assert response.status_code == 404
    check_headers(response, policy=PAGE)


def test_an_answer_of_the_api_has_them_too(api: Any, rows: Delivery) -> None:
    for path in ("/api/webhooks", f"/api/deliveries/{rows.public_id}"):
        response = api.get(path)
        assert response.status_code == 200
        check_headers(response, policy=DATA)
        assert response["Cache-Control"] == "no-store"


def test_static_files_may_be_kept_and_are_not_sniffed(client: Client, db: None) -> None:
    response = client.get("/static/webhooks/admin.css")
    assert response.status_code == 200
    check_headers(response, policy=DATA)
    assert "max-age" in response["Cache-Control"]
    response.close()


def test_nothing_reveals_the_hash_of_a_key(admin_client: Client, api: Any, rows: Delivery) -> None:
    key = ApiKey.objects.get(name="tests", tenant=rows.tenant, prefix=api._headers["Authorization"].split("_")[1])
    stored = bytes(key.secret_hash)
    page = admin_client.get(f"/admin/webhooks/apikey/{key.pk}/change/").content
    answer = api.get(f"/api/api-keys/{key.public_id}").content
    assert stored.hex().encode() not in page + answer
    assert repr(stored).encode() not in page + answer


# --- sessions and forms

_PRINT = """
import json, django
from django.conf import settings
django.setup()
print(json.dumps({name: getattr(settings, name) for name in dir(settings) if "COOKIE" in name or "SECURE" in name
                  or name == "X_FRAME_OPTIONS"}, default=str))
"""


def production(public_url: str) -> dict[str, Any]:
    """Settings of a site at this address, as a process of its own reads them."""
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "project.settings", "WEBHOOKS_PUBLIC_URL": public_url}
    env["WEBHOOKS_ENCRYPTION_KEYS"] = Fernet.generate_key().decode()
    done = subprocess.run([sys.executable, "-c", _PRINT], cwd=ROOT, env=env, check=True, capture_output=True, text=True)
    made: dict[str, Any] = json.loads(done.stdout)
    return made


def test_over_https_cookies_are_for_this_host_and_this_transport_alone() -> None:
    found = production("https://hooks.example")
    wanted = {
        "SESSION_COOKIE_SECURE": True, "SESSION_COOKIE_HTTPONLY": True, "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_NAME": "__Host-sessionid", "SESSION_COOKIE_DOMAIN": None, "SESSION_COOKIE_PATH": "/",
        "SESSION_COOKIE_AGE": 43_200, "CSRF_COOKIE_SECURE": True, "CSRF_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_SAMESITE": "Lax", "CSRF_COOKIE_NAME": "__Host-csrftoken", "CSRF_COOKIE_DOMAIN": None,
        "CSRF_COOKIE_PATH": "/", "SECURE_SSL_REDIRECT": True, "SECURE_HSTS_SECONDS": 31_536_000,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": True, "SECURE_CONTENT_TYPE_NOSNIFF": True, "X_FRAME_OPTIONS": "DENY",
    }  # fmt: skip
    assert {name: found[name] for name in wanted} == wanted


def test_a_login_makes_cookies_that_scripts_and_other_sites_cannot_use(client: Client, admin_user: Any) -> None:
    client.get("/admin/login/")
    response = client.post("/admin/login/?next=/admin/", {"username": "admin", "password": "password"})
    assert response.status_code == 302
    for name in ("sessionid", "csrftoken"):
        cookie = response.cookies[name]
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/"), name
    assert response.cookies["sessionid"]["max-age"] == 43_200


def test_a_form_without_its_token_is_refused(admin_user: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)
    response = client.post("/admin/webhooks/tenant/add/", {"name": "x"})
    assert response.status_code == 403
    check_headers(response, policy=PAGE)
    assert not Tenant.objects.filter(name="x").exists()
