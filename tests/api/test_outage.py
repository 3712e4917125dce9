"""PostgreSQL is stopped, killed and started again under a real server: 503 soon, and nothing half accepted."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import psycopg
import pytest

from tests.api.test_access import PLATFORM_TABLE, PUBLIC, TABLE
from tests.processes import ROOT, LocalProcess
from tests.waiting import eventually
from webhooks.management.stack.embedded import Postgres
from webhooks.management.stack.ports import free_port

PATIENCE = 12.0  # seconds for one answer; a thread that waits for each request in turn would need ten times that
THREADS = 4
AT_ONCE = 80  # requests that come together, twenty for each thread


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Site:
    """A database and a web process of their own."""

    postgres: Postgres
    port: int
    token: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: Any = None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            sent = None if body is None else json.dumps(body)
            headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", **self.headers}
            connection.request(method, path, sent, headers)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def fill_pool(self) -> None:
        """Let the server's threads leave several connections in their pool."""
        with ThreadPoolExecutor(2 * THREADS) as pool:
            asked = list(pool.map(lambda _: self.ask("GET", "/api/events"), range(100)))
        assert {answer.status for answer in asked} == {200}

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: fast shutdown. SIGQUIT: immediate, as if the machine had failed."""
        assert self.postgres.process is not None
        self.postgres.process.send_signal(how)
        self.postgres.process.wait(30)

    def start(self) -> None:
        self.postgres.stop()
        self.postgres.start()

    def wait_ready(self) -> None:
        eventually(lambda: self.ask("GET", "/readyz").status == 200)
        eventually(lambda: self.ask("GET", "/api/webhooks").status == 200)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("outage")
    folder.chmod(0o711)
    # Durable: without fsync a commit may be lost in an immediate shutdown, by choice and not by fault.
    postgres = Postgres(folder / "postgres", port=free_port())
    with postgres:
        env = {**os.environ, "DATABASE_URL": postgres.url, "LOG_FORMAT": "json"}
        _manage(env, "migrate", "--verbosity=0")
        made = Site(postgres, free_port(), _manage(env, "create_api_key", "--platform").strip())
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "project.wsgi:application",
            "--worker-class",
            "project.webserver.Worker",
        ]
        command += ["--threads", str(THREADS), "--bind", f"127.0.0.1:{made.port}", "--no-control-socket"]
        web = LocalProcess("web", command, env, "Booting worker")
        web.start()
        try:
            web.ready()
            eventually(lambda: _listens(made))
            made.ask("POST", "/api/tenants", {"name": "Outage", "slug": "outage"})
            made.headers["Clarion-Tenant"] = "outage"
            yield made
        finally:
            web.teardown()
    postgres.remove()


def _manage(env: Mapping[str, str], *args: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *args], cwd=ROOT, env=dict(env), check=True, capture_output=True, text=True
    )
    return done.stdout


def _listens(site: Site) -> bool:
    try:
        return site.ask("GET", "/healthz").status == 200
    except OSError:
        return False


@pytest.fixture
def away(site: Site) -> Iterator[Site]:
    """The database has just been stopped; it is back afterwards."""
    site.wait_ready()
    site.fill_pool()
    site.stop()
    yield site
    site.start()
    site.wait_ready()


def is_unavailable(answer: Answer, path: str) -> None:
    assert answer.status == 503, (path, answer.body)
    assert answer.headers["Content-Type"] == "application/problem+json", path
    assert int(answer.headers["Retry-After"]) > 0
    body = answer.json()
    assert (body["status"], body["instance"]) == (503, path)
    assert body["request_id"] == answer.headers["X-Request-ID"]
    assert b"Traceback" not in answer.body
    assert b"psycopg" not in answer.body


ROUTES = sorted({(row.method, row.path, json.dumps(row.body)) for row in TABLE + PLATFORM_TABLE})


def test_every_route_is_503_and_says_when_to_come_back(away: Site) -> None:
    ids = {
        "webhook": "wh_",
        "event": "evt_",
        "delivery": "dlv_",
        "dead_letter": "dl_",
        "key": "key_",
        "tenant": "ten_",
        "operation": "op_",
        "source": "src_",
        "oauth_client": "oac_",
        "received": "rcv_",
    }
    named = {name: prefix + "0" * 32 for name, prefix in ids.items()}

    def ask(route: tuple[str, str, str]) -> None:
        method, path, body = route
        path = path.format(**named, own_event="nobodys-own-id", event_type="nobodys.type")
        is_unavailable(away.ask(method, path, json.loads(body)), path)

    assert len(ROUTES) > 30
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, ROUTES))


def test_a_crowd_is_answered_at_once_and_not_one_after_the_other(away: Site) -> None:
    """Each of the server's threads may wait three seconds for the database, but not once for each request."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda n: away.ask("POST", "/api/events", {"type": "a.b", "data": n}), range(AT_ONCE)))
    for answer in answers:
        is_unavailable(answer, "/api/events")


def test_health_says_what_is_down(away: Site) -> None:
    alive, ready = away.ask("GET", "/healthz"), away.ask("GET", "/readyz")
    assert (alive.status, alive.json()) == (200, {"status": "alive"})
    assert (ready.status, ready.json()) == (503, {"status": "not ready", "database": "unreachable", "cache": "ok"})


def test_metrics_and_admin_are_503_without_a_page_of_html(away: Site) -> None:
    is_unavailable(away.ask("GET", "/metrics"), "/metrics")
    away.headers["Cookie"] = "sessionid=" + "a" * 32
    try:
        admin = away.ask("GET", "/admin/")
    finally:
        del away.headers["Cookie"]
    assert (admin.status, admin.headers["Content-Type"]) == (503, "text/plain; charset=utf-8")
    assert int(admin.headers["Retry-After"]) > 0
    assert b"Try again" in admin.body


def test_it_serves_again_as_soon_as_the_database_is_back(site: Site) -> None:
    """Connections that were left in the pool are dead: not one request each has to find that out."""
    site.wait_ready()
    site.fill_pool()
    site.stop()
    site.start()
    found = [site.ask("GET", "/api/events").status]
    if found == [503]:
        time.sleep(1.2)  # the pause between two looks at a database that is away
        found += [site.ask("GET", "/api/events").status for _ in range(2 * THREADS)]
    assert set(found[1:] or found) == {200}


REGISTRY = {"/api/.well-known/capabilities"}  # names the registered types of events, which are rows


def test_public_pages_need_no_database(site: Site) -> None:
    site.wait_ready()
    site.stop()
    try:
        for path in sorted(path for path in PUBLIC - REGISTRY if "<" not in path):
            assert site.ask("GET", path).status == 200, path
    finally:
        site.start()
        site.wait_ready()


class Publisher:
    """Publishes single events and batches under ids of its own until it is told to end."""

    def __init__(self, site: Site, name: str, ending: threading.Event) -> None:
        self.site = site
        self.name = name
        self.ending = ending
        self.accepted: list[str] = []
        self.refused: list[list[str]] = []
        self.strange: list[Answer] = []

    def run(self) -> None:
        number = 0
        while not self.ending.is_set():
            number += 1
            names = [f"{self.name}-{number}-{place}" for place in range(1 if number % 2 else 20)]
            answer = self.publish(names)
            if answer.status in (200, 202):
                self.accepted += names
            elif answer.status == 503:
                self.refused.append(names)
                self.ending.wait(0.05)  # politeness: else the refusals of an outage come by the thousand
            else:
                self.strange.append(answer)

    def is_accepted(self, names: list[str]) -> bool:
        return self.publish(names).status in (200, 202)

    def publish(self, names: list[str]) -> Answer:
        events = [{"id": name, "type": "outage.tested", "data": {"name": name}} for name in names]
        if len(events) == 1:
            return self.site.ask("POST", "/api/events", events[0])
        return self.site.ask("POST", "/api/events/batch", {"events": events})


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_what_was_answered_is_stored_and_nothing_is_half_stored(site: Site, how: signal.Signals) -> None:
    site.wait_ready()
    ending, run = threading.Event(), secrets.token_hex(3)
    publishers = [Publisher(site, f"{run}-{n}", ending) for n in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        running = [pool.submit(publisher.run) for publisher in publishers]
        for _ in range(2):
            before = sum(len(publisher.accepted) for publisher in publishers)
            eventually(partial(_accepted_more, publishers, before + 50))
            site.stop(how)
            eventually(lambda: all(publisher.refused for publisher in publishers))
            site.start()
        ending.set()
        for result in running:
            result.result(60)
    assert not [answer for publisher in publishers for answer in publisher.strange]
    stored = _stored(site, run)
    accepted = {name for publisher in publishers for name in publisher.accepted}
    assert accepted <= stored, "an answer of 202 was a lie"
    for publisher in publishers:
        for names in publisher.refused:
            assert stored.isdisjoint(names) or stored.issuperset(names), "a batch was stored in part"
            eventually(partial(publisher.is_accepted, names))
    refused = {name for publisher in publishers for names in publisher.refused for name in names}
    assert _stored(site, run) == accepted | refused, "sent again, each is there once"


def _accepted_more(publishers: list[Publisher], than: int) -> bool:
    return sum(len(publisher.accepted) for publisher in publishers) > than


def _stored(site: Site, run: str) -> set[str]:
    """The names of the run's events, checking that each is one event with one key that names it."""
    with psycopg.connect(site.postgres.url) as connection:
        events = connection.execute(
            "SELECT id, key, convert_from(data, 'UTF8')::json->>'name' FROM webhooks_event WHERE key LIKE %s",
            [f"{run}-%"],
        ).fetchall()
        keys = connection.execute(
            "SELECT event_id, key FROM webhooks_eventkey WHERE key LIKE %s", [f"{run}-%"]
        ).fetchall()
    assert sorted(keys) == sorted((event_id, key) for event_id, key, _ in events)
    assert all(key == name for _, key, name in events)
    names = [key for _, key, _ in events]
    assert len(names) == len(set(names))
    return set(names)
