"""A token endpoint on the test's receiver: counts its requests and gives a new token to each."""

from __future__ import annotations

import json
import threading
from typing import Any

from tests.answers import Answer, Request
from tests.receiver import Receiver

TOKEN = "/token"
SECRET = "canary-client-secret"


def auth(receiver: Receiver, **parts: Any) -> dict[str, Any]:
    """The ``auth`` of an endpoint whose tokens come from the receiver's ``/token``."""
    fields = {"token_url": receiver.url(TOKEN), "client_id": "clarion", "client_secret": SECRET}
    return {"type": "oauth2", **fields, **parts}


def token_answer(token: str, **changes: Any) -> Answer:
    """An honest answer of a token endpoint, changed."""
    body = {"access_token": token, "token_type": "Bearer", "expires_in": 3600} | changes
    return Answer(200, [("Content-Type", "application/json")], json.dumps(body).encode())


class TokenServer:
    """Gives ``canary-token-1``, ``canary-token-2`` and so on. ``valid``: those that receivers of it still take."""

    def __init__(self, receiver: Receiver, **changes: Any) -> None:
        self.receiver = receiver
        self.changes = changes
        self.valid: set[str] = set()
        self._lock = threading.Lock()
        receiver.always(TOKEN, self._give)

    @property
    def asked(self) -> int:
        """Token requests so far."""
        return len(self.receiver.requests(TOKEN))

    def guard(self, path: str) -> None:
        """Answer 401 on ``path`` to everything without a valid token."""
        self.receiver.always(path, self._check)

    def revoke(self) -> None:
        """No token given so far is valid any more."""
        with self._lock:
            self.valid.clear()

    def _give(self, request: Request) -> Answer:
        with self._lock:
            token = f"canary-token-{self.asked}"
            self.valid.add(token)
        return token_answer(token, **self.changes)

    def _check(self, request: Request) -> Answer:
        with self._lock:
            known = (request.header("Authorization") or "").removeprefix("Bearer ") in self.valid
        return Answer(200 if known else 401)
