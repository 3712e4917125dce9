"""docs/authentication.md: its examples run, and its tables say what is so."""

from __future__ import annotations

import base64
import re
import shlex
from typing import Any

import pytest
import redis
from django.test import Client

from tests.docs.pages import blocks, page, section
from tests.factories import make_key, make_tenant
from webhooks.models import SCOPE_DESCRIPTIONS, Tenant

PAGE = page("docs/authentication.md")
COMMANDS = [
    line
    for block in blocks(PAGE, "bash")
    for line in block.replace("\\\n", " ").splitlines()
    if line.startswith("curl ")
]


class Shell:
    """Runs the page's curl lines against this process. ``variables``: what ``$NAME`` stands for."""

    def __init__(self, **variables: str) -> None:
        self.variables = variables

    def run(self, command: str) -> Any:
        words = iter(shlex.split(re.sub(r"\$(\w+)", lambda match: self.variables[match[1]], command))[1:])
        fields, headers, path = [], {}, ""
        for word in words:
            if word == "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            elif word == "-u":
                headers["Authorization"] = f"Basic {base64.b64encode(next(words).encode()).decode()}"
            elif word == "-d":
                fields.append(next(words))
            else:
                path = word
        kind = headers.pop("Content-Type", "application/x-www-form-urlencoded")
        return Client().generic("POST" if fields else "GET", path, "&".join(fields), kind, headers=headers)


@pytest.fixture
def shell(valkey: redis.Redis, tenant: Tenant) -> Shell:
    """The variables that the page's reader has; CLARION is empty, as there is no host here."""
    make_tenant(slug="acme")
    made = Shell(CLARION="", API_KEY=make_key(tenant), PLATFORM_KEY=make_key(None))
    (create,) = (command for command in COMMANDS if "/api/oauth-clients " in command)
    client = made.run(create).json()
    made.variables |= {"CLIENT_ID": client["client_id"], "CLIENT_SECRET": client["client_secret"]}
    (fetch,) = (command for command in COMMANDS if "scope=events:write" in command)
    made.variables["ACCESS_TOKEN"] = made.run(fetch).json()["access_token"]
    return made


def test_every_example_works(shell: Shell) -> None:
    assert len(COMMANDS) == 9
    for command in COMMANDS:
        wanted = 403 if "/api/events" in command else 200  # the token of the page may only publish
        answer = shell.run(command)
        assert answer.status_code in (wanted, 201), (command, answer.content)


def test_the_answer_of_the_token_endpoint_is_the_one_on_the_page(shell: Shell) -> None:
    (shown,) = blocks(PAGE, "json")
    (fetch,) = (command for command in COMMANDS if "scope=events:write" in command)
    made = re.sub(r'"clt_[0-9a-f]+"', '"clt_…"', shell.run(fetch).content.decode())
    assert made == shown.strip()


def test_the_scopes_on_the_page_are_those_there_are() -> None:
    rows = re.findall(r"^\| `([\w:]+)` \| (.+) \|$", section(PAGE, "Scopes"), re.MULTILINE)
    assert dict(rows) == SCOPE_DESCRIPTIONS


def test_the_public_addresses_on_the_page_answer(client: Client, db: None) -> None:
    paths = re.findall(r"`(/[\w./-]+)`", section(PAGE, "What everybody may read"))
    assert len(paths) >= 6
    for path in paths:
        wanted = {"/.well-known/security.txt": 404, "/api/event-types": 401}.get(path, 200)
        assert client.get(path).status_code == wanted, path
