"""Requests to the HTTP API through every middleware, in this process."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.test import Client

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

_NOTHING = object()


class ApiClient:
    """A client with an API key (None: without): ``api.post("/api/events", {...}, headers={...})``.

    A body is given as a value to encode, or as the exact bytes to send. An exception in a view is raised in
    the test; with ``raise_errors=False`` the client gets the 500 that a real one would.
    """

    def __init__(
        self,
        token: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        raise_errors: bool = True,
    ) -> None:
        self._client = Client(raise_request_exception=raise_errors)
        self._headers = dict(headers or {})
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, *, headers: Mapping[str, str] | None = None) -> Response:
        return self.request("GET", path, headers=headers)

    def post(self, path: str, body: Any = _NOTHING, *, headers: Mapping[str, str] | None = None) -> Response:
        return self.request("POST", path, body, headers=headers)

    def put(self, path: str, body: Any = _NOTHING, *, headers: Mapping[str, str] | None = None) -> Response:
        return self.request("PUT", path, body, headers=headers)

    def patch(self, path: str, body: Any = _NOTHING, *, headers: Mapping[str, str] | None = None) -> Response:
        return self.request("PATCH", path, body, headers=headers)

    def delete(self, path: str, *, headers: Mapping[str, str] | None = None) -> Response:
        return self.request("DELETE", path, headers=headers)

    def request(
        self, method: str, path: str, body: Any = _NOTHING, *, headers: Mapping[str, str] | None = None
    ) -> Response:
        """Any method. ``headers`` go over the client's own; Content-Type is application/json unless given."""
        sent = {**self._headers, **(headers or {})}
        content_type = next((value for name, value in sent.items() if name.lower() == "content-type"), None)
        return self._client.generic(method, path, _encoded(body), content_type or "application/json", headers=sent)


def _encoded(body: Any) -> bytes:
    if body is _NOTHING:
        return b""
    return body if isinstance(body, bytes) else jsonlib.dumps(body).encode()
