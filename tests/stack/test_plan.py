"""What ``manage.py up`` decides to run, and with which settings."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tests.stack.processes import clean_environment
from webhooks.management.stack import plan
from webhooks.management.stack.bootstrap import masked, reach_broker, reach_redis
from webhooks.management.stack.ports import free_port, is_free
from webhooks.management.stack.service import StackFailure

KEPT = {"secret_key": "s", "encryption_keys": ["a", "b"]}


@pytest.fixture
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in os.environ.keys() - clean_environment().keys():
        monkeypatch.delenv(name)
    return monkeypatch


def options(data_dir: Path, **changes: object) -> plan.Options:
    return plan.Options(data_dir, Path.cwd(), **({"port_base": 0} | changes))  # type: ignore[arg-type]


def addresses_of(wanted: plan.Options) -> plan.Addresses:
    """Chosen and given up at once."""
    addresses = plan.choose_addresses(wanted)
    addresses.close()
    return addresses


def test_services_with_a_url_in_the_environment_are_not_started(
    tmp_path: Path, bare_environment: pytest.MonkeyPatch
) -> None:
    assert {"postgres", "valkey"} <= addresses_of(options(tmp_path)).ports.keys()
    bare_environment.setenv("DATABASE_URL", "postgresql://db.example/clarion")
    assert "postgres" not in addresses_of(options(tmp_path)).ports
    bare_environment.setenv("CELERY_BROKER_URL", "amqp://mq.example")
    assert "valkey" in addresses_of(options(tmp_path)).ports
    bare_environment.setenv("REDIS_URL", "redis://cache.example/5")
    assert addresses_of(options(tmp_path)).ports.keys() == {"web", "flower", "receiver"}
    assert plan.service_urls([]) == {
        "DATABASE_URL": "postgresql://db.example/clarion",
        "REDIS_URL": "redis://cache.example/5",
        "CELERY_BROKER_URL": "amqp://mq.example",
    }


def test_a_url_in_a_file_counts_as_given_and_redis_serves_as_broker_when_none_is_named(
    tmp_path: Path, bare_environment: pytest.MonkeyPatch
) -> None:
    (tmp_path / "url").write_text("redis://cache.example/5\n")
    bare_environment.setenv("REDIS_URL_FILE", str(tmp_path / "url"))
    assert "valkey" not in addresses_of(options(tmp_path)).ports
    assert plan.service_urls([])["CELERY_BROKER_URL"] == "redis://cache.example/5"


def test_the_allocator_is_limited_unless_the_operator_says_otherwise(
    tmp_path: Path, bare_environment: pytest.MonkeyPatch
) -> None:
    wanted = options(tmp_path)
    addresses = addresses_of(wanted)
    assert plan.environment(wanted, addresses, {}, KEPT).items() >= plan.ALLOCATOR.items()
    bare_environment.setenv("MALLOC_ARENA_MAX", "5")
    assert plan.environment(wanted, addresses, {}, KEPT)["MALLOC_ARENA_MAX"] == "5"


def test_a_bare_stack_has_no_receiver_and_production_defaults(
    tmp_path: Path, bare_environment: pytest.MonkeyPatch
) -> None:
    bare = options(tmp_path, bare=True)
    addresses = addresses_of(bare)
    variables = plan.environment(bare, addresses, {}, KEPT)
    assert addresses.receiver is None
    assert not {"WEBHOOKS_ALLOW_HTTP", "WEBHOOKS_ALLOWED_CIDRS"} & variables.keys()
    open_one = options(tmp_path)
    variables = plan.environment(open_one, addresses_of(open_one), {}, KEPT)
    assert (variables["WEBHOOKS_ALLOW_HTTP"], variables["WEBHOOKS_ALLOWED_CIDRS"]) == ("1", "127.0.0.0/8:*")


def test_what_the_operator_sets_wins(tmp_path: Path, bare_environment: pytest.MonkeyPatch) -> None:
    bare_environment.setenv("WEBHOOKS_PUBLIC_URL", "https://hooks.example")
    bare_environment.setenv("WEBHOOKS_ALLOW_HTTP", "0")
    bare_environment.setenv("SECRET_KEY_FILE", "/run/secrets/key")
    chosen = options(tmp_path)
    variables = plan.environment(chosen, addresses_of(chosen), {"REDIS_URL": "r"}, KEPT)
    assert variables["WEBHOOKS_PUBLIC_URL"] == "https://hooks.example"
    assert variables["WEBHOOKS_ALLOW_HTTP"] == "0"
    assert "SECRET_KEY" not in variables
    assert variables["REDIS_URL"] == "r"
    assert variables["WEBHOOKS_ENCRYPTION_KEYS"] == "a,b"


def test_flowers_password_is_in_no_command_line(tmp_path: Path, bare_environment: pytest.MonkeyPatch) -> None:
    chosen = options(tmp_path)
    addresses = plan.choose_addresses(chosen)
    programs = plan.programs(chosen, addresses, [], {}, "the-password")
    addresses.close()
    assert not [word for program in programs for word in program.command if "the-password" in word]
    (flower,) = (program for program in programs if program.name == "flower")
    assert flower.environment["FLOWER_BASIC_AUTH"] == "clarion:the-password"


def _port_before_a_free_one() -> int:
    while not is_free((port := free_port()) + 1):
        pass
    return port


def test_ports_follow_the_base_and_a_taken_one_is_named(tmp_path: Path, bare_environment: pytest.MonkeyPatch) -> None:
    base = _port_before_a_free_one()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", base + 1))
        taken.listen()
        with pytest.raises(StackFailure, match=rf"Port {base + 1} .*flower.*Choose another --port-base"):
            addresses_of(options(tmp_path, port_base=base))
    with pytest.raises(StackFailure, match="leaves no port for flower"):
        addresses_of(options(tmp_path, port_base=65_535))


def test_two_stacks_that_start_at_the_same_time_choose_different_ports(
    tmp_path: Path, bare_environment: pytest.MonkeyPatch
) -> None:
    usual = options(tmp_path, port_base=None)
    first, second = plan.choose_addresses(usual), plan.choose_addresses(usual)
    first.close()
    second.close()
    assert not set(first.ports.values()) & set(second.ports.values())


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:pass@cache.example:1/0", "redis://:***@cache.example:1/0"),
        ("amqp://me:p%40ss@mq.example//v", "amqp://me:***@mq.example//v"),
        ("redis://cache.example/0", "redis://cache.example/0"),
    ],
)
def test_passwords_are_masked_in_sentences(url: str, shown: str) -> None:
    assert masked(url) == shown


@pytest.mark.parametrize(
    ("reach", "scheme", "variable"),
    [
        (reach_redis, "redis", "REDIS_URL"),
        (reach_broker, "redis", "CELERY_BROKER_URL"),
        (reach_broker, "amqp", "CELERY_BROKER_URL"),
    ],
)
def test_an_unreachable_service_is_one_sentence_with_variable_address_and_way_out(
    reach: object, scheme: str, variable: str
) -> None:
    port = free_port()
    with pytest.raises(StackFailure) as failure:
        reach(f"{scheme}://me:secret@127.0.0.1:{port}/0")  # type: ignore[operator]
    sentence = str(failure.value)
    assert variable in sentence
    assert f"127.0.0.1:{port}" in sentence
    assert "Start it" in sentence
    assert "secret" not in sentence
    assert "\n" not in sentence
