"""Publishing to queues: real brokers, hostile brokers, and what every failure means."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import kombu
import pytest
import redis
import trustme

from tests.brokers import RabbitMq, consume, headers_of, raw_body, running_rabbitmq, running_valkey
from tests.net.conftest import Serve
from tests.net.servers import Peer, ScriptedNames
from webhooks.core import destinations
from webhooks.core.addresses import AllowList
from webhooks.core.destinations import Destination, Rules
from webhooks.core.outcome import Verdict, judge
from webhooks.management.stack.ports import free_port
from webhooks.net import outbound, queues
from webhooks.net.deadline import Deadline
from webhooks.net.reach import MAX_READ, BoundedSocket, Bounds, Reach
from webhooks.net.resolver import Resolver
from webhooks.net.result import ErrorClass, HttpResult
from webhooks.net.tls import verifying

BODY = '{"n":12345678901234567890.10,"name":"Zoë"}'.encode()
HEADERS = {"Content-Type": "application/json", "webhook-id": "evt_1", "X-Correlation-ID": "c-1", "X-Team": "billing"}
RULES = Rules(plain=True, allow=AllowList.parse("127.0.0.0/8:*"))


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_valkey(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture(scope="module")
def rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMq]:
    with running_rabbitmq(tmp_path_factory.mktemp("rabbitmq")) as server:
        yield server


@pytest.fixture(autouse=True)
def _no_warm_links() -> Iterator[None]:
    yield
    queues.links().clear()


def queue_at(url: str, queue: str = "orders") -> Destination:
    return destinations.parse({"type": "queue", "url": url, "queue": queue}, RULES)


def send(url: str, queue: str = "orders", **options: Any) -> HttpResult:
    defaults: dict[str, Any] = {"timeout": 10.0, "pool_key": "endpoint"}
    return queues.send(queue_at(url, queue), options.pop("body", BODY), HEADERS, **(defaults | options))


def declare(url: str, queue: str, **arguments: Any) -> None:
    with kombu.Connection(url) as connection:
        kombu.Queue(queue, durable=True, queue_arguments=arguments)(connection.channel()).declare()


def reach(monkeypatch: pytest.MonkeyPatch, **options: Any) -> None:
    """Publish by such a :class:`Reach` in this test."""
    usual: dict[str, Any] = {
        "allow": RULES.allow, "deny_hosts": (), "connect_timeout": 5.0, "services": lambda: (),
    }  # fmt: skip
    made = Reach(**(usual | options))
    monkeypatch.setattr(outbound, "reach", lambda: made)


# --- Redis


def test_a_consumer_by_kombu_gets_the_bytes_and_the_headers_from_redis(broker: str) -> None:
    result = send(broker)

    assert (result.status, result.error, result.address) == (202, None, "127.0.0.1")
    (message,) = consume(broker, "orders")
    assert raw_body(message) == BODY
    assert headers_of(message) == HEADERS
    assert message.payload == json.loads(BODY)
    assert message.properties["message_id"] == "evt_1"
    assert message.properties["correlation_id"] == "c-1"


def test_a_link_is_used_again_by_its_owner_and_by_nobody_else(broker: str) -> None:
    first, second, other = send(broker), send(broker), send(broker, pool_key="another")
    unkept = send(broker, pool_key=None)

    assert [one.reused for one in (first, second, other, unkept)] == [False, True, False, False]
    assert second.timings_ms.connect is None
    assert len(queues.links()) == 2
    consume(broker, "orders", 4)


def test_a_link_that_the_broker_has_closed_is_not_used(broker: str) -> None:
    send(broker)
    with redis.Redis.from_url(broker) as client:
        client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    assert (send(broker).status, len(consume(broker, "orders", 2))) == (202, 2)


def test_bytes_that_are_no_text_arrive_as_they_are(broker: str) -> None:
    assert send(broker, queue="raw", body=b"\xff\x00\xfe").status == 202
    (message,) = consume(broker, "raw")
    assert (raw_body(message), message.content_encoding) == (b"\xff\x00\xfe", "binary")


def test_a_wrong_password_is_tried_again_and_never_told(broker: str) -> None:
    wrong = urlsplit(broker)._replace(netloc=f"ada:hunter2-canary@127.0.0.1:{urlsplit(broker).port}").geturl()

    result = send(wrong)

    assert (result.status, result.error) == (None, ErrorClass.ACCESS_REFUSED)
    assert judge(result.status, result.error) is Verdict.RETRY
    assert "hunter2" not in repr(result)
    assert b"invalid username-password" in result.body
    assert len(queues.links()) == 0


def test_a_key_that_is_no_list_is_an_answer_of_the_broker(broker: str) -> None:
    with redis.Redis.from_url(broker) as client:
        client.set("a-text", "x")

    result = send(broker, queue="a-text")

    assert (result.error, b"WRONGTYPE" in result.body) == (ErrorClass.BROKER_REFUSED, True)


def test_our_own_redis_is_no_target_although_its_network_is_allowed() -> None:
    """Attack: a task of the attacker's in Celery's queue."""
    for name in ("REDIS_URL", "CELERY_BROKER_URL"):
        result = send(os.environ[name], timeout=1.0)
        assert result.error == ErrorClass.UNREACHABLE_TARGET
        assert "a service of Clarion itself" in result.cause
        assert "Clarion" not in result.detail


# --- RabbitMQ


def test_a_consumer_by_kombu_gets_the_bytes_and_the_headers_from_rabbitmq(rabbit: RabbitMq) -> None:
    declare(rabbit.url, "orders")

    first, second = send(rabbit.url), send(rabbit.url)

    assert [(one.status, one.reused) for one in (first, second)] == [(202, False), (202, True)]
    message, _ = consume(rabbit.url, "orders", 2)
    assert raw_body(message) == BODY
    assert headers_of(message) == HEADERS
    assert message.properties["message_id"] == "evt_1"
    assert message.properties["delivery_mode"] == 2


def test_a_queue_that_is_not_there_is_neither_made_nor_forgotten(rabbit: RabbitMq) -> None:
    """RabbitMQ drops such a message without a word unless it is asked not to."""
    result = send(rabbit.url, queue="nowhere")

    assert (result.status, result.error) == (None, ErrorClass.NO_SUCH_QUEUE)
    assert judge(None, result.error) is Verdict.RETRY
    declare(rabbit.url, "nowhere")
    assert send(rabbit.url, queue="nowhere").status == 202
    assert len(consume(rabbit.url, "nowhere")) == 1


def test_a_full_queue_that_refuses_is_tried_again(rabbit: RabbitMq) -> None:
    declare(rabbit.url, "full", **{"x-max-length": 1, "x-overflow": "reject-publish"})

    assert send(rabbit.url, queue="full").status == 202
    assert send(rabbit.url, queue="full").error == ErrorClass.BROKER_REFUSED


@pytest.mark.parametrize(
    "login", ["guest:wrong-canary@{}//", "guest:guest@{}/no-such-vhost"], ids=["password", "vhost"]
)
def test_refused_credentials_of_amqp_are_tried_again(rabbit: RabbitMq, login: str) -> None:
    result = send("amqp://" + login.format(f"127.0.0.1:{rabbit.port}"))

    assert (result.status, result.error) == (None, ErrorClass.ACCESS_REFUSED)
    assert "canary" not in repr(result)


# --- the guard


def test_a_name_that_leads_inside_is_refused_with_the_sentence_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack: a tenant's name resolves to the network of the operator, or first to a public address, then to it."""
    for answers in (["10.0.0.5"], ["8.8.8.8", "127.0.0.1"], ["169.254.169.254"]):
        names = ScriptedNames({"mq.example.com": [answers]})
        reach(monkeypatch, allow=AllowList(), resolver=Resolver(names))
        result = send("amqp://mq.example.com/", timeout=2.0)
        assert result.error == ErrorClass.UNREACHABLE_TARGET
        assert result.detail.startswith("The URL's host has no public address")
        assert result.timings_ms.dns is None
        assert "forbidden" in queues.why_unreachable(queue_at("amqp://mq.example.com/"))


def test_a_name_that_is_answered_differently_later_leads_to_the_address_that_was_judged(
    monkeypatch: pytest.MonkeyPatch, broker: str
) -> None:
    port, password = urlsplit(broker).port, urlsplit(broker).password
    names = ScriptedNames({"mq.example.com": [["127.0.0.1"], ["169.254.169.254"]]})
    reach(monkeypatch, resolver=Resolver(names))

    result = send(f"redis://:{password}@mq.example.com:{port}/0", queue="rebound")

    assert (result.status, result.address) == (202, "127.0.0.1")
    assert len(names.calls) == 1
    consume(broker, "rebound")


def test_names_of_our_services_are_not_even_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ScriptedNames({})
    reach(monkeypatch, deny_hosts={"broker.corp.example"}, resolver=Resolver(names))

    assert send("amqp://broker.corp.example/", timeout=1.0).error == ErrorClass.UNREACHABLE_TARGET
    assert names.calls == []


# --- hostile brokers


@pytest.mark.parametrize("scheme", ["amqp", "redis"])
def test_a_broker_that_says_nothing_holds_nobody_beyond_the_timeout(serve: Serve, scheme: str) -> None:
    server = serve(lambda peer: peer.wait_for_close())

    result = send(f"{scheme}://127.0.0.1:{server.port}/0", timeout=0.3)

    assert result.error == ErrorClass.TIMEOUT
    assert server.client_closed.wait(10)


@pytest.mark.parametrize(
    ("scheme", "drip"), [("amqp", b"\x01\x00\x00\x00\x00\x00\xff" + b"\x00" * 255), ("redis", b"+" + b"O" * 255)],
    ids=["amqp", "redis"],
)  # fmt: skip
def test_a_broker_that_drips_is_bounded_by_the_wall_clock(serve: Serve, scheme: str, drip: bytes) -> None:
    """Attack: each byte comes within the timeout of one receive."""
    server = serve(lambda peer: peer.drip(drip))

    result = send(f"{scheme}://127.0.0.1:{server.port}/0", timeout=0.4)

    assert result.error == ErrorClass.TIMEOUT
    assert result.timings_ms.total is not None
    assert result.timings_ms.total < 5000


@pytest.mark.parametrize(
    ("scheme", "head"),
    [("amqp", b"\x01\x00\x00\x7f\xff\xff\xff"), ("redis", b"$2147483647\r\n")],
    ids=["amqp", "redis"],
)
def test_a_broker_that_floods_is_cut_off(serve: Serve, scheme: str, head: bytes) -> None:
    """Attack: a frame of two gigabytes fills the memory of the worker."""

    def flood(peer: Peer) -> None:
        peer.send(head)
        for _ in range(3 * MAX_READ // 65536):
            peer.send(b"x" * 65536)
        peer.wait_for_close()

    result = send(f"{scheme}://127.0.0.1:{serve(flood).port}/0")

    assert result.error == ErrorClass.PROTOCOL_ERROR
    assert "more than an answer takes" in result.detail


def test_a_broker_that_speaks_first_is_heard() -> None:
    """Linux then finds a segment size on the loopback device that it does not let py-amqp write back."""
    with socket.socket() as sock:
        with pytest.raises(OSError, match="Invalid argument"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 32_768)
        bounded = BoundedSocket(sock, Bounds(Deadline(10)))
        bounded.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 32_768)
        bounded.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("scheme", ["amqp", "redis"])
def test_a_web_server_is_no_broker(serve: Serve, scheme: str) -> None:
    server = serve(lambda peer: (peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n"), peer.wait_for_close()))

    result = send(f"{scheme}://127.0.0.1:{server.port}/0", timeout=2.0)

    assert result.error in (ErrorClass.PROTOCOL_ERROR, ErrorClass.CONNECTION_RESET, ErrorClass.TIMEOUT)


@pytest.mark.parametrize("scheme", ["amqp", "redis"])
def test_nobody_there_is_a_refused_connection(scheme: str) -> None:
    result = send(f"{scheme}://127.0.0.1:{free_port()}/0")

    assert result.error == ErrorClass.CONNECT_REFUSED


def test_tls_is_checked_against_the_name(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("other.example.com").configure_cert(context)
    trusting = verifying()
    authority.configure_trust(trusting)
    monkeypatch.setattr(outbound, "broker_tls", lambda: trusting)
    for scheme in ("amqps", "rediss"):
        server = serve(lambda peer: peer.wait_for_close(), context)
        reach(monkeypatch, resolver=Resolver(ScriptedNames({"mq.example.com": [["127.0.0.1"]]})))
        result = send(f"{scheme}://mq.example.com:{server.port}/0", timeout=5.0)
        assert (result.error, "certificate is not valid" in result.detail) == (ErrorClass.TLS_ERROR, True)


def test_plain_webhooks_load_neither_boto3_nor_a_broker() -> None:
    """A worker without queues pays nothing for them."""
    code = (
        "import django; django.setup(); import webhooks.tasks, webhooks.services.drain, sys; "
        "print([m for m in ('boto3', 'kombu.transport.pyamqp', 'webhooks.net.brokers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
