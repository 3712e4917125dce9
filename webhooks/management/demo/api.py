"""The demonstration's client of Clarion's public HTTP API."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import requests

from webhooks.management.demo.scenario import Publication
from webhooks.management.demo.stack_run import DemoFailure

_TIMEOUT = 30.0  # seconds for one request to a busy machine
_TRIES = 5
_PAUSE = 0.5  # seconds between tries


class Api:
    """One tenant's view. Each method raises DemoFailure when the API refuses or stays away."""

    def __init__(self, api_url: str, api_key: str) -> None:
        self._base = api_url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the environment does not know loopback
        self._session.headers["Authorization"] = f"Bearer {api_key}"

    def close(self) -> None:
        """Let go of the connection: a server that stops would wait for it."""
        self._session.close()

    def create_webhook(self, fields: dict[str, Any]) -> dict[str, Any]:
        """POST /api/webhooks; the answer holds ``id`` and, this once, ``secret``."""
        answer = self._send("POST", f"{self._base}/webhooks", json=fields)
        if answer.status_code != 201:
            raise _refused("POST", "/webhooks", answer)
        content: dict[str, Any] = answer.json()
        return content

    def delete_webhook(self, webhook_id: str) -> None:
        """DELETE /api/webhooks/{id}; one that is gone already is no failure."""
        answer = self._send("DELETE", f"{self._base}/webhooks/{webhook_id}")
        if answer.status_code not in (204, 404):
            raise _refused("DELETE", f"/webhooks/{webhook_id}", answer)

    def webhook(self, webhook_id: str) -> dict[str, Any]:
        """GET /api/webhooks/{id}."""
        return self._get(f"/webhooks/{webhook_id}")

    def publish(self, publications: Sequence[Publication]) -> None:
        """POST /api/events/batch. ``data`` goes out as the file's bytes; the ids make a repeat harmless."""
        events = b",".join(
            b'{"id":"%b","type":"%b","data":%b}' % (each.id.encode(), each.payload.type.encode(), each.payload.data)
            for each in publications
        )
        answer = self._repeat("POST", f"{self._base}/events/batch", data=b'{"events":[%b]}' % events)
        if answer.status_code != 202:
            raise _refused("POST", "/events/batch", answer)

    def deliveries(self, webhook_id: str) -> Iterator[dict[str, Any]]:
        """GET /api/deliveries of one webhook, all pages."""
        return self._pages(f"/deliveries?webhook={webhook_id}&limit=250")

    def delivery(self, delivery_id: str) -> dict[str, Any]:
        """GET /api/deliveries/{id}, with its attempts."""
        return self._get(f"/deliveries/{delivery_id}")

    def dead_letters(self, webhook_id: str) -> Iterator[dict[str, Any]]:
        """GET /api/dead-letters of one webhook, all pages."""
        return self._pages(f"/dead-letters?webhook={webhook_id}&limit=250")

    def _pages(self, path: str) -> Iterator[dict[str, Any]]:
        url: str | None = path
        while url:
            page = self._get(url)
            yield from page["results"]
            url = page["next"]

    def _get(self, path: str) -> dict[str, Any]:
        answer = self._repeat("GET", path if path.startswith("http") else self._base + path)
        if answer.status_code != 200:
            raise _refused("GET", path, answer)
        content: dict[str, Any] = answer.json()
        return content

    def _repeat(self, method: str, url: str, data: bytes | None = None) -> requests.Response:
        """For requests that may be made twice: tries again when web is away or overloaded (5xx, 429)."""
        for _ in range(_TRIES - 1):
            with suppress(DemoFailure):
                answer = self._send(method, url, data=data)
                if answer.status_code < 500 and answer.status_code != 429:
                    return answer
            time.sleep(_PAUSE)
        return self._send(method, url, data=data)

    def _send(self, method: str, url: str, data: bytes | None = None, json: Any = None) -> requests.Response:
        headers = {"Content-Type": "application/json"} if method == "POST" else {}
        try:
            return self._session.request(method, url, data=data, json=json, headers=headers, timeout=_TIMEOUT)
        except requests.RequestException as error:
            raise DemoFailure(f"{method} {url} failed: {error}") from error


def _refused(method: str, path: str, answer: requests.Response) -> DemoFailure:
    return DemoFailure(f"{method} {path} answered {answer.status_code}: {answer.text[:500]}")
