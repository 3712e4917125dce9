"""Talking to the API and to the receiver's control paths, without retries of any kind."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import requests

from tests.faults.arrivals import Arrival, Rule

PATIENCE = 60.0  # seconds a caller waits for an answer before it gives up


class Unanswered(Exception):
    """The connection broke or time ran out: the caller cannot know what became of the request."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the API. ``seconds``: how long it took."""

    status: int
    body: Any
    content_type: str
    retry_after: str | None
    seconds: float


class Api:
    """Clarion's API with a platform key. ``tenant``: the slug it acts for. One instance for each thread."""

    def __init__(self, origin: str, token: str, tenant: str = "") -> None:
        self._origin = f"{origin}/api"
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {token}"
        if tenant:
            self._session.headers["Clarion-Tenant"] = tenant

    def call(self, method: str, path: str, body: Any = None, timeout: float = PATIENCE) -> Reply:
        """One request. Raises :class:`Unanswered`; every status is an answer."""
        try:
            answer = self._session.request(method, self._origin + path, json=body, timeout=timeout)
        except requests.RequestException as error:
            raise Unanswered(f"{method} {path}: {type(error).__name__}") from error
        content_type = answer.headers.get("Content-Type", "")
        return Reply(
            answer.status_code,
            answer.json() if "json" in content_type else answer.text,
            content_type,
            answer.headers.get("Retry-After"),
            answer.elapsed.total_seconds(),
        )

    def must(self, method: str, path: str, body: Any = None) -> Any:
        """The body of a successful answer; AssertionError with the problem otherwise.

        503 is tried again for a while: connections that a restart of the database cut are found one by one.
        """
        for _ in range(40):
            reply = self.call(method, path, body)
            if reply.status != 503:
                break
            time.sleep(0.25)
        assert reply.status < 300, f"{method} {path} answered {reply.status}: {reply.body}"
        return reply.body

    def close(self) -> None:
        self._session.close()


class Recorder:
    """The receiver process seen from outside."""

    def __init__(self, port: int) -> None:
        self.origin = f"http://127.0.0.1:{port}"
        self._session = requests.Session()
        self._session.trust_env = False

    def url(self, endpoint: str) -> str:
        """Where deliveries of an endpoint go."""
        return f"{self.origin}/e/{endpoint}"

    def alive(self) -> bool:
        """Whether it answers."""
        try:
            return self._session.get(f"{self.origin}/_count", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def count(self) -> int:
        """Requests so far."""
        return int(self._session.get(f"{self.origin}/_count", timeout=30).json())

    def arrivals(self, since: int) -> list[Arrival]:
        """Requests from the ``since``-th on, in order of arrival."""
        answer = self._session.get(f"{self.origin}/_arrivals?since={since}", timeout=60)
        return [Arrival(**one) for one in answer.json()]

    def configure(self, endpoint: str, *, secrets: list[str] | None = None, rules: list[Rule] | None = None) -> None:
        """Set an endpoint's secrets or rules; None leaves them."""
        values: dict[str, Any] = {}
        if secrets is not None:
            values["secrets"] = secrets
        if rules is not None:
            values["rules"] = [rule.as_json() for rule in rules]
        self._session.put(f"{self.origin}/_endpoints", json={endpoint: values}, timeout=30).raise_for_status()

    def close(self) -> None:
        self._session.close()
