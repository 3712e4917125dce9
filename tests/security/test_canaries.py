"""Distinctive secrets go through real processes, and are then looked for in everything that is written or shown.

What the owner of a webhook has put into its URL is the owner's to see: a query token is in the webhook, in its
attempts and in the admin, and nowhere else (docs/operations.md).
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
import redis
import requests
from cryptography.fernet import Fernet
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db import connection

from tests.answers import Answer, Hang, Request
from tests.factories import make_key
from tests.nodes import Workers
from tests.processes import LocalProcess
from tests.receiver import Receiver
from tests.security import haystacks
from tests.waiting import eventually
from tests.workers.poison import poison
from webhooks.api.views import documents
from webhooks.core import ids
from webhooks.management.stack.ports import free_port
from webhooks.models import Attempt, DeadLetter, Endpoint, EndpointSecret, Mailbox, TaskFailure, Tenant

pytestmark = pytest.mark.timeout(240)  # seconds; five processes start, perhaps on one busy core


def canary(name: str) -> str:
    return f"canary-{name}-{secrets.token_hex(8)}"


@dataclass
class Stage:
    """The secrets, the processes that know them, and what was seen of them."""

    site: str
    flower: str
    env: Mapping[str, str]
    secrets: dict[str, str]  # to be found nowhere
    query: str  # in URLs: to be found where their owner looks, and nowhere else
    processes: list[LocalProcess] = field(default_factory=list)
    answers: dict[str, bytes] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        sent = {"Authorization": f"Bearer {self.secrets['api key']}", **headers}
        return requests.request(method, self.site + path, json=body, headers=sent, timeout=haystacks.TIMEOUT)


@pytest.fixture
def stage(
    tenant: Tenant, worker_nodes: Workers, valkey: redis.Redis, stack_env: Mapping[str, str], settings: Any
) -> Iterator[Stage]:
    known = {
        "basic password": canary("basic"), "bearer token": canary("bearer"), "api key value": canary("apikey"),
        "secret header": canary("header"), "userinfo": canary("userinfo"), "refused secret": canary("refused"),
        "wrong api key": f"clk_{secrets.token_hex(8)}_{secrets.token_hex(32)}", "api key": make_key(tenant),
        "platform key": make_key(None), "admin password": canary("admin"), "flower password": canary("flower"),
        "django's key": canary("django") * 2, "encryption key": Fernet.generate_key().decode(),
        "signing secret": "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
        "broken signing secret": canary("broken-signing"), "broker password": canary("broker"),
    }  # fmt: skip
    known["user and password"] = base64.b64encode(f"ada:{known['basic password']}".encode()).decode()
    for name in ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL"):
        if password := urlsplit(os.environ[name]).password:
            known[name] = password
    settings.WEBHOOKS_ENCRYPTION_KEYS = (known["encryption key"],)
    web, flower = free_port(), free_port()
    env = {
        **stack_env, "SECRET_KEY": known["django's key"], "WEBHOOKS_ENCRYPTION_KEYS": known["encryption key"],
        "WEBHOOKS_PUBLIC_URL": f"http://127.0.0.1:{web}", "FLOWER_BASIC_AUTH": f"clarion:{known['flower password']}",
        "LOG_LEVEL": "DEBUG", "LOG_FORMAT": "json", "PYTHONUNBUFFERED": "1",
    }  # fmt: skip
    here = Stage(f"http://127.0.0.1:{web}", f"http://127.0.0.1:{flower}", env, known, canary("query"))
    gunicorn = [sys.executable, "-m", "gunicorn", "project.wsgi:application", "--bind", f"127.0.0.1:{web}"]
    here.processes = [
        LocalProcess("web", [*gunicorn, "--worker-class", "gthread", "--threads", "4"], env, "Booting worker"),
        LocalProcess("flower", [sys.executable, "manage.py", "flower", f"--port={flower}"], env, ""),
    ]
    for process in here.processes:
        process.start()
    node = worker_nodes(env=env, wait=False)
    beat = worker_nodes.beat(env=env)
    here.processes += [node.wait_ready().container, beat]
    here.processes[0].ready()
    eventually(lambda: _answers(here.flower))
    yield here
    for process in here.processes[:2]:
        process.teardown()


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=haystacks.TIMEOUT).status_code == 401
    except requests.ConnectionError:
        return False


def subscribe(stage: Stage, url: str, /, **fields: Any) -> Endpoint:
    """A webhook made over HTTP, with its own signing secret replaced by the known one."""
    wanted = {
        "url": f"{url}?access_token={stage.query}", "event_types": ["*"], "retry_policy": "none", "timeout": 1,
        "headers": {"X-Acme-Secret": stage.secrets["secret header"], "X-Team": "billing"}, **fields,
    }  # fmt: skip
    answer = stage.ask("POST", "/api/webhooks", wanted)
    assert answer.status_code == 201, answer.text
    stage.secrets[f"signing secret of {url}"] = answer.json()["secret"]
    key = ids.parse(ids.WEBHOOK, answer.json()["id"])
    EndpointSecret.objects.create(endpoint_id=key, value=stage.secrets["signing secret"])
    return Endpoint.objects.get(pk=key)


def echo(request: Request) -> Answer:
    """A debugging service: the answer is the request, and a cookie."""
    told = json.dumps({"url": request.target, "headers": dict(request.headers)})
    pairs = [("Set-Cookie", f"session={ECHOED_COOKIE}"), ("X-Echo", request.header("Authorization") or "")]
    return Answer(200, pairs, told.encode())


ECHOED_COOKIE = canary("cookie")


def everything_happens(stage: Stage, receiver: Receiver) -> None:
    """Success, refusal, time-out, no TLS, nobody there, a forbidden address, faults of ours, and bad requests."""
    known = stage.secrets
    bearer = {"type": "bearer", "token": known["bearer token"]}
    port = urlsplit(receiver.url()).port
    receiver.always("/echo", echo)
    receiver.always("/fails", Answer(500, body=b"no"))
    receiver.always("/hangs", Hang())
    basic = {"type": "basic", "username": "ada", "password": known["basic password"]}
    subscribe(stage, receiver.url("/echo"), auth=basic)
    subscribe(stage, receiver.url("/fails"), auth=bearer)
    subscribe(stage, receiver.url("/hangs"), auth={"type": "api_key", "name": "X-K", "value": known["api key value"]})
    subscribe(stage, f"https://127.0.0.1:{port}/tls", auth=bearer)
    subscribe(stage, f"http://127.0.0.1:{free_port()}/refused", auth=bearer)
    blocked = subscribe(stage, receiver.url("/blocked"), auth=bearer)
    Endpoint.objects.filter(pk=blocked.pk).update(url=f"http://10.1.2.3/blocked?access_token={stage.query}")
    broken = subscribe(stage, receiver.url("/broken"), auth=bearer)
    EndpointSecret.objects.filter(endpoint=broken).delete()
    EndpointSecret.objects.create(endpoint=broken, value=known["broken signing secret"])
    poison(subscribe(stage, receiver.url("/poison"), auth=bearer))
    lost = subscribe(stage, receiver.url("/lost"), auth=bearer)
    with connection.cursor() as cursor:
        lost_text = Fernet(Fernet.generate_key()).encrypt(known["bearer token"].encode()).decode()
        cursor.execute("UPDATE webhooks_endpointsecret SET value = %s WHERE endpoint_id = %s", [lost_text, lost.pk])
    queue = f"amqp://ada:{known['broker password']}@127.0.0.1:{free_port()}/queue"
    subscribe(stage, "", url=None, destination={"type": "queue", "url": queue, "queue": "orders"})
    _bad_requests(stage, receiver)
    assert stage.ask("POST", "/api/events", {"type": "order.created", "data": {"n": 1}}).status_code == 202
    wanted = {
        "/echo": "", "/fails": "", "/hangs": "timeout", "/tls": "tls_error", "/refused": "connect_refused",
        "/blocked": "invalid_url", "/queue": "connect_refused",
    }  # fmt: skip
    eventually(lambda: Attempt.objects.count() >= len(wanted), timeout=60)
    came = {
        urlsplit(url).path.rpartition("/")[2]: error
        for url, error in Attempt.objects.values_list("endpoint__url", "error")
    }
    assert {f"/{path}": error for path, error in came.items()} == wanted
    eventually(lambda: TaskFailure.objects.exists() and DeadLetter.objects.count() >= 5, timeout=60)
    eventually(lambda: Mailbox.objects.filter(blocked_reason="undecryptable").exists(), timeout=60)
    arrived = receiver.wait_for(1, "/echo")[0]
    assert known["user and password"] in (arrived.header("Authorization") or ""), "it was really sent"
    assert arrived.header("X-Acme-Secret") == known["secret header"]


def _bad_requests(stage: Stage, receiver: Receiver) -> None:
    """What is refused is told about, and not repeated."""
    known = stage.secrets
    url = urlsplit(receiver.url("/x"))
    attempts = [
        {"url": f"{url.scheme}://ada:{known['userinfo']}@{url.netloc}/x", "event_types": ["*"]},
        {
            "url": receiver.url("/x"),
            "event_types": ["*"],
            "auth": {"type": "bearer", "token": known["refused secret"] + "\n"},
        },
        {
            "url": receiver.url("/x"),
            "event_types": ["*"],
            "headers": {"X-Secret": known["refused secret"] + "\r\nA: b"},
        },
        {
            "url": receiver.url("/x"),
            "event_types": ["*"],
            "auth": {"type": "basic", "username": "a:b", "password": known["refused secret"]},
        },
    ]
    for number, body in enumerate(attempts):
        answer = stage.ask("POST", "/api/webhooks", body)
        assert answer.status_code == 422, answer.text
        stage.answers[f"refusal {number}"] = answer.content
    answer = stage.ask("GET", "/api/webhooks", Authorization=f"Bearer {known['wrong api key']}")
    assert answer.status_code == 401
    stage.answers["the refusal of a key"] = answer.content
    text = f'{{"url": "x", "auth": {{"token": "{known["refused secret"]}"'
    sent = {"Authorization": f"Bearer {known['api key']}", "Content-Type": "application/json"}
    answer = requests.post(f"{stage.site}/api/webhooks", data=text, headers=sent, timeout=haystacks.TIMEOUT)
    assert answer.status_code == 400
    stage.answers["the refusal of broken JSON"] = answer.content


def admin_pages(stage: Stage) -> Iterator[tuple[str, bytes]]:
    """List, form and history of every registered model, as an administrator sees them."""
    get_user_model().objects.create_superuser("canary", password=stage.secrets["admin password"])
    session = requests.Session()
    login = f"{stage.site}/admin/login/"
    session.get(login, timeout=haystacks.TIMEOUT)
    form = {
        "username": "canary", "password": stage.secrets["admin password"],
        "csrfmiddlewaretoken": session.cookies["csrftoken"], "next": "/admin/",
    }  # fmt: skip
    answer = session.post(login, form, headers={"Referer": login}, timeout=haystacks.TIMEOUT)
    assert "Log out" in answer.text
    yield haystacks.page(session, f"{stage.site}/admin/")
    for model in admin.site._registry:
        base = f"{stage.site}/admin/{model._meta.app_label}/{model._meta.model_name}/"
        yield haystacks.page(session, base)
        for key in list(model._default_manager.values_list("pk", flat=True)[:12]):
            yield haystacks.page(session, f"{base}{key}/change/")
            yield haystacks.page(session, f"{base}{key}/history/")


def flower_pages(stage: Stage) -> Iterator[tuple[str, bytes]]:
    session = requests.Session()
    session.auth = ("clarion", stage.secrets["flower password"])
    for path in ("/", "/tasks", "/broker", "/api/tasks?limit=10000", "/api/workers", "/api/queues/length", "/metrics"):
        yield haystacks.page(session, stage.flower + path)
    tasks = session.get(f"{stage.flower}/api/tasks?limit=10000", timeout=haystacks.TIMEOUT).json()
    assert tasks, "Flower saw no task"
    assert any("deliver" in task["name"] for task in tasks.values())
    for uuid in list(tasks)[:40]:
        yield haystacks.page(session, f"{stage.flower}/task/{uuid}")
    for path in ("/", "/tasks", "/broker", "/api/tasks", "/api/workers", "/metrics"):
        assert requests.get(stage.flower + path, timeout=haystacks.TIMEOUT).status_code == 401, path


def logs(stage: Stage) -> dict[str, bytes]:
    return {f"the log of {process.name}": process.logs().encode() for process in stage.processes}


def command_lines(stage: Stage) -> bytes:
    running = [psutil.Process(process.process.pid) for process in stage.processes]
    family = [one for process in running for one in (process, *process.children(recursive=True))]
    return "\n".join(" ".join(process.cmdline()) for process in family).encode()


@pytest.fixture
def monitor(valkey: redis.Redis) -> Iterator[haystacks.Monitor]:
    watching = haystacks.Monitor(os.environ["REDIS_URL"])
    yield watching
    watching.close()


def test_no_secret_is_in_anything_that_is_written_or_shown(
    monitor: haystacks.Monitor, stage: Stage, receiver: Receiver
) -> None:
    everything_happens(stage, receiver)
    paths = [path for path, item in json.loads(documents.document())["paths"].items() if "get" in item]
    undecryptable = Endpoint.objects.get(mailbox__blocked_reason="undecryptable")
    mine = dict(haystacks.api_answers(stage.site, {"Authorization": f"Bearer {stage.secrets['platform key']}"}, paths))
    of_owner = mine | dict(admin_pages(stage)) | haystacks.tables()
    shown = dict(flower_pages(stage)) | logs(stage) | stage.answers
    metrics = requests.get(f"{stage.site}/metrics", timeout=haystacks.TIMEOUT)
    shown |= {"/metrics": metrics.content, "the command lines": command_lines(stage), "Redis's log": monitor.stop()}
    for name in ("REDIS_URL", "CELERY_BROKER_URL"):
        with redis.Redis.from_url(os.environ[name]) as client:
            shown[f"the content of {name}"] = haystacks.redis_content(client)
    assert undecryptable.public_id.encode()[3:] in shown["the log of worker"].replace(b"-", b"")
    assert haystacks.finds(stage.secrets | {"cookie of a receiver": ECHOED_COOKIE}, of_owner | shown) == []
    assert haystacks.finds({"query token": stage.query}, shown) == []
    places = " ".join(haystacks.finds({"query token": stage.query}, of_owner))
    for place in ("the table webhooks_endpoint:", "GET /api/webhooks/", "/admin/webhooks/attempt/"):
        assert place in places, "the search finds what is there"
