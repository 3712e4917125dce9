"""A task that failed is one row while it is open, paused for longer with each repeat, resolved when it succeeds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from tests.factories import make_delivery, make_endpoint
from tests.services.engine import at_once
from webhooks.core import ids
from webhooks.models import Delivery, Endpoint, Mailbox, TaskFailure
from webhooks.services import task_failures
from webhooks.services.sweep import sweep
from webhooks.services.task_failures import DELIVER, FIRST_PAUSE, LONGEST_PAUSE, Failure

pytestmark = pytest.mark.django_db


def failure(*args: Any, task: str = "webhooks.settle", **fields: Any) -> Failure:
    plain = Failure(
        task=task, args=list(args), runnable=True, queue="default", exception="builtins.ZeroDivisionError",
        sentence="division by zero", traceback="webhooks/tasks.py:1 in settle", worker="general@host",
    )  # fmt: skip
    return replace(plain, **fields)


def failure_of(endpoint: Endpoint) -> Failure:
    return failure(str(endpoint.id), task=DELIVER)


def test_the_first_failure_makes_a_row() -> None:
    recorded = task_failures.record(failure("a"))
    row = TaskFailure.objects.get()
    assert (row.id, row.count, row.resolution) == (recorded.id, 1, "open")
    assert (row.task, row.args, row.worker) == ("webhooks.settle", ["a"], "general@host")
    assert row.first_seen == row.last_seen


def test_a_repeat_counts_up_and_tells_the_last_one() -> None:
    first = task_failures.record(failure("a"))
    again = task_failures.record(failure("a", exception="builtins.KeyError", sentence="x", worker="other@host"))
    row = TaskFailure.objects.get()
    assert (again.id, again.count) == (first.id, 2)
    assert (row.exception, row.sentence, row.worker) == ("builtins.KeyError", "x", "other@host")


def test_other_arguments_and_other_tasks_are_other_failures() -> None:
    for one in (failure("a"), failure("b"), failure(), failure("a", task="webhooks.dead_letter")):
        task_failures.record(one)
    assert TaskFailure.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_lose_no_count() -> None:
    at_once(*[lambda: task_failures.record(failure("a")) for _ in range(8)])
    assert TaskFailure.objects.get().count == 8


def test_after_it_was_resolved_a_failure_opens_a_new_row() -> None:
    first = task_failures.record(failure("a"))
    assert task_failures.resolve([first.id]) == 1
    again = task_failures.record(failure("a"))
    assert again.id != first.id
    assert again.count == 1
    assert TaskFailure.objects.get(id=first.id).count == 1


def test_what_is_resolved_is_not_resolved_again() -> None:
    first = task_failures.record(failure("a"))
    assert task_failures.succeeded("webhooks.settle", ["a"])
    assert task_failures.resolve([first.id]) == 0
    row = TaskFailure.objects.get()
    assert row.resolution == "succeeded"
    assert row.resolved_at is not None


@pytest.mark.parametrize(("task", "args"), [("webhooks.settle", ["b"]), ("webhooks.sweep", ["a"])])
def test_a_success_of_something_else_resolves_nothing(task: str, args: list[str]) -> None:
    task_failures.record(failure("a"))
    assert not task_failures.succeeded(task, args)
    assert task_failures.count_open() == 1


@pytest.mark.parametrize(("lease", "proof"), [(20, False), (-5, False), (60, True)])
def test_a_success_while_failed_deliveries_are_still_claimed_proves_nothing(lease: int, proof: bool) -> None:
    """They are tried again when their leases end. 60 s: claimed by another worker, long after the failure."""
    delivery = make_delivery(state="sending", lease_until=timezone.now() + timedelta(seconds=lease))
    task_failures.record(failure_of(delivery.endpoint))
    assert task_failures.succeeded(DELIVER, [str(delivery.endpoint_id)]) is proof
    Delivery.objects.update(state="succeeded", lease_until=None)
    assert task_failures.succeeded(DELIVER, [str(delivery.endpoint_id)]) is not proof
    assert task_failures.count_open() == 0


# --- pauses


def test_the_pause_doubles_up_to_its_limit() -> None:
    pauses = [task_failures.record(failure("a")).pause for _ in range(10)]
    assert pauses == pytest.approx([5, 10, 20, 40, 80, 160, 300, 300, 300, 300])
    assert (pauses[0], pauses[-1]) == (FIRST_PAUSE, LONGEST_PAUSE)


def test_a_count_of_thousands_does_not_overflow() -> None:
    task_failures.record(failure("a"))
    TaskFailure.objects.update(count=2_000_000)
    assert task_failures.record(failure("a")).pause == LONGEST_PAUSE


@pytest.mark.django_db(transaction=True)
def test_an_endpoint_whose_task_fails_is_left_alone_and_rung_afterwards() -> None:
    delivery = make_delivery()
    rung = [bell.endpoint_id for bell in sweep().bells]
    assert rung == [delivery.endpoint_id]
    task_failures.record(failure_of(delivery.endpoint))
    assert sweep().bells == []
    mailbox = Mailbox.objects.get()
    assert mailbox.blocked_reason == task_failures.REASON
    assert mailbox.next_due_at == mailbox.blocked_until
    assert timedelta(0) < mailbox.blocked_until - timezone.now() <= timedelta(seconds=FIRST_PAUSE)  # type: ignore[operator]
    past = timezone.now() - timedelta(hours=1)
    Mailbox.objects.update(next_due_at=past, blocked_until=past)
    assert [bell.endpoint_id for bell in sweep().bells] == [delivery.endpoint_id]


def test_the_end_of_a_pause_is_for_the_failure_only() -> None:
    ours, breaker = make_delivery().endpoint, make_delivery().endpoint
    until = timezone.now() + timedelta(hours=1)
    for endpoint in (ours, breaker):
        task_failures.record(failure_of(endpoint))
    Mailbox.objects.filter(endpoint=breaker).update(blocked_until=until, blocked_reason="breaker")
    for row in TaskFailure.objects.all():
        task_failures.release(row)
    assert Mailbox.objects.get(endpoint=ours).blocked_until is None
    assert Mailbox.objects.get(endpoint=breaker).blocked_until == until


@pytest.mark.parametrize("args", [[], ["nonsense"], [7], [None], ["<dict>"]])
def test_a_delivery_task_called_with_no_endpoint_is_recorded_all_the_same(args: list[Any]) -> None:
    assert task_failures.record(failure(*args, task=DELIVER)).count == 1


def test_an_endpoint_that_is_gone_does_not_matter() -> None:
    assert task_failures.record(failure(str(ids.new_id()), task=DELIVER)).count == 1


def test_what_rests_is_named_until_its_pause_is_over_or_it_is_resolved() -> None:
    for name in ("resting", "over", "resolved"):
        task_failures.record(failure(name))
    TaskFailure.objects.filter(args=["over"]).update(paused_until=timezone.now() - timedelta(hours=1))
    task_failures.succeeded("webhooks.settle", ["resolved"])
    assert task_failures.resting() == {task_failures.key("webhooks.settle", ["resting"])}
    assert task_failures.open_keys() == {task_failures.key("webhooks.settle", [name]) for name in ("resting", "over")}


# --- arguments


@pytest.mark.parametrize(
    "args", [[], ["01a209d7-e1b3-74fd-98d0-8b2dddc65c2b"], [1, None, True], ["evt_1", "general@host:1"]]
)
def test_ids_and_numbers_are_kept(args: list[Any]) -> None:
    assert task_failures.storable(args) == (args, True)


@pytest.mark.parametrize(
    ("args", "kept"),
    [
        ([{"password": "x"}], ["<dict>"]),
        (["a secret sentence"], ["<str>"]),
        (["x" * 65], ["<str>"]),
        (["id\n"], ["<str>"]),
        ([""], ["<str>"]),
        ([2**60], ["<int>"]),
        ([1.5], ["<float>"]),
        (["id", b"bytes"], ["id", "<bytes>"]),
        ([1] * 9, [1] * 8),
    ],
)
def test_anything_else_is_told_by_its_type_and_cannot_be_run_again(args: list[Any], kept: list[Any]) -> None:
    assert task_failures.storable(args) == (kept, False)


def test_named_arguments_are_not_kept() -> None:
    assert task_failures.storable(["id"], {"delay": 7}) == (["id"], False)


# --- pruning


def test_what_was_resolved_long_ago_is_deleted_and_what_is_open_never(settings: Settings) -> None:
    settings.WEBHOOKS_RETENTION_DAYS = 3
    for name in ("old", "new", "open"):
        task_failures.record(failure(name))
    for name, days in (("old", 4), ("new", 2)):
        task_failures.succeeded("webhooks.settle", [name])
        TaskFailure.objects.filter(args=[name]).update(resolved_at=timezone.now() - timedelta(days=days))
    TaskFailure.objects.filter(args=["open"]).update(first_seen=timezone.now() - timedelta(days=99))
    assert task_failures.prune() == 1
    assert sorted(TaskFailure.objects.values_list("args__0", flat=True)) == ["new", "open"]


def test_recording_prunes() -> None:
    task_failures.record(failure("old"))
    task_failures.succeeded("webhooks.settle", ["old"])
    TaskFailure.objects.update(resolved_at=timezone.now() - timedelta(days=400))
    task_failures.record(failure("new"))
    assert TaskFailure.objects.get().args == ["new"]


def test_failures_of_endpoints_are_counted_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_failures, "OPEN_LIMIT", 3)
    for n in range(5):
        task_failures.record(failure(n))
    assert task_failures.count_open() == 3
    assert len(task_failures.open_keys()) == 3


def test_an_endpoint_with_nothing_due_is_not_made_due_by_a_pause() -> None:
    endpoint = make_endpoint()
    task_failures.record(failure_of(endpoint))
    assert Mailbox.objects.get(endpoint=endpoint).next_due_at is None
