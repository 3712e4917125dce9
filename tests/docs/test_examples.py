"""The examples of the pages about the API, typed one after the other against a real server; answers are compared."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.api.wire import Web
from tests.docs.pages import PAGES, page
from tests.docs.shell import Shell
from tests.receiver import Receiver
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)
_EXAMPLE = re.compile(r"^```(bash|python)\n(.*?)^```\n(?:\n```json\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
_LATER = "# a moment later"
# README's tour runs against all that ``make run`` starts; the other pages need objects that their own tests make
# (test_readme.py, test_authentication_page.py, test_lookups_page.py).
ELSEWHERE = ("README.md", "docs/authentication.md", "docs/lookups.md")
RUN = ("docs/api.md", "docs/senders.md", "docs/event-types.md", "docs/receiving.md", "docs/bulk-operations.md")


@pytest.fixture(scope="module")
def web(stack_env: Mapping[str, str]) -> Iterator[Web]:
    made = Web({**stack_env, "WEBHOOKS_PUBLIC_URL": "http://localhost"})
    made.start()
    yield made
    made.stop()


@pytest.fixture
def tenant(transactional_db: None) -> Any:
    from tests.factories import make_tenant

    return make_tenant()


@pytest.fixture
def names(web: Web, api_key: str, receiver: Receiver) -> dict[str, str]:
    """What the pages take for granted."""
    root = f"http://127.0.0.1:{web.port}"
    return {"CLARION": root, "API": f"{root}/api", "KEY": api_key, "RECEIVER": receiver.url("/hook")}


@pytest.fixture
def shell(names: Mapping[str, str], tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path, {**os.environ, **names})
    yield made
    made.close()


def test_the_answers_of_the_page_are_those_of_the_api(
    shell: Shell, names: Mapping[str, str], shared_worker: Any
) -> None:
    space: dict[str, Any] = dict(names)
    examples = _EXAMPLE.findall(page("docs/api.md"))
    assert len(examples) > 20
    for language, code, shown in examples:
        if language == "python":
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(code, "docs/api.md", "exec"), space)  # noqa: S102 - the page is ours
        elif code.startswith(_LATER):
            eventually(lambda code=code, shown=shown: not _differences(shown, shell.type(code)))
        else:
            found = _differences(shown, shell.type(code))
            assert not found, f"{code}\n{found}"


@pytest.mark.parametrize("name", [name for name in RUN if name != "docs/api.md"])
def test_every_command_of_the_page_is_accepted(name: str, shell: Shell, tenant: Any, tmp_path: Path) -> None:
    from tests.factories import make_endpoint

    shell.type(f"WEBHOOK={make_endpoint(tenant).public_id}")
    (tmp_path / "events.ndjson").write_text('{"type": "order.created", "data": {"order": 1}}\n')
    for language, code, _ in _EXAMPLE.findall(page(name)):
        if language == "bash" and "curl" in code:
            answer = json.loads(shell.type(code.replace("curl ", "curl -sS ")))
            assert "urn:clarion:problem" not in str(answer), answer


def test_every_page_with_curl_is_run() -> None:
    asking = [name for name in PAGES if re.search(r"^(?:\w+=\$\()?curl ", page(name), re.MULTILINE)]
    assert sorted(asking) == sorted([*ELSEWHERE, *RUN])


def _differences(shown: str, printed: str) -> str:
    """What is wrong with the answer; nothing of it is compared when the page shows none, but that it is no problem."""
    start = printed.find("{")
    if start < 0:
        return "" if not shown else f"no JSON: {printed}"
    answer = json.loads(printed[start:])
    if not shown:
        return str(answer) if str(answer.get("type", "")).startswith("urn:clarion:problem") else ""
    return "; ".join(_unlike(json.loads(shown), answer, ""))


def _unlike(shown: Any, real: Any, at: str) -> Iterator[str]:
    """Where two JSON values differ in shape. A member "…" stands for others, the first item of a list for all."""
    if isinstance(shown, dict) and isinstance(real, dict):
        named = shown.keys() - {"…"}
        if named - real.keys() or ("…" not in shown and real.keys() - named):
            yield f"{at} has {sorted(real)}"
        for name in named & real.keys():
            yield from _unlike(shown[name], real[name], f"{at}/{name}")
    elif isinstance(shown, list) and isinstance(real, list):
        if bool(shown) != bool(real):
            yield f"{at} is {real}"
        for one in real if shown and isinstance(shown[0], dict) else ():
            yield from _unlike(shown[0], one, at)
    elif at.endswith(("/status", "/event_type")):
        if shown != real:
            yield f"{at} is {real}"
    elif _kind(shown) != _kind(real):
        yield f"{at} is {real!r}"


def _kind(value: Any) -> str:
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
