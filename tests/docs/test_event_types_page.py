"""docs/event-types.md: what it says is what happens."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.client import ApiClient
from tests.docs.pages import ROOT, block, blocks, page, section
from webhooks.core import openapi_webhooks, schemas
from webhooks.models import EventTypeVersion

PAGE = page("docs/event-types.md")
PYTHON = block(section(PAGE, "Converting to older versions"), "python", "downgrade")


def rows(heading: str) -> list[list[str]]:
    lines = [line for line in section(PAGE, heading).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_example_registers_a_type_that_is_checked(api: ApiClient, valkey: Any) -> None:
    (body,) = re.findall(r"-d '(.*?)'", blocks(PAGE, "bash")[0], re.DOTALL)
    assert api.post("/api/event-types", json.loads(body)).status_code == 201
    good, bad = {"order": 1, "amount": 42.1}, {"order": 1, "amount": 42.101}
    assert api.post("/api/events", {"type": "order.created", "data": good}).status_code == 202
    assert api.post("/api/events", {"type": "order.created", "data": bad}).status_code == 422


def test_the_table_names_every_kind_of_enforcement() -> None:
    assert {re.findall(r"`(\w+)`", cell)[0] for cell, _ in rows("Schemas")} == set(EventTypeVersion.Enforcement.values)


def test_the_limits_are_those_in_force() -> None:
    assert f"{schemas.MAX_NODES} subschemas, {schemas.MAX_DEPTH} levels" in PAGE
    assert f"{openapi_webhooks.MAX_WEBHOOKS} webhooks" in PAGE


def test_the_body_of_an_import_is_one(api: ApiClient, valkey: Any) -> None:
    body = json.loads(block(section(PAGE, "Importing from OpenAPI"), "json", "document"))
    body["document"]["webhooks"] = {"a.b": {"post": {}}}
    report = api.post("/api/event-types/import", body).json()
    assert report == {"dry_run": True, "created": ["a.b"], "updated": [], "unchanged": [], "refused": []}


@pytest.mark.parametrize("installed", [True, False])
def test_conversions_are_found_in_installed_applications(
    stack_env: Mapping[str, str], tmp_path: Path, installed: bool
) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/__init__.py").touch()
    (tmp_path / "shop/webhooks_versions.py").write_text(PYTHON)
    (tmp_path / "with_shop.py").write_text(
        "from project.settings import *\n" + ('INSTALLED_APPS = [*INSTALLED_APPS, "shop"]\n' if installed else "")
    )
    program = (
        "import django; django.setup()\n"
        "from webhooks.core.conversions import convert, older\n"
        "print(older('order.created', 'v2'))\n"
        "if older('order.created', 'v2'):\n"
        """    print(convert("order.created", "v2", "v1", b'{"id": 7, "amount": {"value": 42.10}}').decode())\n"""
    )
    env = {
        **stack_env, "DJANGO_SETTINGS_MODULE": "with_shop", "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}",
    }  # fmt: skip
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines() == (["['v1']", '{"order":7,"amount":42.10}'] if installed else ["[]"]), done.stderr
