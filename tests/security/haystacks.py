"""Everything that Clarion writes or shows, as bytes to search for a secret."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from django.db import connection

_BODY = re.compile(rb'\\?"body\\?": ?\\?"([A-Za-z0-9+/=]+)\\?"')
TIMEOUT = 30.0  # seconds for one answer


def spellings(secret: str) -> dict[str, bytes]:
    """How a value may stand in a text: as it is, escaped, in base64 (of itself) and in hexadecimal."""
    raw = secret.encode()
    return {
        "as it is": raw,
        "as JSON": json.dumps(secret)[1:-1].encode(),
        "in a URL": quote(secret, safe="").encode(),
        "in base64": base64.b64encode(raw).rstrip(b"=")[:-1],
        "in hexadecimal": raw.hex().encode(),
    }


def finds(secrets: Mapping[str, str], haystacks: Mapping[str, bytes]) -> list[str]:
    """``the bearer token (in base64) is in the log of web``, for each that is found."""
    return [
        f"{name} ({how}) is in {place}: …{_around(hay, spelled)!r}…"
        for name, secret in secrets.items()
        for how, spelled in spellings(secret).items()
        for place, hay in haystacks.items()
        if spelled in hay
    ]


def _around(hay: bytes, found: bytes) -> bytes:
    place = hay.index(found)
    return hay[max(0, place - 120) : place + 20]


def tables() -> dict[str, bytes]:
    """Every row of every table as PostgreSQL writes it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1")
        names = [name for (name,) in cursor.fetchall()]
        found = {}
        for name in names:
            cursor.execute(f'SELECT string_agg(t::text, chr(10)) FROM "{name}" t')
            found[f"the table {name}"] = (cursor.fetchone()[0] or "").encode()
    return found


class Monitor:
    """Every command that a Redis server gets while it runs, with the bodies of messages decoded."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 6379))
        if parts.password:
            self._socket.sendall(b"AUTH " + parts.password.encode() + b"\r\n")
        self._socket.sendall(b"MONITOR\r\n")
        self._seen = bytearray()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._socket.recv(65_536):
                self._seen += data

    def stop(self) -> bytes:
        """What was seen."""
        self.close()
        return with_bodies(bytes(self._seen))

    def close(self) -> None:
        """End the connection; doing it twice is no fault."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()


def with_bodies(text: bytes) -> bytes:
    """Kombu's messages carry their body in base64; here it stands behind the text as well."""
    return b"\n".join([text, *(base64.b64decode(body) for body in set(_BODY.findall(text)))])


def redis_content(client: Any) -> bytes:
    """Every key with its value."""
    parts: list[bytes] = []
    for key in client.scan_iter():
        kind = client.type(key).decode()
        value: Any = {
            "string": lambda k: [client.get(k)],
            "list": lambda k: client.lrange(k, 0, -1),
            "set": lambda k: client.smembers(k),
            "hash": lambda k: [part for pair in client.hgetall(k).items() for part in pair],
            "zset": lambda k: client.zrange(k, 0, -1),
        }[kind](key)
        parts += [key, *value]
    return with_bodies(b"\n".join(parts))


def api_answers(site: str, headers: Mapping[str, str], paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """The answer of every GET of the OpenAPI document: collections first, then each object that they list.

    ``paths``: those that have a GET.
    """
    ids: dict[str, list[str]] = {}
    for path in sorted(paths, key=lambda path: path.count("{")):
        prefix, _, _ = path.partition("/{")
        for one in ids.get(prefix, []) if "{" in path else [""]:
            url = re.sub(r"\{\w+\}", one, path)
            answer = requests.get(site + url, headers=headers, timeout=TIMEOUT, allow_redirects=False)
            assert answer.status_code == 200, f"{url}: {answer.status_code} {answer.text[:300]}"
            yield f"the answer of GET {url}", answer.content + _head(answer)
            if "{" not in path and answer.headers["Content-Type"] == "application/json":
                listed = answer.json().get("results", []) if isinstance(answer.json(), dict) else []
                ids[path] = [quote(str(row.get("id") or row.get("name")), safe="") for row in listed]


def page(session: requests.Session, url: str) -> tuple[str, bytes]:
    """One page of a site, with its headers."""
    answer = session.get(url, timeout=TIMEOUT)
    assert answer.status_code == 200, f"{url}: {answer.status_code}"
    return f"the page {urlsplit(url).path}", answer.content + _head(answer)


def _head(answer: requests.Response) -> bytes:
    return "\n".join(f"{name}: {value}" for name, value in answer.headers.items()).encode()
