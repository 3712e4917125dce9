"""Fixtures for every test: services of the run, clients for them, a receiver, tenants, keys and workers."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import hypothesis
import pytest
import redis

from tests.nodes import BrokerNode, WorkerNode, Workers, broker_of
from tests.processes import ALL_QUEUES, LocalBroker, LocalWorker
from tests.receiver import Receiver, Server
from tests.steadiness import be_patient_with_redis, hear_interruptions, place
from tests.throwaway import Services, choose_valkey_databases

if TYPE_CHECKING:
    from celery import Celery

    from tests.client import ApiClient
    from webhooks.models import Tenant

# A slow example is no fault: the machine runs other things.
hypothesis.settings.register_profile("clarion", deadline=None)
hypothesis.settings.load_profile("clarion")

SERVICES = pytest.StashKey[Services]()


def pytest_configure(config: pytest.Config) -> None:
    """Start the services, then load Django's settings from the environment that names them.

    Not by DJANGO_SETTINGS_MODULE in pyproject.toml: pytest-django reads that before this file is loaded.
    """
    if config.option.help or config.option.version:
        return
    if not hasattr(config, "workerinput"):
        hear_interruptions()
        config.stash[SERVICES] = services = Services()
        services.start()
    choose_valkey_databases(int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")))
    if not hasattr(config, "workerinput") and config.getoption("dist", "no") != "no":
        return  # the controller of xdist runs no test and needs no Django
    os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
    import django

    django.setup()
    from tests.database import empty_instead_of_flushing

    empty_instead_of_flushing()
    be_patient_with_redis()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, after the plugins have put the rest into an order."""
    items.sort(key=lambda item: place(item.nodeid.partition("::")[0]))


def pytest_sessionfinish() -> None:
    """Warm connections would be reported as unclosed when the interpreter ends."""
    outbound = sys.modules.get("webhooks.net.outbound")
    if outbound is not None and outbound.client.cache_info().currsize:
        outbound.client().close()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Also runs after Ctrl-C, SIGTERM and internal errors."""
    if services := config.stash.get(SERVICES, None):
        services.stop()


@pytest.fixture(autouse=True)
def _rested() -> None:
    """A process leaves the broker and the guards alone for a while after a failure: not into the next test."""
    guards = ("webhooks.guards.store", "webhooks.guards.api_rate", "webhooks.guards.receive_rate")
    resting = (*guards, "webhooks.api.outage")
    pauses = dict.fromkeys(resting, "_resting_until") | {"webhooks.doorbells": "_broker_rests_until"}
    for name, pause in pauses.items():
        if name in sys.modules:
            setattr(sys.modules[name], pause, 0.0)


# --- services


@pytest.fixture
def valkey() -> Iterator[redis.Redis]:
    """A client of the guards database; it and the broker database are empty before and after the test."""
    with redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True) as guards:
        _flush()
        yield guards
        _flush()


def _flush() -> None:
    for name in ("REDIS_URL", "CELERY_BROKER_URL"):
        with redis.Redis.from_url(os.environ[name]) as client:
            client.flushdb()


@pytest.fixture(scope="session")
def stack_env(django_db_setup: None) -> Mapping[str, str]:
    """The environment of a child process that is to work on this process's own databases."""
    from django.db import connection

    name = connection.settings_dict["NAME"]
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    # Workers that no beat rings for stay quiet, but where a test wants them to sweep themselves.
    return {**os.environ, "DATABASE_URL": url, "WEBHOOKS_SWEEP_SILENCE": "3600"}


# --- tenants, keys and the API


@pytest.fixture
def tenant(db: None) -> Tenant:
    """A tenant."""
    from tests.factories import make_tenant

    return make_tenant()


@pytest.fixture
def api_key(tenant: Tenant) -> str:
    """The token of a key of ``tenant`` with every scope a tenant's key can have."""
    from tests.factories import make_key

    return make_key(tenant)


@pytest.fixture
def platform_key(db: None) -> str:
    """The token of a key that belongs to no tenant, with every scope."""
    from tests.factories import make_key

    return make_key(None)


@pytest.fixture
def client_for() -> type[ApiClient]:
    """Makes API clients: ``client_for(api_key).post("/api/events", {...})``."""
    from tests.client import ApiClient

    return ApiClient


@pytest.fixture
def api(api_key: str, client_for: type[ApiClient]) -> ApiClient:
    """An API client with the key of ``tenant``."""
    return client_for(api_key)


# --- the outside world


@pytest.fixture(scope="session")
def receiver_server() -> Iterator[Server]:
    """The HTTP server behind every ``receiver`` of this process."""
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def receiver(receiver_server: Server) -> Iterator[Receiver]:
    """A webhook receiver with a path prefix of its own."""
    handle = receiver_server.receiver()
    yield handle
    handle.close()


@pytest.fixture(scope="session")
def node_folder() -> Path:
    """A folder with the packages and scripts of tests/node."""
    from tests.node_packages import installed

    return installed()


# --- workers


@pytest.fixture(scope="session")
def celery_project_app() -> Celery:
    """The project's own Celery application."""
    from project.celery import app

    return app


@pytest.fixture
def worker_nodes(
    transactional_db: None, celery_project_app: Celery, stack_env: Mapping[str, str], tmp_path: Path
) -> Iterator[Workers]:
    """Starts workers on this process's database and broker: ``worker_nodes(["fan_out"], concurrency=2)``."""
    workers = Workers(celery_project_app, stack_env, tmp_path)
    yield workers
    workers.stop()


@pytest.fixture(scope="module")
def _shared_worker(celery_project_app: Celery, stack_env: Mapping[str, str]) -> Iterator[WorkerNode]:
    worker = LocalWorker("shared", ALL_QUEUES, stack_env, concurrency=16)
    yield WorkerNode(worker, celery_project_app)
    worker.teardown()


@pytest.fixture
def shared_worker(transactional_db: None, valkey: redis.Redis, _shared_worker: WorkerNode) -> Iterator[WorkerNode]:
    """A worker for all queues that the tests of this module share: not to be killed. There is no beat.

    It does not outlive the module, because others look at what lies in the broker.

    Afterwards the broker is empty and the worker idle, so nothing of this test runs in the next one.
    """
    if not _shared_worker.alive:
        _shared_worker.container.start()
    yield _shared_worker.wait_ready()
    _shared_worker.settle(_flush)


# --- pytest-celery: celery_setup is one broker and one worker, both this test's own


@pytest.fixture
def celery_broker(tmp_path: Path) -> Iterator[BrokerNode]:
    """A dedicated Valkey, durable across kill and restart."""
    broker = LocalBroker(tmp_path / "broker")
    broker.start()
    yield BrokerNode(broker)
    broker.teardown()


@pytest.fixture
def celery_backend_cluster() -> None:
    """No result backend: tasks ignore their results and tests look at rows and requests."""


@pytest.fixture
def celery_setup_app(celery_project_app: Celery, celery_broker: BrokerNode) -> Iterator[Celery]:
    """The project's application, publishing to the dedicated broker during the test."""
    with broker_of(celery_project_app, celery_broker.url) as app:
        yield app


@pytest.fixture
def celery_worker(
    transactional_db: None, celery_setup_app: Celery, celery_broker: BrokerNode, stack_env: Mapping[str, str]
) -> Iterator[WorkerNode]:
    """A worker for all queues on the dedicated broker."""
    env = {**stack_env, "CELERY_BROKER_URL": celery_broker.url}
    worker = LocalWorker("worker", ALL_QUEUES, env)
    worker.start()
    yield WorkerNode(worker, celery_setup_app).wait_ready()
    worker.teardown()
