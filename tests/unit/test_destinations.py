"""Destinations: what is read, what is refused, what is shown, and to whom a stored secret may go."""

from __future__ import annotations

from typing import Any

import pytest

from webhooks.core import broker_urls, destinations
from webhooks.core.addresses import AllowList
from webhooks.core.destinations import InvalidDestination, Rules
from webhooks.core.headers import MASK
from webhooks.core.urls import InvalidUrl

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
QUOTED = SECRET.replace("/", "%2F").replace("+", "%2B")
KEYS = {"access_key_id": KEY, "secret_access_key": SECRET}
QUEUE = {"type": "queue", "url": "amqps://ada:s3cret%2F@mq.example.com/shop", "queue": "orders"}
SQS = {"type": "sqs", "queue_url": "https://sqs.eu-west-1.amazonaws.com/123456789012/orders", **KEYS}
BUS = {"type": "eventbridge", "event_bus_name": "shop", "region": "eu-west-1", **KEYS}
PLAIN = Rules(plain=True)


def faults(value: Any, rules: Rules = PLAIN) -> list[str]:
    with pytest.raises(InvalidDestination) as caught:
        destinations.parse(value, rules)
    return [pointer for pointer, _ in caught.value.faults]


@pytest.mark.parametrize(
    ("value", "label"),
    [
        (QUEUE, "amqps://mq.example.com/shop?queue=orders"),
        (QUEUE | {"url": "AMQPS://MQ.Example.COM:5671"}, "amqps://mq.example.com?queue=orders"),
        (QUEUE | {"url": "amqp://mq.example.com:5673//"}, "amqp://mq.example.com:5673?queue=orders"),
        (QUEUE | {"url": "rediss://:pw@cache.example.com:6380/2"}, "rediss://cache.example.com:6380/2?queue=orders"),
        (QUEUE | {"url": "redis://8.8.8.8", "queue": "a b"}, "redis://8.8.8.8/0?queue=a%20b"),
        (QUEUE | {"url": "rediss://[2606:4700::1111]/0"}, "rediss://[2606:4700::1111]/0?queue=orders"),
        (QUEUE | {"url": f"sqs://{KEY}:{QUOTED}@?region=eu-west-1"}, "sqs://?region=eu-west-1&queue=orders"),
        (
            QUEUE | {"url": f"sqs://{KEY}:{QUOTED}@sqs.eu-west-1.amazonaws.com"},
            "sqs://?region=eu-west-1&queue=orders",
        ),
        (SQS, "sqs://sqs.eu-west-1.amazonaws.com/123456789012/orders"),
        (BUS, "eventbridge://eu-west-1/shop"),
    ],
    ids=range(10),
)
def test_what_is_stored_is_read_as_the_same_and_its_label_has_no_secret(value: dict[str, str], label: str) -> None:
    parsed = destinations.parse(value, PLAIN)

    assert parsed.label == label
    assert destinations.parse(parsed.stored(), PLAIN) == parsed
    assert not any(secret in parsed.label or secret in repr(parsed) for secret in parsed.secrets())


@pytest.mark.parametrize(
    "url",
    [
        "", "amqps://", "http://mq.example.com/", "mq.example.com", "redis+socket:///run/redis.sock", "memory://x",
        "amqps://mq.example.com/a b", "amqps://mq.example.com:0/", "amqps://mq.example.com:99999/",
        "amqps://a@b@mq.example.com/", "amqps://mq.example.com\\@evil.example/", "amqps://mq.example.com/x?heartbeat=0",
        "rediss://cache.example.com/0?ssl_cert_reqs=none", "rediss://cache.example.com/zero",
        "rediss://cache.example.com/99999999", "amqps://mq.example.com/%zz", "amqps://mq.example.com/%00",
        "amqps://u:%0d%0a@mq.example.com/", "amqps://mq.example.com/#x", "amqps://mq.example.com;amqps://b.example.com",
        "amqps://127.0.0.1/", "rediss://10.0.0.5/0", "rediss://169.254.169.254/0", "amqps://0x7f.1/",
        "amqps://rabbitmq/", "amqps://mq.internal/", "amqps://mq.example.com:25/", "rediss://cache.example.com:5672/0",
        "sqs://sqs.eu-west-1.amazonaws.com", f"sqs://{KEY}:{QUOTED}@", f"sqs://{KEY}:{QUOTED}@evil.example",
        f"sqs://{KEY}:{QUOTED}@sqs.eu-west-1.amazonaws.com?region=us-east-1",
        f"sqs://{KEY}:{QUOTED}@?region=eu-west-1&x=1", f"sqs://{KEY}:{QUOTED}@/path?region=eu-west-1",
    ],
    ids=range(34),
)  # fmt: skip
def test_a_url_that_is_no_public_broker_is_refused_at_its_place(url: str) -> None:
    assert "/url" in faults(QUEUE | {"url": url})


def test_brokers_without_tls_are_refused_unless_the_operator_allows_them() -> None:
    for scheme in ("amqp", "redis"):
        assert faults(QUEUE | {"url": f"{scheme}://mq.example.com/0"}, Rules()) == ["/url"]


def test_a_port_of_ones_own_network_has_to_be_written_out() -> None:
    value = QUEUE | {"url": "rediss://10.0.0.5/0"}

    assert faults(value, Rules(allow=AllowList.parse("10.0.0.0/8:*"))) == ["/url"]
    assert destinations.parse(value, Rules(allow=AllowList.parse("10.0.0.0/8:6379")))


@pytest.mark.parametrize(
    ("value", "pointers"),
    [
        ([], [""]),
        ({}, [""]),
        ({"type": "kafka"}, ["/type"]),
        ({"type": "queue"}, ["/url", "/queue"]),
        (QUEUE | {"queue": "a\nb"}, ["/queue"]),
        (QUEUE | {"queue": "a" * 256}, ["/queue"]),
        (QUEUE | {"queue": 7}, ["/queue"]),
        (QUEUE | {"routing/key": "x"}, ["/routing~1key"]),
        (QUEUE | {"url": "amqps://ada:********@mq.example.com/shop"}, ["/url"]),
        (SQS | {"queue_url": "http://sqs.eu-west-1.amazonaws.com/123456789012/orders"}, ["/queue_url"]),
        (
            SQS | {"queue_url": "https://sqs.eu-west-1.amazonaws.com.evil.example/123456789012/q"},
            ["/queue_url", "/region"],
        ),
        (SQS | {"queue_url": "https://evil.example/123456789012/orders", "region": "eu-west-1"}, ["/queue_url"]),
        (SQS | {"queue_url": "https://sqs.cn-north-1.amazonaws.com/123456789012/orders"}, ["/queue_url"]),
        (SQS | {"region": "us-east-1"}, ["/region"]),
        (SQS | {"access_key_id": "x", "secret_access_key": MASK}, ["/access_key_id", "/secret_access_key"]),
        (SQS | {"role_arn": "root"}, ["/role_arn"]),
        (SQS | {"endpoint_url": "http://169.254.169.254"}, ["/endpoint_url"]),
        (BUS | {"region": "eu-west-1.evil.example/"}, ["/region"]),
        (BUS | {"event_bus_name": "a b"}, ["/event_bus_name"]),
        (BUS | {"source": "aws.ec2"}, ["/source"]),
    ],
    ids=range(20),
)
def test_what_is_wrong_is_named_by_a_pointer(value: Any, pointers: list[str]) -> None:
    assert faults(value) == pointers


def test_without_boto3_the_kinds_that_need_it_say_how_to_get_it() -> None:
    for value in (SQS, BUS, QUEUE | {"url": f"sqs://{KEY}:{QUOTED}@?region=eu-west-1"}):
        with pytest.raises(InvalidDestination, match=r"clarion-webhooks\[aws\]"):
            destinations.parse(value, Rules(aws=False))
    assert destinations.parse(QUEUE, Rules(aws=False))


def test_endpoints_that_stand_in_for_aws_are_those_of_the_operator_only() -> None:
    own = Rules(endpoints=frozenset({"http://localstack:4566"}))
    elsewhere = {"queue_url": "http://localstack:4566/123456789012/orders", "region": "eu-west-1"}

    assert destinations.parse(SQS | elsewhere | {"endpoint_url": "http://localstack:4566"}, own)
    assert faults(SQS | elsewhere | {"endpoint_url": "http://localstack:45660"}, own) == ["/endpoint_url"]
    assert destinations.parse(QUEUE | {"url": f"sqs://{KEY}:{QUOTED}@localstack:4566?region=eu-west-1"}, own)


# --- masks


@pytest.mark.parametrize("value", [QUEUE, SQS, BUS], ids=["queue", "sqs", "eventbridge"])
def test_an_answer_shows_masks_and_sent_back_it_changes_nothing(value: dict[str, str]) -> None:
    parsed = destinations.parse(value, PLAIN)
    stored = parsed.stored()
    shown = destinations.shown(stored)

    assert not any(secret in str(shown) for secret in parsed.secrets())
    assert MASK in str(shown)
    assert destinations.unmasked(shown, stored) == stored


def test_a_stored_password_goes_to_no_other_broker_and_no_other_user() -> None:
    stored = destinations.parse(QUEUE, PLAIN).stored()
    for url in (
        f"amqps://ada:{MASK}@evil.example/shop", f"amqp://ada:{MASK}@mq.example.com/shop",
        f"amqps://ada:{MASK}@mq.example.com:5673/shop", f"amqps://eve:{MASK}@mq.example.com/shop",
    ):  # fmt: skip
        assert faults(destinations.unmasked(QUEUE | {"url": url}, stored)) == ["/url"]
    kept = destinations.unmasked(QUEUE | {"url": f"amqps://ada:{MASK}@mq.example.com/other", "queue": "b"}, stored)
    assert kept["url"] == "amqps://ada:s3cret%2F@mq.example.com/other"


def test_a_stored_key_stays_with_its_id_and_its_endpoint() -> None:
    stored = destinations.parse(SQS, PLAIN).stored()
    other = destinations.unmasked(SQS | {"secret_access_key": MASK, "access_key_id": "AKIAOTHEROTHEROTHER"}, stored)

    assert faults(other) == ["/secret_access_key"]


def test_a_mask_of_another_kind_is_no_secret() -> None:
    assert destinations.unmasked(BUS | {"secret_access_key": MASK}, SQS)["secret_access_key"] == MASK


def test_the_parts_of_a_broker_url_are_decoded_once() -> None:
    url = broker_urls.parse("amqps://a%253A:p%40%2F%3A@mq.example.com/%2Fa%25")

    assert (url.username, url.password, url.path) == ("a%3A", "p@/:", "/a%")
    assert broker_urls.parse(url.text()) == url
    with pytest.raises(InvalidUrl):
        broker_urls.parse("amqps://mq.example.com/%ff")
