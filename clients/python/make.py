"""Makes what is made of the client: the generated core, the types of keyword arguments, the synchronous half.

``python clients/python/make.py [FOLDER]`` writes into FOLDER, or into the package itself. A test compares the two.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
DOCUMENT = HERE.parents[1] / "docs" / "openapi.json"
MADE = ("_generated", "_sync", "fields.py")

# class -> component, and the fields that are arguments of their own
FIELDS = {
    "WebhookFields": ("WebhookRequest", ("webhook_url", "url", "event_types")),
    "WebhookChanges": ("PatchedWebhookRequest", ("webhook_url",)),
    "NewEventTypeFields": ("NewEventTypeRequest", ("name",)),
    "EventTypeFields": ("EventTypeRequest", ("name",)),
    "EventTypeVersionFields": ("EventTypeVersionRequest", ("version",)),
    "ImportFields": ("ImportRequest", ("document",)),
    "SourceFields": ("SourceRequest", ("name", "provider")),
    "SourceChanges": ("PatchedSourceRequest", ()),
    "RotateFields": ("RotateSourceSecretRequest", ()),
    "ReplayFields": ("ReplayReceivedRequest", ()),
    "WebhookReplayFields": ("ReplayWebhookRequest", ()),
    "OperationFields": ("NewOperationRequest", ("type",)),
    "TenantFields": ("TenantRequest", ("name",)),
    "ApiKeyFields": ("ApiKeyRequest", ("name",)),
    "OAuthClientFields": ("OAuthClientRequest", ("name",)),
}
_TYPES = {
    "string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None",
    "object": "Mapping[str, Any]",
}  # fmt: skip
_SECRET = re.compile(
    r"^(    (?:secrets?|(?:client|callback)_secret|(?:access_)?token|password|private_key|value): "
    r"[^=\n]+?)( = UNSET)?$",
    re.MULTILINE,
)
_IMPORT = "from attrs import field as _attrs_field\n"
_SYNC = (
    (r"^import asyncio$", "import time"),
    (r"asyncio\.sleep", "time.sleep"),
    (r"asyncio_detailed", "sync_detailed"),
    (r"\bclarion\._aio\b", "clarion._sync"),
    (r"\basync (def|with|for) ", r"\1 "),
    (r"\bawait ", ""),
    (r"Callable\[\[(.*?)\], Awaitable\[(.*)\]\]", r"Callable[[\1], \2]"),
    (r"\bAwaitable, ", ""),
    (r"AsyncIterator", "Iterator"),
    (r"\bAsyncClient", "Client"),
    (r"AsyncBaseTransport", "BaseTransport"),
    (r"AsyncHTTPTransport", "HTTPTransport"),
    (r"handle_async_request", "handle_request"),
    (r"(get|set)_async_httpx_client", r"\1_httpx_client"),
    (r"\baread\b", "read"),
    (r"\baiter_bytes\b", "iter_bytes"),
    (r"\baclose\b", "close"),
    (r"__a(enter|exit)__", r"__\1__"),
)


def make(folder: Path) -> None:
    """Write everything in MADE into ``folder``."""
    _generate(folder / "_generated")
    (folder / "fields.py").write_text(_fields(json.loads(DOCUMENT.read_text())))
    _synchronous(HERE / "clarion" / "_aio", folder / "_sync")
    _ruff(folder, "check", "--fix", "--select", "I")
    _ruff(folder, "format")


def _generate(target: Path) -> None:
    """The generator takes a body that is no JSON for bytes when its schema says so."""
    shutil.rmtree(target, ignore_errors=True)
    document = json.loads(DOCUMENT.read_text())
    for operation in (one for operations in document["paths"].values() for one in operations.values()):
        for body in operation.get("requestBody", {}).get("content", {}).values():
            if body["schema"].get("type") == "string":
                body["schema"]["format"] = "binary"
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(document, file)
        file.flush()
        _run_generator(Path(file.name), target)
    shutil.rmtree(target / ".ruff_cache", ignore_errors=True)
    for model in sorted((target / "models").glob("*.py")):
        model.write_text(_discreet(model.read_text()))


def _run_generator(document: Path, target: Path) -> None:
    command = [
        sys.executable, "-m", "openapi_python_client", "generate", "--path", str(document), "--meta", "none",
        "--config", str(HERE / "generator.yml"), "--output-path", str(target), "--overwrite", "--fail-on-warning",
    ]  # fmt: skip
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])  # ruff, after the generator
    done = subprocess.run(command, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"openapi-python-client: {done.stdout}{done.stderr}")


def _discreet(text: str) -> str:
    """A model whose ``repr`` shows no secret: it gets into logs."""
    found = _SECRET.sub(
        lambda line: f"{line[1]} = _attrs_field({'default=UNSET, ' if line[2] else ''}repr=False)", text
    )
    if found != text and "import field as" not in text:
        found = found.replace("import define as _attrs_define\n", "import define as _attrs_define\n" + _IMPORT)
    return found


def _fields(document: dict[str, Any]) -> str:
    lines = [
        '"""Keyword arguments of the methods that write objects, made from the OpenAPI document by make.py."""', "",
        "from __future__ import annotations", "", "from collections.abc import Mapping, Sequence",
        "from datetime import datetime", "from typing import Any, Literal, TypedDict",
    ]  # fmt: skip
    schemas = document["components"]["schemas"]
    for name, (component, own) in FIELDS.items():
        lines += [
            "",
            "",
            f"class {name}(TypedDict, total=False):",
            f'    """{schemas[component]["description"].partition(chr(10))[0]}"""',
            "",
        ]
        lines += [
            f"    {field}: {_type(schema)}"
            for field, schema in schemas[component]["properties"].items()
            if field not in own
        ]
    return "\n".join(lines) + "\n"


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return "Mapping[str, Any]"
    if "enum" in schema:
        return f"Literal[{', '.join(map(repr, schema['enum']))}]"
    if variants := schema.get("oneOf") or schema.get("anyOf"):
        return " | ".join(dict.fromkeys(map(_type, variants)))
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    found = [f"Sequence[{_type(schema['items'])}]" if kind == "array" else _TYPES[kind] for kind in kinds]
    if schema.get("format") == "date-time":
        found = ["datetime", *found]
    return " | ".join(found) or "Any"


def _synchronous(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for file in sorted(source.glob("*.py")):
        text = file.read_text()
        for pattern, replacement in _SYNC:
            text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
        (target / file.name).write_text(text)
    (target / "__init__.py").write_text('"""The synchronous client, made from ``clarion/_aio`` by make.py."""\n')


def _ruff(folder: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "ruff", *arguments, "--config", "pyproject.toml", "--quiet", "--no-cache"]
    subprocess.run([*command, str(folder / "_sync"), str(folder / "fields.py")], cwd=HERE.parents[1], check=True)


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "clarion")
