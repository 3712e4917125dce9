"""One try of a processor: what it gets, what is noted, when it is tried again, and what happens exactly once."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

import webhooks
from tests.factories import make_received, make_source
from tests.services.engine import at_once, in_thread
from tests.services.overtime import Overtime
from tests.services.processing import expire, handled, only_run, register, words
from tests.waiting import eventually
from webhooks.core import ids, processors
from webhooks.core.processors import Message
from webhooks.models import Event, ProcessorRun, ReceivedMessage, Tenant
from webhooks.services import time_limit
from webhooks.services.partitions import drop_expired
from webhooks.services.processing import process
from webhooks.services.sweep import sweep

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_processors")]
SECRET = "whsec_C2FVsBQIhrscChlQIMV"


def received(**fields: Any) -> ReceivedMessage:
    """A processed message of a source that makes no events."""
    source = make_source(provider="none", name="shop", forward=False, secrets=[SECRET])
    message = make_received(source, **{"event_type": "order.created", "type": "order", "key": "o-1", **fields})
    process(message.id)
    return message


def test_a_processor_gets_the_message_as_it_came() -> None:
    calls = register("shop.charge")
    message = received(body=b'{"n": 1}', headers=[["X-A", "1"], ["x-a", "2"], ["Content-Type", "application/json"]])
    run = only_run(message)
    assert words(run.id) == ["succeeded"]
    (told,) = calls
    assert told == Message(
        id=ids.show(ids.RECEIVED, message.id), run_id=run.public_id, tenant_id=ids.show(ids.TENANT, message.tenant_id),
        source_id=message.source.public_id, source="shop", provider="none", key="o-1", type="order",
        event_type="order.created", content_type="application/json",
        headers={"x-a": "1, 2", "content-type": "application/json"}, body=b'{"n": 1}', data=b'{"n": 1}',
        created_at=told.created_at, received_at=message.received_at, attempt=1,
    )  # fmt: skip
    assert told.json() == {"n": 1}


def test_what_it_returns_is_kept() -> None:
    register("shop.charge").then = lambda message: {"charged": 5, "at": datetime(2026, 1, 1, tzinfo=UTC)}
    run = only_run(handled(received()))
    assert (run.status, run.result) == ("succeeded", {"charged": 5, "at": "2026-01-01T00:00:00Z"})
    assert (run.attempts, run.worker, run.error, run.due_at, run.lease_token) == (1, "tests", "", None, None)
    assert run.started_at
    assert run.finished_at
    assert run.duration_ms is not None


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (object(), {"type": "object", "note": "It is no JSON, so it was not kept."}),
        (float("nan"), {"type": "float", "note": "It is no JSON, so it was not kept."}),
        ("x" * 20_000, {"cut": '"' + "x" * 16_383, "characters": 20_002}),
        ("a\0b", "a\N{REPLACEMENT CHARACTER}b"),
        (f"the secret is {SECRET}", "the secret is ********"),
        ("\ud800", {"type": "str", "note": "It is no JSON, so it was not kept."}),
        (False, False),
    ],
    ids=["object", "nan", "long", "nul", "secret", "surrogate", "false"],
)
def test_a_result_is_bounded_json_without_secrets(value: Any, kept: Any) -> None:
    register("shop.charge").then = lambda message: value
    assert only_run(handled(received())).result == kept


# --- failures


def test_a_failure_is_noted_and_tried_again_as_the_backoff_says() -> None:
    calls = register("shop.charge", backoff={"schedule": [300], "jitter": 0})
    calls.then = lambda message: 1 // 0
    message = received()
    assert words(only_run(message).id) == ["failing"]
    run = only_run(message)
    assert (run.status, run.attempts, run.error) == (
        "pending",
        1,
        "ZeroDivisionError: integer division or modulo by zero",
    )
    assert "tests/services/test_processor_runs.py" in run.traceback
    assert run.due_at is not None
    assert abs((run.due_at - datetime.now(UTC)).total_seconds() - 300) < 60
    assert sweep().runs == []
    assert words(run.id) == ["idle"], "it is not due"


@pytest.mark.parametrize("kind", [ValueError, webhooks.GiveUp])
def test_a_failure_that_quotes_what_cannot_be_stored_is_noted(kind: type[Exception]) -> None:
    """Attack: a sender puts U+0000 or half of a surrogate pair where a processor's error quotes it."""

    def fail(message: Message) -> None:
        raise kind("no order a\0b\ud800")

    register("shop.charge").then = fail
    run = only_run(handled(received()))
    assert (run.status, run.attempts) == ("dead", 1 if kind is webhooks.GiveUp else 6)
    assert "no order a" in run.error


def test_it_succeeds_on_a_later_try_with_the_same_run_id() -> None:
    calls = register("shop.charge")
    calls.then = lambda message: 1 // (message.attempt - 1)
    run = only_run(handled(received()))
    assert (run.status, run.attempts, run.error, run.traceback) == ("succeeded", 2, "", "")
    assert [call.attempt for call in calls] == [1, 2]
    assert len({call.run_id for call in calls}) == 1


def test_without_tries_left_it_is_dead_and_announced() -> None:
    calls = register("shop.charge", max_attempts=3)
    calls.then = lambda message: 1 // 0
    message = handled(received())
    run = only_run(message)
    assert (run.status, run.attempts, len(calls)) == ("dead", 3, 3)
    assert (message.status, message.reason) == ("failed", f"shop.charge: {run.error}")
    (event,) = Event.objects.all()
    assert (event.type, event.origin, event.tenant_id) == ("processor.dead", "operational", message.tenant_id)
    assert json.loads(bytes(event.data)) == {
        "run_id": run.public_id, "received_id": ids.show(ids.RECEIVED, message.id),
        "source_id": message.source.public_id, "event_type": "order.created", "processor": "shop.charge",
        "reason": run.error, "attempts": 3,
    }  # fmt: skip


def test_one_that_came_back_in_is_not_announced_again() -> None:
    register("shop.charge", max_attempts=1).then = lambda message: 1 // 0
    assert handled(received(event_type="processor.dead")).status == "failed"
    assert not Event.objects.exists()


def test_a_processor_that_gives_up_is_not_tried_again() -> None:
    def refuse(message: Message) -> None:
        raise webhooks.GiveUp("This order is of another shop.")

    calls = register("shop.charge")
    calls.then = refuse
    run = only_run(handled(received()))
    assert (run.status, run.attempts, run.error) == ("dead", 1, "This order is of another shop.")


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_a_processor_cannot_end_its_worker(kind: type[BaseException]) -> None:
    def leave(message: Message) -> None:
        raise kind

    register("shop.charge", max_attempts=1).then = leave
    assert only_run(handled(received())).status == "dead"


def test_secrets_are_neither_in_the_error_nor_in_the_traceback() -> None:
    sentence = f"cannot use {SECRET[6:]} and password=hunter2 of https://u:p@example.com/"

    def quote(message: Message) -> None:
        raise ValueError(sentence)

    register("shop.charge", max_attempts=1).then = quote
    source = make_source(forward=False, secrets=[{"secret": SECRET[6:], "until": 4e9}])
    message = make_received(source, event_type="a")
    run = only_run(handled(message))
    for text in (run.error, run.traceback):
        assert "ValueError" in text
        assert not [secret for secret in (SECRET[6:], "hunter2", "u:p@") if secret in text]


def test_a_processor_that_is_not_there_any_more_is_waited_for_and_named() -> None:
    register("shop.charge")
    message = received()
    processors._registry.clear()
    assert words(only_run(message).id) == ["failing"]
    assert "knows no processor shop.charge" in only_run(message).error


def test_a_message_that_has_expired_ends_its_run() -> None:
    register("shop.charge")
    message = received()
    run = only_run(message)
    ReceivedMessage.objects.filter(id=message.id).delete()
    assert words(run.id) == ["dead"]
    run.refresh_from_db()
    assert run.error == "The message has expired."


# --- time


def test_a_processor_that_takes_too_long_is_interrupted_and_tried_again(overtime: Overtime) -> None:
    def spin(message: Message) -> None:
        if message.attempt == 1:
            overtime.strike()
        while message.attempt == 1:
            pass

    register("shop.charge", time_limit=30).then = spin
    message = received()
    assert words(only_run(message).id) == ["failing"]
    assert only_run(message).error == "It did not return within 30 seconds."
    assert words(only_run(message).id) == ["succeeded"]


def test_a_statement_of_it_that_takes_too_long_is_ended_by_the_database(overtime: Overtime) -> None:
    ended: list[str] = []

    def sleep(message: Message) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(60)")
        except BaseException as error:
            ended.append(type(error).__name__)
            raise

    register("shop.charge", time_limit=0.5).then = sleep
    assert words(only_run(received()).id) == ["failing"]
    assert ended == ["OperationalError"], "nobody else has ended it"
    assert time_limit.abandoned() == 0


def test_what_ends_after_its_time_changes_nothing(tenant: Tenant, overtime: Overtime) -> None:
    release, overtime.grace = threading.Event(), 0.05

    def hang(message: Message) -> None:
        Tenant.objects.filter(id=tenant.id).update(name=f"by attempt {message.attempt}")
        if message.attempt == 1:
            overtime.strike()
            release.wait(60)

    register("shop.charge", time_limit=30).then = hang
    message = received()
    assert words(only_run(message).id) == ["failing"]
    assert time_limit.abandoned() == 1
    release.set()
    eventually(lambda: not time_limit.abandoned())
    tenant.refresh_from_db()
    assert tenant.name != "by attempt 1", "its transaction was rolled back"
    assert only_run(message).status == "pending"


def test_a_process_with_too_many_hanging_calls_takes_no_more(settings: Any, overtime: Overtime) -> None:
    settings.WEBHOOKS_STUCK_PROCESSORS = 1
    release, overtime.grace = threading.Event(), 0.05

    def hang(message: Message) -> None:
        if not release.is_set():
            overtime.strike()
            release.wait(60)

    register("shop.charge", time_limit=30, transaction=False).then = hang
    first, second = received(), received()
    assert words(only_run(first).id) == ["failing"]
    assert words(only_run(second).id) == ["stuck"]
    assert only_run(second).attempts == 0
    release.set()
    eventually(lambda: not time_limit.abandoned())
    assert words(only_run(second).id) == ["succeeded"]


# --- at least once, and exactly once


def test_of_many_workers_at_once_one_runs_it() -> None:
    calls = register("shop.charge")
    run = only_run(received())
    assert sorted(at_once(*[lambda: words(run.id)[0]] * 6)) == ["idle"] * 5 + ["succeeded"]
    assert len(calls) == 1


def test_a_run_whose_worker_died_is_taken_again_when_its_lease_is_over() -> None:
    calls = register("shop.charge")
    run = only_run(received())
    ProcessorRun.objects.update(
        status="running", attempts=1, lease_token=run.id, due_at=datetime.now(UTC) + timedelta(seconds=60)
    )
    assert (words(run.id), sweep().runs) == (["idle"], [])
    expire(run.id)
    assert sweep().runs == [run.id]
    assert words(run.id) == ["succeeded"]
    assert [call.attempt for call in calls] == [2]


def test_what_kills_its_worker_each_time_is_given_up() -> None:
    calls = register("shop.charge", max_attempts=2)
    run = only_run(received())
    ProcessorRun.objects.update(status="running", attempts=2, lease_token=run.id)
    assert words(run.id) == ["dead"]
    run.refresh_from_db()
    assert (run.error, calls) == ("The worker stopped in the middle of it.", [])


@pytest.mark.parametrize("in_transaction", [True, False])
def test_a_worker_that_lost_its_lease_notes_nothing(in_transaction: bool, tenant: Tenant) -> None:
    begun, release = threading.Event(), threading.Event()

    def slow(message: Message) -> str:
        if message.attempt == 1:
            Tenant.objects.filter(id=tenant.id).update(name="by the first")
            begun.set()
            release.wait(60)
            return "first"
        return "second"

    register("shop.charge", transaction=in_transaction).then = slow
    message = received()
    run = only_run(message)
    first = in_thread(words, run.id)
    assert begun.wait(30)
    expire(run.id)
    assert words(run.id) == ["succeeded"]
    release.set()
    assert first() == ["late"]
    tenant.refresh_from_db()
    assert only_run(message).result == "second"
    assert (tenant.name == "by the first") != in_transaction, "outside a transaction there is nothing to take back"


def test_its_changes_and_its_success_are_one_transaction(tenant: Tenant) -> None:
    def count(message: Message) -> None:
        Tenant.objects.filter(id=tenant.id).update(name=f"changed by attempt {message.attempt}")
        webhooks.emit("order.charged", {"attempt": message.attempt}, tenant=tenant)
        if message.attempt == 1:
            raise RuntimeError

    register("shop.charge").then = count
    message = handled(received())
    assert message.status == "processed"
    assert [json.loads(bytes(event.data)) for event in Event.objects.filter(type="order.charged")] == [{"attempt": 2}]


def test_without_a_transaction_it_is_in_none() -> None:
    seen: list[bool] = []
    register("shop.charge", transaction=False).then = lambda message: seen.append(connection.in_atomic_block)
    register("shop.refund").then = lambda message: seen.append(connection.in_atomic_block)
    handled(received())
    assert sorted(seen) == [False, True]


def test_what_it_rings_on_commit_rings_after_its_success() -> None:
    seen: list[str] = []
    message_of: list[ReceivedMessage] = []

    def ring(message: Message) -> None:
        transaction.on_commit(lambda: seen.append(only_run(message_of[0]).status))

    register("shop.charge").then = ring
    message_of.append(received())
    handled(message_of[0])
    assert seen == ["succeeded"]


# --- retention


def test_runs_go_with_their_day_and_an_unfinished_one_keeps_it() -> None:
    register("shop.charge")
    old = ids.floor(datetime.now(UTC) - timedelta(days=40))
    message = received(id=old)
    run = only_run(message)
    assert ids.created_at(run.id) == ids.created_at(old)
    from webhooks.services.partitions import make_ahead

    make_ahead()
    drop_expired()
    assert ProcessorRun.objects.filter(id=run.id).exists(), "it is unfinished"
    assert words(run.id) == ["succeeded"]
    assert any("processorrun" in name for name in drop_expired())
    assert not ProcessorRun.objects.exists()
