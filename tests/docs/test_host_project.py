"""README: Clarion inside another Django project, made of the page's own blocks and run as the page says."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql
from standardwebhooks import Webhook

from tests.docs.pages import ROOT, block, page, section
from tests.processes import LocalBroker, LocalProcess
from tests.receiver import Receiver
from tests.throwaway import ENCRYPTION_KEY
from tests.waiting import eventually

TEXT = section(page("README.md"), "Inside an existing Django project")

# What such a project has before Clarion comes, and the two settings a receiver on loopback needs.
BEFORE = """
import os
import dj_database_url
SECRET_KEY = "host"
DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"])}
ROOT_URLCONF = "shop.urls"
USE_TZ = True
ALLOWED_HOSTS = ["localhost"]
INSTALLED_APPS = [f"django.contrib.{name}" for name in
                  ("admin", "auth", "contenttypes", "sessions", "messages", "staticfiles")]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {
    "context_processors": ["django.template.context_processors.request",
                           "django.contrib.auth.context_processors.auth",
                           "django.contrib.messages.context_processors.messages"]}}]
STATIC_URL = "/static/"
WEBHOOKS_ALLOW_HTTP = True
WEBHOOKS_ALLOWED_CIDRS = "127.0.0.0/8:*"
"""


FILES = ("__init__.py", "celery.py", "orders.py", "urls.py")
NOBODY = "redis://127.0.0.1:1/0"  # where no server listens


class Host:
    """A Django project ``shop`` in a folder of its own, with a database and a broker of its own."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self.env = {**env, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "DJANGO_SETTINGS_MODULE": "shop.settings"}
        package = folder / "shop"
        package.mkdir()
        files = {name: block(TEXT, "python", f"# shop/{name}") for name in FILES}
        files["settings.py"] = BEFORE + block(TEXT, "python", "# shop/settings.py")
        for name, content in files.items():
            (package / name).write_text(content)
        self.folder = folder

    def python(self, code: str, **variables: str) -> str:
        """Run code with Django set up; what it prints."""
        return self._run([sys.executable, "-c", f"import django; django.setup()\n{code}"], variables)

    def django(self, *command: str, **variables: str) -> str:
        """``manage.py`` with this project's settings."""
        return self._run([sys.executable, "-m", "django", *command], variables)

    def process(self, name: str, ready: str) -> LocalProcess:
        """One of the page's processes, started."""
        (line,) = (line for line in block(TEXT, "bash", "celery -A shop").splitlines() if f" {name}" in line)
        command = [sys.executable, "-m", *shlex.split(line)]
        command += ["-n", "host@{id}"] if name == "worker" else ["--schedule", str(self.folder / "schedule")]
        made = LocalProcess(name, command, self.env, ready)
        made.start()
        return made

    def _run(self, command: list[str], variables: Mapping[str, str]) -> str:
        done = subprocess.run(
            command, cwd=self.folder, env=self.env | variables, capture_output=True, text=True, timeout=100, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def environment(database: str, broker: str = NOBODY, guards: str = NOBODY) -> dict[str, str]:
    """What the project's processes see: nothing of the settings of this run."""
    ours = ("WEBHOOKS_", "CELERY_", "REDIS_", "DATABASE_", "DJANGO_", "CLARION_", "SECRET_KEY", "DEBUG")
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    named = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database}").geturl()
    own = {"DATABASE_URL": named, "CELERY_BROKER_URL": broker, "REDIS_URL": guards}
    return env | own | {"WEBHOOKS_ENCRYPTION_KEYS": ENCRYPTION_KEY}


@contextmanager
def new_database(like: str = "template1") -> Iterator[str]:
    """The name of a new database on the run's PostgreSQL, a copy of another one."""
    name = f"host_{secrets.token_hex(4)}"
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        server.execute(create.format(sql.Identifier(name), sql.Identifier(like)))
        try:
            yield name
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database after the project's own ``migrate``, to be copied: a migration takes seconds."""
    with new_database() as name:
        Host(tmp_path_factory.mktemp("migrated"), environment(name)).django("migrate", "--verbosity", "0")
        yield name


@pytest.fixture
def host(migrated: str, tmp_path: Path) -> Iterator[Host]:
    """The project, migrated."""
    broker = LocalBroker(tmp_path / "broker")
    broker.start()
    project = tmp_path / "project"
    project.mkdir()
    with new_database(like=migrated) as name:
        yield Host(project, environment(name, broker.valkey.database_url(0), broker.valkey.database_url(1)))
    broker.teardown()


@pytest.fixture
def processes(host: Host) -> Iterator[dict[str, LocalProcess]]:
    """The page's worker and beat."""
    running = {"worker": host.process("worker", " ready."), "beat": host.process("beat", "beat: Starting")}
    for process in running.values():
        process.ready()
    yield running
    for process in running.values():
        process.teardown()


def subscribe(host: Host, receiver: Receiver) -> str:
    """Tenant and webhook as the page makes them, but for the address; the secret."""
    code = block(TEXT, "python", "create_tenant").replace("https://example.com/webhooks", receiver.url("/hook"))
    return host.python(code).split()[-1]


@pytest.mark.timeout(300)
def test_events_of_committed_transactions_arrive_and_those_of_others_do_not(
    host: Host, processes: dict[str, LocalProcess], receiver: Receiver
) -> None:
    secret = subscribe(host, receiver)
    host.python(
        "from django.db import transaction\n"
        "from shop.orders import place_order\n"
        "place_order(1001, '42.10')\n"
        "try:\n"
        "    with transaction.atomic():\n"
        "        place_order(1002, '1.00')\n"
        "        raise RuntimeError\n"
        "except RuntimeError:\n"
        "    place_order(1003, '2.00')\n"
    )
    arrived = receiver.wait_for(2, "/hook", timeout=60)
    bodies = [Webhook(secret).verify(request.body, dict(request.headers)) for request in arrived]
    assert {json.loads(request.body)["data"]["order"] for request in arrived} == {1001, 1003}
    assert {body["type"] for body in bodies} == {"order.created"}
    assert host.python("from webhooks.models import Event; print(Event.objects.count())").split() == ["2"]


@pytest.mark.timeout(300)
def test_doctor_finds_what_the_page_starts(host: Host, processes: dict[str, LocalProcess]) -> None:
    with psycopg.connect(host.env["DATABASE_URL"], autocommit=True) as database:
        eventually(lambda: database.execute("SELECT name FROM webhooks_heartbeat").rowcount == 3, timeout=60)
    checks = {finding["check"]: finding for finding in json.loads(host.django("doctor", "--json"))["checks"]}
    assert checks["queues"]["found"].startswith("all 9 have a worker")
    assert {checks[name]["status"] for name in ("broker", "guards", "workers", "beat", "sweep")} == {"ok"}


@pytest.mark.timeout(300)
def test_an_event_published_while_the_broker_is_away_is_found_by_the_sweep(
    host: Host, processes: dict[str, LocalProcess], receiver: Receiver
) -> None:
    subscribe(host, receiver)
    host.python("from shop.orders import place_order; place_order(7, '1')", CELERY_BROKER_URL=NOBODY)
    (request,) = receiver.wait_for(1, "/hook", timeout=60)
    assert json.loads(request.body)["data"] == {"order": 7, "amount": "1"}


def test_the_project_passes_its_checks_and_has_clarions_pages_in_its_admin(host: Host) -> None:
    host.django("check", "--fail-level", "WARNING")
    host.django("makemigrations", "--check", "--dry-run")
    printed = host.python(
        "from django.contrib.auth.models import User\n"
        "from django.test import Client\n"
        "client = Client(headers={'host': 'localhost'})\n"
        "client.force_login(User.objects.create_superuser('admin', '', 'x'))\n"
        "for name in ('', 'endpoint/', 'endpoint/add/', 'tenant/', 'event/', 'delivery/', 'deadletter/'):\n"
        "    print(client.get(f'/admin/webhooks/{name}').status_code)\n"
    )
    assert set(printed.split()) == {"200"}


def test_the_http_api_keeps_its_conventions_inside_the_project(host: Host) -> None:
    printed = host.python(
        "from django.test import Client\n"
        "from webhooks.services import api_keys, tenants\n"
        "_, token = api_keys.create_api_key(tenants.create_tenant('Acme'), 'test')\n"
        "client = Client(headers={'host': 'localhost'})\n"
        "key = {'Authorization': f'Bearer {token}'}\n"
        "event = {'type': 'order.created', 'data': {}}\n"
        "for headers, body in (({}, event), (key, {'type': 'a..b'}), (key, event)):\n"
        "    answer = client.post('/api/events', body, 'application/json', headers=headers)\n"
        "    print(answer.status_code, answer['Content-Type'])\n"
        "answer = client.get('/api/events', headers=key)\n"
        "print(answer.status_code, *answer.json())\n"
    )
    problem = "application/problem+json"
    assert printed.splitlines() == [
        f"401 {problem}",
        f"422 {problem}",
        "202 application/json",
        "200 next previous results",
    ]


def test_oauth_and_the_well_known_addresses_come_with_the_same_line(host: Host) -> None:
    printed = host.python(
        "from django.test import Client\n"
        "from webhooks.core import ids\n"
        "from webhooks.services import oauth_clients, tenants\n"
        "key, secret = oauth_clients.create(tenants.create_tenant('Acme'), 'test')\n"
        "client = Client(headers={'host': 'localhost'}, enforce_csrf_checks=True)\n"
        "form = {'grant_type': 'client_credentials', 'client_id': ids.show('oac', key), 'client_secret': secret}\n"
        "body = '&'.join(f'{name}={value}' for name, value in form.items())\n"
        "answer = client.post('/oauth/token', body, 'application/x-www-form-urlencoded')\n"
        "token = answer.json()['access_token']\n"
        "print(client.get('/api/events', headers={'Authorization': f'Bearer {token}'}).status_code)\n"
        "paths = ('/api/.well-known/capabilities', '/.well-known/webhooks', '/.well-known/jwks.json',\n"
        "         '/.well-known/oauth-authorization-server', '/.well-known/security.txt', '/api/nothing')\n"
        "for path in paths:\n"
        "    answer = client.get(path)\n"
        "    print(answer.status_code, answer['Content-Type'])\n"
    )
    public = "200 application/json"
    assert printed.splitlines() == ["200", *[public] * 4, *["404 application/problem+json"] * 2]


def test_staff_is_named_in_the_audit_log(host: Host) -> None:
    printed = host.python(
        "from django.contrib.auth.models import User\n"
        "from django.test import Client\n"
        "from webhooks.models import AuditEntry\n"
        "client = Client(headers={'host': 'localhost'})\n"
        "client.force_login(User.objects.create_superuser('olga', '', 'x'))\n"
        "client.post('/admin/webhooks/tenant/add/', {'name': 'Acme', 'slug': 'acme', 'metadata': '{}'})\n"
        "entry = AuditEntry.objects.latest('id')\n"
        "print(entry.action, entry.actor_kind, entry.actor_label)\n"
    )
    assert printed.split() == ["tenant.created", "staff", "olga"]


def test_the_projects_own_tests_see_events_without_broker_or_workers(host: Host) -> None:
    (host.folder / "shop" / "tests.py").write_text(block(page("docs/senders.md"), "python", "# shop/tests.py"))
    assert "Found 1 test(s)." in host.django("test", "shop", CELERY_BROKER_URL=NOBODY, REDIS_URL=NOBODY)
