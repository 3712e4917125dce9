"""Brokers that tests publish to: a Valkey and a RabbitMQ of their own, and a stand-in for AWS."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kombu
import pytest

from tests.throwaway import TestValkey
from webhooks.management.stack.ports import free_port

RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # Debian's package; its wrapper in the PATH asks for root
NO_RABBITMQ = "RabbitMQ is not installed: apt-get install rabbitmq-server, and AMQP is tested as well"
START = 60.0  # seconds; some on an idle machine
USER = PASSWORD = "guest"  # RabbitMQ's own, valid on the loopback only


@contextmanager
def running_valkey(folder: Path) -> Iterator[str]:
    """URL of database 0 of a Valkey that is not the broker or cache of this run."""
    with TestValkey(folder) as valkey:
        yield valkey.url


@dataclass
class RabbitMq:
    """A running RabbitMQ."""

    port: int

    @property
    def url(self) -> str:
        return f"amqp://{USER}:{PASSWORD}@127.0.0.1:{self.port}//"


@contextmanager
def running_rabbitmq(folder: Path) -> Iterator[RabbitMq]:
    """A RabbitMQ with one node, its data below ``folder``; skips the test where it is not installed."""
    if not RABBITMQ.exists() or shutil.which("erl") is None:
        pytest.skip(NO_RABBITMQ)
    port, peers = free_port(), free_port()
    (folder / "plugins").write_text("[].")
    # no epmd: it would outlive the node
    erlang = f"-start_epmd false -erl_epmd_port {peers} +S 1:1 +sbwt none"
    env = os.environ | {
        "HOME": str(folder),
        "RABBITMQ_NODENAME": "clarion@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(peers),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": erlang,
    }
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen([str(RABBITMQ)], env=env, stdout=output, stderr=output, start_new_session=True)
    try:
        _wait(port, process, folder / "output")
        yield RabbitMq(port)
    finally:
        os.killpg(process.pid, 15)
        process.wait(30)


def _wait(port: int, process: subprocess.Popen[bytes], output: Path) -> None:
    deadline = time.monotonic() + START
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"RabbitMQ did not start:\n{output.read_text()[-3000:]}")


@contextmanager
def running_aws() -> Iterator[str]:
    """Origin of a server in this process that answers like AWS."""
    from moto.server import ThreadedMotoServer  # takes a second to load

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def consume(url: str, queue: str, count: int = 1, **options: Any) -> list[kombu.Message]:
    """What a plain consumer by kombu gets from a queue, acknowledged."""
    got: list[kombu.Message] = []

    def take(message: kombu.Message) -> None:
        message.ack()
        got.append(message)

    with kombu.Connection(url, **options) as connection:
        consumer = kombu.Consumer(
            connection, [kombu.Queue(queue, no_declare=True)], on_message=take, accept=["json"], auto_declare=False
        )
        with consumer:
            while len(got) < count:
                connection.drain_events(timeout=10)
    return got


def raw_body(message: kombu.Message) -> bytes:
    """The bytes that were published."""
    body = message.body
    return body.encode() if isinstance(body, str) else bytes(body)


def headers_of(message: kombu.Message) -> dict[str, str]:
    """Its headers and content type, as those of a request."""
    return {**message.headers, "Content-Type": message.content_type}
