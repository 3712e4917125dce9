"""Where Clarion is and who asks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from urllib.parse import urlsplit

import httpx


class BearerKey(httpx.Auth):
    """Sends the API key, and does not show it."""

    def __init__(self, api_key: str) -> None:
        self._api_key = api_key

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:  # type: ignore[override]  # never sent a value
        request.headers["Authorization"] = f"Bearer {self._api_key}"
        yield request


@dataclass(frozen=True)
class Settings:
    """``base_url``: scheme, host and what stands before ``/api``; ``tenant``: for platform keys."""

    base_url: str
    api_key: str = field(repr=False)
    tenant: str | None = None

    @classmethod
    def of(cls, api_key: str | None, base_url: str | None, tenant: str | None) -> Settings:
        """What was given, else what CLARION_API_KEY and CLARION_URL say. Raises ``ValueError``."""
        key = api_key or os.environ.get("CLARION_API_KEY", "")
        url = (base_url or os.environ.get("CLARION_URL", "")).rstrip("/").removesuffix("/api")
        if not key.isascii() or not key.isprintable() or not key or " " in key:
            raise ValueError("Give the API key (clk_…) as api_key, or set CLARION_API_KEY.")
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise ValueError(
                "Give the address of Clarion (https://clarion.example.com) as base_url, or set CLARION_URL."
            )
        return cls(url, key, tenant)

    def headers(self) -> dict[str, str]:
        """Sent with every request."""
        tenant = {"Clarion-Tenant": self.tenant} if self.tenant else {}
        return {"User-Agent": f"clarion-client/{_version()}", "Accept": "application/json; version=1", **tenant}


def _version() -> str:
    try:
        return version("clarion-client")
    except PackageNotFoundError:  # run from its source
        return "0"
