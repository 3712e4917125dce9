"""What becomes of a received message: its event, its runs, and both again."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.factories import make_event, make_received, make_source
from tests.services.engine import at_once
from tests.services.processing import handled, only_run, register, words
from webhooks.core import ids, processors
from webhooks.errors import Conflict, InvalidInput, NotFound
from webhooks.models import AuditEntry, Event, ProcessorRun, ReceivedMessage, Source
from webhooks.services.processing import process, replay, replay_runs
from webhooks.services.processor_runs import runs_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_processors")]
BODY = b'{ "n": 1.50, "\\u00e9": "\xc3\xa9" }'


def received(body: bytes = BODY, *, source: dict[str, Any] | None = None, **fields: Any) -> ReceivedMessage:
    made = make_source(**{"provider": "github", "name": "repos", **(source or {})})
    values = {"key": "72d3162e-cc78", "type": "push", "event_type": "github.push", "body": body, **fields}
    return make_received(made, **values)


def event_of(message: ReceivedMessage) -> Event:
    message.refresh_from_db()
    return Event.objects.get(id=message.event_id)


# --- events


def test_a_message_becomes_an_event_with_the_providers_id_and_the_bytes_that_came() -> None:
    message = received(headers=[["X-GitHub-Event", "push"], ["X-Hub-Signature-256", "********"], ["Cookie", "a"]])
    done = process(message.id)
    event = event_of(message)
    assert (done.word, done.published, done.runs) == ("processed", True, [])
    assert (event.type, event.key, event.origin, event.tenant_id) == (
        "github.push",
        message.key,
        "inbound",
        message.tenant_id,
    )
    assert bytes(event.data) == BODY
    assert event.metadata == {
        "source": message.source.public_id, "source_name": "repos", "provider": "github", "provider_id": message.key,
        "provider_type": "push", "received_id": ids.show(ids.RECEIVED, message.id),
        "headers": {"x-github-event": "push"},
    }  # fmt: skip
    assert message.status == "processed"
    assert message.processed_at is not None
    assert not runs_of(message.id).exists()


def test_it_is_processed_once() -> None:
    register("shop.charge")
    message = received()
    assert [process(message.id).word for _ in range(2)] == ["processed", "known"]
    assert Event.objects.count() == ProcessorRun.objects.count() == 1


def test_of_many_at_once_one_processes_it() -> None:
    register("shop.charge")
    message = received()
    done = at_once(*[lambda: process(message.id).word] * 6)
    assert sorted(done) == ["known"] * 5 + ["processed"]
    assert Event.objects.count() == ProcessorRun.objects.count() == 1


def test_a_source_that_does_not_forward_makes_no_event() -> None:
    message = received(source={"forward": False})
    assert process(message.id).published is False
    assert not Event.objects.exists()


@pytest.mark.parametrize("status", ["rejected", "refused", "processed"])
def test_only_what_was_accepted_is_processed(status: str) -> None:
    message = received(status=status)
    assert process(message.id).word == "known"
    assert not Event.objects.exists()


def test_an_unknown_message_is_nothing_to_do() -> None:
    assert process(uuid4()).word == "known"


def test_what_is_no_json_is_wrapped() -> None:
    message = received(b"a=1&b=\xff", content_type="text/plain; charset=latin-1")
    process(message.id)
    assert json.loads(bytes(event_of(message).data)) == {
        "content_type": "text/plain; charset=latin-1", "body_base64": "YT0xJmI9/w==",
    }  # fmt: skip


@pytest.mark.parametrize("key", ["", "a b", "sha256:00"], ids=["none", "blank", "colon"])
def test_a_providers_id_that_is_no_event_id_gives_way_to_the_messages_own(key: str) -> None:
    message = received(key=key)
    process(message.id)
    assert event_of(message).key == ids.show(ids.RECEIVED, message.id)


def test_an_id_that_another_event_has_gives_way_to_the_messages_own() -> None:
    message = received()
    make_event(message.tenant, key=message.key)
    process(message.id)
    event = event_of(message)
    assert event.key == ids.show(ids.RECEIVED, message.id)
    assert event.metadata["provider_id"] == message.key


def test_a_correlation_id_that_came_is_kept() -> None:
    message = received(headers=[["X-Correlation-ID", "abc-1"]])
    process(message.id)
    assert event_of(message).correlation_id == "abc-1"


@pytest.mark.parametrize(
    ("body", "fields", "why"),
    [
        (b'"' + b"x" * 300_000 + b'"', {}, "at most 262144 bytes"),
        (b"[" * 70 + b"]" * 70, {}, "nested"),
        (b'"\\ud800"', {}, "lone surrogate"),
        (b"NaN", {}, "NaN"),
        (b"{}", {"event_type": "github..push"}, "letters, digits and underscores"),
        (b"{}", {"event_type": ""}, "no type"),
    ],
    ids=["large", "deep", "surrogate", "nan", "type", "no type"],
)
def test_what_cannot_be_an_event_is_a_failure_that_can_be_seen(body: bytes, fields: dict[str, str], why: str) -> None:
    message = received(body, **fields)
    assert process(message.id).word == "failed"
    message.refresh_from_db()
    run = only_run(message)
    assert (message.status, run.status, run.processor) == ("failed", "dead", "forward")
    assert why in run.error
    assert why in message.reason
    (news,) = Event.objects.filter(type="processor.dead")
    assert json.loads(bytes(news.data))["reason"] == run.error


def test_a_failure_to_become_an_event_does_not_keep_processors_from_it() -> None:
    calls = register("shop.charge")
    message = handled(received(b"[" * 70 + b"]" * 70))
    assert len(calls) == 1
    assert message.status == "failed"


def test_it_becomes_an_event_when_the_cause_is_mended(settings: Any) -> None:
    settings.WEBHOOKS_MAX_EVENT_BYTES = 10
    message = received()
    process(message.id)
    settings.WEBHOOKS_MAX_EVENT_BYTES = 1000
    assert words(*replay(message.id)) == ["succeeded"]
    event = event_of(message)
    assert bytes(event.data) == BODY
    assert (message.status, message.reason, only_run(message).result) == (
        "processed", "", {"event": ids.show(ids.EVENT, event.id)},
    )  # fmt: skip


# --- runs


def test_there_is_a_run_for_each_processor_that_wants_it() -> None:
    register("shop.all")
    register("shop.pushes", "github.push")
    register("shop.pulls", "github.pull_request.*")
    register("shop.ours", source="repos")
    register("shop.theirs", source="others")
    message = received()
    done = process(message.id)
    runs = ProcessorRun.objects.filter(id__in=done.runs)
    assert sorted(runs.values_list("processor", flat=True)) == ["shop.all", "shop.ours", "shop.pushes"]
    assert {(run.status, run.source_id, run.tenant_id) for run in runs} == {
        ("pending", message.source_id, message.tenant_id)
    }
    assert sorted(done.runs) == sorted(runs_of(message.id).values_list("id", flat=True))


def test_messages_of_one_millisecond_keep_their_runs_apart() -> None:
    register("shop.all")
    first = received()
    second = received(id=ids.processor_run_id(first.id, "the same millisecond"))
    for message in (first, second):
        process(message.id)
        assert only_run(message).received_id == message.id


def test_a_source_that_was_deleted_since_still_has_its_messages_processed() -> None:
    message = received()
    Source.objects.filter(id=message.source_id).update(deleted_at=message.received_at, active=False)
    assert process(message.id).word == "processed"


# --- again


def test_replay_runs_all_processors_again_also_new_ones() -> None:
    first = register("shop.first")
    message = handled(received())
    second = register("shop.second")
    assert words(*replay(message.id)) == ["succeeded", "succeeded"]
    assert (len(first), len(second)) == (2, 1)
    assert first[0].run_id == first[1].run_id
    run = runs_of(message.id).get(processor="shop.first")
    assert (run.attempts, run.replays, run.status) == (1, 1, "succeeded")
    assert Event.objects.count() == 1, "it has become an event already"


def test_replay_of_one_processor_leaves_the_others_alone() -> None:
    first, second = register("shop.first"), register("shop.second")
    message = handled(received())
    assert words(*replay(message.id, "shop.second")) == ["succeeded"]
    assert (len(first), len(second)) == (1, 2)
    entry = AuditEntry.objects.get(action="received.replayed")
    assert (entry.objects_named, entry.detail) == (
        [ids.show(ids.RECEIVED, message.id)],
        {"processors": ["shop.second"]},
    )


def test_a_message_is_failed_until_its_last_dead_run_is_replayed() -> None:
    for name in ("shop.first", "shop.second"):
        register(name, max_attempts=1).then = lambda message: 1 // 0
    message = handled(received())
    assert message.status == "failed"
    for name, status in (("shop.first", "failed"), ("shop.second", "processed")):
        replay(message.id, name)
        message.refresh_from_db()
        assert message.status == status


def test_a_run_that_waits_comes_at_once() -> None:
    register("shop.late", backoff={"schedule": [600]}).then = lambda message: 1 // 0
    message = handled(received())
    (key,) = replay(message.id)
    run = ProcessorRun.objects.get(id=key)
    assert (run.attempts, run.replays) == (1, 0), "it is the same try"
    assert words(key) == ["failing"]


def test_dead_runs_are_replayed_by_their_own_ids() -> None:
    register("shop.bad", max_attempts=1).then = lambda message: 1 // 0
    dead = only_run(handled(received()))
    waiting = only_run(received_and_processed())
    assert replay_runs([dead.id, waiting.id]) == [dead.id]


def received_and_processed() -> ReceivedMessage:
    message = received(source={"forward": False})
    process(message.id)
    return message


@pytest.mark.parametrize(
    ("status", "why"), [("received", "still to be processed"), ("rejected", "nobody acts"), ("refused", "nobody acts")]
)
def test_it_refuses_to_replay_what_was_never_processed(status: str, why: str) -> None:
    register("shop.charge")
    with pytest.raises(Conflict, match=why):
        replay(received(status=status).id)


def test_it_refuses_unknown_messages_and_processors_and_a_second_event() -> None:
    register("shop.charge")
    message = handled(received())
    with pytest.raises(NotFound):
        replay(uuid4())
    with pytest.raises(InvalidInput, match=r"/processor: is none of this message's processors: shop\.charge, forward"):
        replay(message.id, "shop.other")
    with pytest.raises(Conflict, match="become an event already"):
        replay(message.id, processors.FORWARD)


def test_it_refuses_to_replay_what_is_running() -> None:
    register("shop.charge")
    message = received_and_processed()
    ProcessorRun.objects.update(status="running")
    with pytest.raises(Conflict, match="is running"):
        replay(message.id, "shop.charge")
    assert replay(message.id) == []
