"""Drains that are late, overtaken or interrupted by a change of their endpoint."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from tests.answers import Answer, Hang
from tests.receiver import Receiver
from tests.services.engine import (
    HOOK,
    SOON,
    in_thread,
    mailbox_faults,
    post,
    run_to_quiescence,
    states,
)
from webhooks.models import Attempt, Delivery, Endpoint, Mailbox
from webhooks.services import drain as drain_module
from webhooks.services import endpoints
from webhooks.services.claim import claim
from webhooks.services.drain import Drained, drain
from webhooks.services.settle import settle
from webhooks.services.sweep import sweep

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]


def test_a_late_result_is_kept_and_changes_nothing(endpoint_at: Callable[..., Endpoint], receiver: Receiver) -> None:
    receiver.script(HOOK, [Hang(Answer(500)), Answer(200)])
    endpoint = endpoint_at()
    post(endpoint)
    slow = in_thread(drain, endpoint.id)
    receiver.wait_for(1)
    Delivery.objects.update(lease_until=datetime.now(UTC) - timedelta(hours=1))
    assert sweep().expired == 1
    assert drain(endpoint.id).sent == 1
    receiver.release()
    slow()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempt_count, delivery.response_status) == ("succeeded", 2, 200)
    assert sorted(Attempt.objects.values_list("number", "outcome")) == [(1, "late"), (1, "lost"), (2, "succeeded")]
    assert mailbox_faults(endpoint.id) == []


def test_a_late_result_does_not_free_the_successors_lease(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    receiver.script(HOOK, [Hang(Answer(200)), Hang(Answer(200))])
    endpoint = endpoint_at()
    post(endpoint)
    first = in_thread(drain, endpoint.id)
    receiver.wait_for(1)
    Delivery.objects.update(lease_until=datetime.now(UTC) - timedelta(hours=1))
    sweep()
    second_token_before = Delivery.objects.get().lease_token
    assert second_token_before is None
    second = in_thread(drain, endpoint.id)
    receiver.wait_for(2)
    held = Delivery.objects.get()
    receiver.release()
    first()
    second()
    assert held.state == "sending"
    assert Delivery.objects.get().state == "succeeded"
    assert sorted(Attempt.objects.values_list("outcome", flat=True)) == ["late", "lost", "succeeded"]


def test_a_worker_that_stood_still_since_its_claim_sends_nothing(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frozen, or a machine that swaps: another worker has the rows, or will before an answer comes.

    What nobody else has is given back at once: no request was made, so there is nothing to be noted as *lost*.
    """
    endpoint = endpoint_at()
    post(endpoint, 3)
    with monkeypatch.context() as patch:
        patch.setattr(drain_module, "lease_seconds", lambda timeout: timeout - 0.001)
        drained = drain(endpoint.id)
    assert (drained.word, [bell.endpoint_id for bell in drained.bells]) == ("lost", [endpoint.id])
    assert receiver.requests(HOOK) == []
    assert mailbox_faults(endpoint.id) == []
    assert drain(endpoint.id).sent == 3
    assert sorted(Attempt.objects.values_list("number", "outcome")) == [(1, "succeeded")] * 3
    assert len(receiver.requests(HOOK)) == 3
    assert mailbox_faults(endpoint.id) == []


def test_a_worker_that_stood_still_until_others_had_its_rows_takes_nothing_from_them(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attack: the rows are another drain's when it goes on; giving them back would have them sent twice."""
    endpoint = endpoint_at()
    post(endpoint)
    others = uuid4()

    def claim_and_stand_still(*args: Any, **kwargs: Any) -> Any:
        claimed = claim(*args, **kwargs)
        Delivery.objects.update(lease_token=others)
        return claimed

    monkeypatch.setattr(drain_module, "claim", claim_and_stand_still)
    monkeypatch.setattr(drain_module, "lease_seconds", lambda timeout: timeout - 0.001)
    assert drain(endpoint.id).word == "lost"
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.lease_token, delivery.attempt_count) == ("sending", others, 1)
    assert receiver.requests(HOOK) == []


def test_rows_given_back_while_another_drain_settles_the_mailbox_are_due(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    """Attack: the second drain finds nothing and clears the mailbox; the first then gives rows back."""
    receiver.script(HOOK, [Hang()])
    endpoint = endpoint_at(timeout=1, retry_policy={"schedule": [500], "jitter": 0})
    post(endpoint, 5)
    first = in_thread(drain, endpoint.id)
    receiver.wait_for(1)
    assert drain(endpoint.id).word == "idle"
    assert Mailbox.objects.get(endpoint=endpoint).next_due_at is None
    assert first().sent == 1
    assert mailbox_faults(endpoint.id) == []
    assert [bell.endpoint_id for bell in sweep().bells] == [endpoint.id]


def test_results_held_while_the_endpoint_is_being_resumed_are_not_forgotten(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    """Attack: the record sees a paused endpoint, and the settle of its resumption skips the record's rows."""
    receiver.script(HOOK, [Hang(Answer(500))])
    endpoint = endpoint_at(retry_policy=SOON)
    post(endpoint)
    resumed: list[bool] = []

    def record_slowly() -> Drained:
        def interrupt(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            if "SELECT oldest_pending_id" in sql and not resumed:
                resumed.append(True)
                in_thread(endpoints.resume, endpoint.id)()
                in_thread(settle, endpoint.id)()
            return execute(sql, params, many, context)

        with connection.execute_wrapper(interrupt):
            return drain(endpoint.id)

    first = in_thread(record_slowly)
    receiver.wait_for(1)
    endpoints.pause(endpoint.id)
    settle(endpoint.id)
    receiver.release()
    first()
    run_to_quiescence(endpoint.id)
    assert states(endpoint) == ["succeeded"]


def test_a_pause_during_a_request_holds_its_retry(endpoint_at: Callable[..., Endpoint], receiver: Receiver) -> None:
    receiver.script(HOOK, [Hang(Answer(500))])
    endpoint = endpoint_at(retry_policy=SOON)
    post(endpoint)
    first = in_thread(drain, endpoint.id)
    receiver.wait_for(1)
    endpoints.pause(endpoint.id)
    receiver.release()
    first()
    run_to_quiescence(endpoint.id)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempt_count) == ("held", 1)
    endpoints.resume(endpoint.id)
    run_to_quiescence(endpoint.id)
    assert states(endpoint) == ["succeeded"]


def test_a_deletion_during_a_request_cancels_its_retry(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    receiver.script(HOOK, [Hang(Answer(500))])
    endpoint = endpoint_at(retry_policy=SOON)
    post(endpoint)
    first = in_thread(drain, endpoint.id)
    receiver.wait_for(1)
    endpoints.delete(endpoint.id)
    receiver.release()
    first()
    run_to_quiescence(endpoint.id)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.next_attempt_at) == ("cancelled", None)
    assert delivery.finished_at is not None
    assert drain(endpoint.id).sent == 0


def test_no_database_connection_is_held_during_a_request(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    receiver.always(HOOK, Hang())
    endpoint = endpoint_at(max_in_flight=50)
    post(endpoint, 1)
    baseline = idle_connections()
    first = in_thread(drain, endpoint.id)
    receiver.wait_for(1)
    assert idle_connections() == baseline
    receiver.release()
    assert first().sent == 1


def idle_connections() -> int:
    """Connections that threads have taken out of the pool, without this thread's own."""
    connection.close()
    pool = connection.pool  # type: ignore[attr-defined]
    stats = pool.get_stats()
    return int(stats["pool_size"] - stats["pool_available"])


def test_a_database_that_is_away_for_a_moment_costs_no_repeat(
    endpoint_at: Callable[..., Endpoint], receiver: Receiver
) -> None:
    """The connections are cut after the requests and before their results are written."""
    endpoint = endpoint_at()
    post(endpoint, 3)
    cut: list[int] = []

    def interrupt(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "WITH r AS" in sql and not cut:
            cut.append(in_thread(cut_other_connections)())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(interrupt):
        drain(endpoint.id)

    assert cut[0] >= 1
    assert len(receiver.requests()) == 3
    assert states(endpoint) == ["succeeded"] * 3
    assert Attempt.objects.count() == 3


def cut_other_connections() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])
