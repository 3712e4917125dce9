"""Amazon SQS and EventBridge by boto3, against a stand-in: what arrives, who is asked, and what failures mean."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import boto3
import pytest
from pytest_django import Settings

from tests.brokers import consume, headers_of, raw_body, running_aws
from tests.net.conftest import Serve
from tests.net.servers import Peer
from webhooks.core import destinations
from webhooks.core.destinations import Destination, Rules
from webhooks.core.outcome import Verdict, judge
from webhooks.net import aws, aws_clients, outbound, queues
from webhooks.net.result import ErrorClass, HttpResult

KEY, SECRET, REGION = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+canary", "eu-west-1"
KEYS = {"access_key_id": KEY, "secret_access_key": SECRET, "region": REGION}
BODY = '{"id":"evt_1","n":12345678901234567890.10,"name":"Zoë"}'.encode()
HEADERS = {
    "Content-Type": "application/json", "webhook-id": "evt_1", "webhook-timestamp": "1764230400",
    "webhook-signature": "v1,abc", "X-Webhook-Event": "order.created", "X-Webhook-Delivery": "dlv_1",
    "X-Team": "billing", "Stripe-Signature": "t=1,v1=ab",
}  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The origin of a stand-in for AWS."""
    with running_aws() as origin:
        yield origin


@pytest.fixture
def origin(server: str, settings: Settings) -> Iterator[str]:
    settings.WEBHOOKS_AWS_ENDPOINTS = server
    yield server
    aws_clients._clients.clear()
    aws_clients._roles.clear()
    outbound.client().close()


def real(service: str, origin: str) -> Any:
    return boto3.client(
        service, endpoint_url=origin, region_name=REGION, aws_access_key_id="x", aws_secret_access_key="y"
    )


def sqs_at(origin: str, url: str, **parts: str) -> Destination:
    value = {"type": "sqs", "queue_url": url, "endpoint_url": origin, **KEYS, **parts}
    return destinations.parse(value, Rules(endpoints={origin}))


def bus_at(origin: str, name: str = "default", **parts: str) -> Destination:
    value = {"type": "eventbridge", "event_bus_name": name, "endpoint_url": origin, **KEYS, **parts}
    return destinations.parse(value, Rules(endpoints={origin}))


def send(destination: Destination, body: bytes = BODY, **options: Any) -> HttpResult:
    headers = options.pop("headers", HEADERS)
    return queues.send(destination, body, headers, **({"timeout": 15.0, "pool_key": "endpoint"} | options))


def make_queue(origin: str, name: str, **attributes: str) -> str:
    url: str = real("sqs", origin).create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url


def receive(origin: str, url: str) -> dict[str, Any]:
    (message,) = real("sqs", origin).receive_message(
        QueueUrl=url, MessageAttributeNames=["All"], AttributeNames=["All"], WaitTimeSeconds=5
    )["Messages"]
    return dict(message)


def test_a_message_of_sqs_is_the_body_and_its_headers_are_attributes(origin: str) -> None:
    url = make_queue(origin, "orders")

    result = send(sqs_at(origin, url))

    assert (result.status, result.error, result.address) == (200, None, "127.0.0.1")
    message = receive(origin, url)
    assert message["Body"].encode() == BODY
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    others = json.loads(attributes.pop("Headers"))
    assert attributes | others == HEADERS
    assert set(others) == {"X-Team", "Stripe-Signature"}


def test_a_fifo_queue_keeps_the_order_and_takes_a_retry_for_the_same(origin: str) -> None:
    url = make_queue(origin, "orders.fifo", FifoQueue="true")

    for attempt in ("1", "2"):
        assert send(sqs_at(origin, url), headers=HEADERS | {"X-Webhook-Attempt": attempt}).status == 200

    message = receive(origin, url)
    assert message["Attributes"]["MessageDeduplicationId"] == "dlv_1"
    assert "Messages" not in real("sqs", origin).receive_message(QueueUrl=url)


def test_an_event_of_eventbridge_has_the_payload_as_its_detail(origin: str) -> None:
    """Seen by a rule that puts what it matches into a queue."""
    url = make_queue(origin, "matched")
    events = real("events", origin)
    events.create_event_bus(Name="shop")
    events.put_rule(Name="all", EventBusName="shop", EventPattern='{"source": ["clarion.shop"]}')
    arn = f"arn:aws:sqs:{REGION}:123456789012:matched"
    events.put_targets(Rule="all", EventBusName="shop", Targets=[{"Id": "1", "Arn": arn}])

    result = send(bus_at(origin, "shop", source="clarion.shop"))

    assert (result.status, result.error) == (200, None)
    event = json.loads(receive(origin, url)["Body"])
    assert (event["source"], event["detail-type"], event["detail"]) == (
        "clarion.shop",
        "order.created",
        json.loads(BODY),
    )


def test_a_consumer_by_kombu_gets_what_goes_to_an_sqs_url(origin: str) -> None:
    make_queue(origin, "celery")
    login = f"{KEY}:{quote(SECRET, safe='')}"
    value = {"type": "queue", "url": f"sqs://{login}@{urlsplit(origin).netloc}?region={REGION}", "queue": "celery"}

    result = send(destinations.parse(value, Rules(endpoints={origin})))

    assert (result.status, result.error) == (200, None)
    options = {"region": REGION, "is_secure": False}
    (message,) = consume(f"sqs://{login}@{urlsplit(origin).netloc}", "celery", transport_options=options)
    assert (raw_body(message), headers_of(message)) == (BODY, HEADERS)


def test_a_role_is_assumed_once(origin: str) -> None:
    url = make_queue(origin, "by-role")
    destination = sqs_at(origin, url, role_arn="arn:aws:iam::123456789012:role/clarion")

    assert [send(destination).status for _ in range(2)] == [200, 200]

    (keys,) = [keys for _, keys in aws_clients._roles.values()]
    assert keys.session_token
    assert keys.access_key_id != KEY
    assert len(aws_clients._clients) == 2  # sts, and sqs in the role


def test_clients_are_never_shared_by_two_owners(origin: str) -> None:
    url = make_queue(origin, "shared")
    for key in ("a", "a", "b", None):
        assert send(sqs_at(origin, url), pool_key=key).status == 200

    assert [key[0] for key in aws_clients._clients] == ["a", "b"]


def test_a_queue_that_is_not_there_is_tried_again(origin: str) -> None:
    result = send(sqs_at(origin, f"{origin}/123456789012/nowhere"))

    assert (result.status, result.error) == (None, ErrorClass.NO_SUCH_QUEUE)
    assert judge(None, result.error) is Verdict.RETRY


@pytest.mark.parametrize(
    ("body", "detail"),
    [(b"x" * 1_048_577, "AWS takes 1048576 at most"), (b"\xff", "UTF-8"), (b"", "no empty message")],
    ids=["large", "binary", "empty"],
)
def test_what_sqs_does_not_take_is_dead_at_once(origin: str, body: bytes, detail: str) -> None:
    result = send(sqs_at(origin, f"{origin}/123456789012/orders"), body)

    assert (result.status, result.error) == (None, ErrorClass.UNACCEPTABLE_MESSAGE)
    assert detail in result.detail
    assert judge(None, result.error) is Verdict.DEAD


@pytest.mark.parametrize(
    "body", [b"[1]", b'"text"', b'{"a":"' + b"x" * 1_048_576 + b'"}'], ids=["array", "text", "large"]
)
def test_what_eventbridge_does_not_take_is_dead_at_once(origin: str, body: bytes) -> None:
    assert send(bus_at(origin), body).error == ErrorClass.UNACCEPTABLE_MESSAGE


# --- answers of AWS, as they are spelled


def answering(status: int, code: str, kind: str = "application/x-amz-json-1.0") -> Any:
    body = json.dumps({"__type": f"com.amazonaws.sqs#{code}", "message": "no"}).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode()

    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(head + body)
        peer.wait_for_close()

    return script


@pytest.mark.parametrize(
    ("status", "code", "error", "verdict"),
    [
        (403, "InvalidClientTokenId", ErrorClass.ACCESS_REFUSED, Verdict.RETRY),
        (400, "AccessDeniedException", ErrorClass.ACCESS_REFUSED, Verdict.RETRY),
        (400, "RequestThrottled", ErrorClass.BROKER_REFUSED, Verdict.RETRY),
        (400, "InvalidMessageContents", ErrorClass.UNACCEPTABLE_MESSAGE, Verdict.DEAD),
        (503, "ServiceUnavailable", None, Verdict.RETRY),
    ],
)
def test_an_error_of_aws_has_a_verdict(
    serve: Serve, settings: Settings, status: int, code: str, error: str | None, verdict: Verdict
) -> None:
    stand_in = f"http://127.0.0.1:{serve(answering(status, code)).port}"
    settings.WEBHOOKS_AWS_ENDPOINTS = stand_in

    result = send(sqs_at(stand_in, f"{stand_in}/123456789012/orders"), pool_key=None)

    assert (result.status, result.error) == (None if error else status, error)
    assert judge(result.status, result.error) is verdict


def test_an_entry_that_eventbridge_could_not_take_is_no_success(serve: Serve, settings: Settings) -> None:
    body = b'{"FailedEntryCount":1,"Entries":[{"ErrorCode":"InternalFailure","ErrorMessage":"x"}]}'

    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: %d\r\n\r\n" % len(body)
        )
        peer.send(body)
        peer.wait_for_close()

    stand_in = f"http://127.0.0.1:{serve(script).port}"
    settings.WEBHOOKS_AWS_ENDPOINTS = stand_in
    result = send(bus_at(stand_in), pool_key=None)

    assert (result.status, result.error) == (None, ErrorClass.BROKER_REFUSED)


# --- the guard


def test_aws_is_asked_by_the_guarded_client_only(serve: Serve, settings: Settings) -> None:
    """Attack: a region's name that resolves to the inside, or a stand-in that the operator has not allowed."""
    stand_in = f"http://127.0.0.1:{serve(answering(200, 'x')).port}"
    destination = sqs_at(stand_in, f"{stand_in}/123456789012/orders")
    settings.WEBHOOKS_ALLOW_HTTP = False
    result = send(destination, pool_key=None)
    assert (result.error, result.address) == (ErrorClass.INVALID_URL, None)

    inside = "http://169.254.169.254"
    settings.WEBHOOKS_AWS_ENDPOINTS = inside
    result = send(sqs_at(inside, f"{inside}/123456789012/orders"), pool_key=None)
    assert (result.error, result.address) == (ErrorClass.INVALID_URL, None)
    assert "may not be sent to" in queues.why_unreachable(sqs_at(inside, f"{inside}/123456789012/orders"))


def test_a_timeout_bounds_the_whole_call(serve: Serve, settings: Settings) -> None:
    stand_in = f"http://127.0.0.1:{serve(lambda peer: peer.wait_for_close()).port}"
    settings.WEBHOOKS_AWS_ENDPOINTS = stand_in

    result = send(sqs_at(stand_in, f"{stand_in}/123456789012/orders"), timeout=0.4, pool_key=None)

    assert result.error == ErrorClass.TIMEOUT


def test_nothing_of_this_machine_is_used(origin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attack on ourselves: a profile, an endpoint or a proxy of the operator's takes part in a tenant's request."""
    url = make_queue(origin, "plain")
    for name, value in {
        "AWS_PROFILE": "no-such-profile", "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_SQS": "http://127.0.0.1:1",
        "AWS_USE_FIPS_ENDPOINT": "true", "HTTP_PROXY": "http://127.0.0.1:1", "AWS_SESSION_TOKEN": "operator",
        "AWS_CONFIG_FILE": "/nonexistent", "AWS_RETRY_MODE": "legacy", "AWS_MAX_ATTEMPTS": "9",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)

    assert send(sqs_at(origin, url), pool_key=None).status == 200


def test_threads_keep_their_calls_apart(origin: str) -> None:
    url = make_queue(origin, "threads")
    results: list[HttpResult] = []
    threads = [threading.Thread(target=lambda: results.append(send(sqs_at(origin, url)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [result.status for result in results] == [200] * 4
    assert len({id(result) for result in results}) == 4


def test_the_secret_is_in_no_result(origin: str) -> None:
    assert SECRET not in repr(send(sqs_at(origin, f"{origin}/123456789012/nowhere")))
    assert SECRET not in repr(sqs_at(origin, f"{origin}/123456789012/nowhere"))
    assert aws.MAX_MESSAGE == 2**20
