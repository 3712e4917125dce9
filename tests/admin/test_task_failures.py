"""Task failures in the admin: who sees them, what they tell, and running them again."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import pytest
import redis
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.admin.pages import act, add_page, list_page, page, text
from tests.factories import make_delivery, make_endpoint
from webhooks.models import Mailbox, TaskFailure
from webhooks.services import endpoints, task_failures


def make_failure(*args: Any, **fields: Any) -> TaskFailure:
    now = timezone.now()
    values: dict[str, Any] = {
        "task": "webhooks.settle", "args": list(args), "queue": "default", "exception": "builtins.KeyError",
        "sentence": "no such thing", "traceback": "webhooks/tasks.py:1 in settle", "worker": "general@host",
        "first_seen": now, "last_seen": now, "paused_until": now, "count": 7,
    }  # fmt: skip
    return TaskFailure.objects.create(**(values | fields))


def published(queue: str) -> list[dict[str, Any]]:
    """Headers of the messages that wait in a queue."""
    with redis.Redis.from_url(os.environ["CELERY_BROKER_URL"]) as broker:
        return [json.loads(message)["headers"] for message in broker.lrange(queue, 0, -1)]  # type: ignore[union-attr]


def test_the_list_shows_what_is_open_unless_asked_otherwise(admin_client: Client) -> None:
    row, done = make_failure("a"), make_failure("b", resolution="succeeded", resolved_at=timezone.now())
    shown = text(admin_client.get(list_page(TaskFailure)))
    assert page(row) in shown
    assert "builtins.KeyError" in shown
    assert page(done) not in shown
    assert page(done) in text(admin_client.get(list_page(TaskFailure), {"resolution": "all"}))
    other = make_failure(task="webhooks.sweep")
    narrowed = text(admin_client.get(list_page(TaskFailure), {"task": "webhooks.sweep"}))
    assert page(other) in narrowed
    assert page(row) not in narrowed


def test_the_page_tells_where_it_failed_and_which_endpoint_it_was_about(admin_client: Client) -> None:
    endpoint = make_endpoint()
    row = make_failure(str(endpoint.pk), task="webhooks.deliver", queue="deliver.1")
    shown = text(admin_client.get(page(row)))
    for part in ("no such thing", "webhooks/tasks.py:1 in settle", "general@host", "deliver.1", page(endpoint)):
        assert part in shown
    by_id = text(admin_client.get(reverse("admin:webhooks_taskfailure_change", args=[row.public_id])))
    assert row.public_id in by_id
    assert ">Run again</button>" in by_id


def test_a_failure_of_an_endpoint_that_is_gone_has_a_page_too(admin_client: Client) -> None:
    assert "tf_" in text(admin_client.get(page(make_failure("not-an-id", 7, None))))


def test_run_again_publishes_the_task_and_ends_the_pause(admin_client: Client) -> None:
    delivery = make_delivery()
    row = make_failure(str(delivery.endpoint_id), task="webhooks.deliver", queue="deliver.3")
    endpoints.defer(delivery.endpoint_id, 300, task_failures.REASON)
    shown = text(act(admin_client, page(row), "run_again", row))
    assert "Published 1 of 1" in shown
    (headers,) = published("deliver.3")
    assert headers["task"] == "webhooks.deliver"
    assert str(delivery.endpoint_id) in headers["argsrepr"]
    assert Mailbox.objects.get().blocked_until is None
    row.refresh_from_db()
    assert row.resolution == "open", "until it has gone through"
    assert LogEntry.objects.get().change_message == "Run again."


def test_what_cannot_be_run_again_is_not_offered_and_not_published(admin_client: Client) -> None:
    row = make_failure("<dict>", runnable=False)
    shown = text(admin_client.get(page(row)))
    assert 'value="run_again"' not in shown
    assert 'value="resolve"' in shown
    assert "Published 0 of 1" in text(act(admin_client, list_page(TaskFailure), "run_again", row))
    assert published("default") == []


def test_a_broker_that_is_away_is_a_sentence(admin_client: Client, celery_setup_app: Any, celery_broker: Any) -> None:
    row = make_failure("a")
    celery_broker.kill()
    assert "The broker cannot be reached" in text(act(admin_client, page(row), "run_again", row))


def test_resolving_says_what_was_resolved_before(admin_client: Client) -> None:
    row, done = make_failure("a"), make_failure("b", resolution="succeeded", resolved_at=timezone.now())
    shown = text(act(admin_client, f"{list_page(TaskFailure)}?resolution=all", "resolve", row, done))
    assert "Resolved 1 of 2" in shown
    row.refresh_from_db()
    done.refresh_from_db()
    assert (row.resolution, done.resolution) == ("resolved", "succeeded")
    assert row.resolved_at is not None
    assert 'name="action"' not in text(admin_client.get(page(row)))


def test_who_may_only_look_may_not_act(staff: Callable[..., Client]) -> None:
    row = make_failure("a")
    client = staff("view_taskfailure")
    assert 'value="run_again"' not in text(client.get(page(row)))
    act(client, list_page(TaskFailure), "resolve", row)
    act(client, page(row), "run_again", row)
    row.refresh_from_db()
    assert row.resolution == "open"
    assert published("default") == []


def test_without_permission_there_is_nothing_to_see(staff: Callable[..., Client]) -> None:
    row = make_failure("a")
    client = staff("view_delivery")
    assert client.get(list_page(TaskFailure)).status_code == 403
    assert client.get(page(row)).status_code == 403
    assert "tasks that failed" not in text(client.get(reverse("admin:index")))


def test_nobody_adds_or_deletes_failures(admin_client: Client) -> None:
    row = make_failure("a")
    assert admin_client.get(add_page(TaskFailure)).status_code == 403
    assert admin_client.get(reverse("admin:webhooks_taskfailure_delete", args=[row.pk])).status_code == 403


def test_the_start_page_counts_them(admin_client: Client) -> None:
    make_failure("a")
    make_failure("b", resolution="resolved")
    shown = text(admin_client.get(reverse("admin:index")))
    assert "<strong>1</strong>" in shown.split("tasks that failed")[0].rsplit("<a ", 1)[1]


@pytest.mark.parametrize("field", ["sentence", "traceback", "exception", "worker", "queue"])
def test_what_a_task_said_is_shown_as_text(admin_client: Client, field: str) -> None:
    row = make_failure("<script>alert(1)</script>", **{field: "<script>alert(2)</script>"})
    for url in (page(row), list_page(TaskFailure)):
        assert b"<script>alert" not in admin_client.get(url).content
