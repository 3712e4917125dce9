"""Scripts of other sites: nothing by default, the named ones by setting."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from django.test import Client

from tests.api.checks import problem
from tests.docs.pages import ROOT

SITE = "https://console.example.com"
PREFLIGHT = {"Origin": SITE, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


def _cors(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items() if name.lower().startswith("access-control-")}


def test_without_the_setting_no_answer_has_a_header_of_cors(client: Client, db: None) -> None:
    for path in ("/api/events", "/api/nothing", "/oauth/token"):
        for headers in ({"Origin": SITE}, PREFLIGHT):
            for answer in (client.get(path, headers=headers), client.options(path, headers=headers)):
                assert not _cors(answer.headers), path
    problem(client.options("/api/schema", headers=PREFLIGHT), 405)


ASK = """
import django, json, sys
django.setup()
from django.test import Client
from django.conf import settings
found = []
for method, path, headers in json.load(sys.stdin):
    answer = Client(headers={"host": "localhost"}).generic(method, path, headers=headers)
    found.append([answer.status_code, dict(answer.headers)])
print(json.dumps(found))
"""


def _answers(origins: str, *requests: tuple[str, str, dict[str, str]]) -> list[Any]:
    """What a process with this setting answers: settings decide at the start which middleware there is."""
    env = os.environ | {"WEBHOOKS_CORS_ORIGINS": origins, "DJANGO_SETTINGS_MODULE": "project.settings"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ASK],
        cwd=ROOT, env=env, input=json.dumps(requests), capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return list(json.loads(done.stdout.splitlines()[-1]))


def test_only_the_sites_that_are_named_may_read() -> None:
    other = {**PREFLIGHT, "Origin": "https://evil.example"}
    preflight, refused, answer, stranger, page = _answers(
        f"{SITE},https://other.example.com",
        ("OPTIONS", "/api/events", PREFLIGHT),
        ("OPTIONS", "/api/events", other),
        ("GET", "/api/events", {"Origin": SITE}),
        ("GET", "/api/events", {"Origin": "https://evil.example"}),
        ("GET", "/healthz", {"Origin": SITE}),
    )
    allowed = _cors(preflight[1])
    assert preflight[0] == 200
    assert allowed["access-control-allow-origin"] == SITE
    assert {"authorization", "idempotency-key", "clarion-tenant"} <= set(
        allowed["access-control-allow-headers"].split(", ")
    )
    assert "access-control-allow-credentials" not in allowed
    assert not _cors(refused[1])
    assert answer[0] == 401, "a refusal can be read by the site as well"
    assert _cors(answer[1])["access-control-allow-origin"] == SITE
    assert "RateLimit" in _cors(answer[1])["access-control-expose-headers"]
    assert not _cors(stranger[1])
    assert not _cors(page[1]), "only the API"


@pytest.mark.parametrize("origins", ["*", "console.example.com"])
def test_a_setting_that_names_no_site_is_refused_at_the_start(origins: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "manage.py", "check"],
        cwd=ROOT, env=os.environ | {"WEBHOOKS_CORS_ORIGINS": origins}, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "CORS_ALLOWED_ORIGINS" in done.stderr
