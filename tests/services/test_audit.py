"""The audit log: what is written and with what, and the chain over it, with real transactions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from tests.factories import make_endpoint, make_tenant
from webhooks.core.chain import Head, link_hash
from webhooks.models import AuditEntry, Endpoint, Tenant
from webhooks.services import actors, api_keys, audit, audit_chain, endpoints
from webhooks.services.actors import Actor

KEY = Actor("api_key", "key_1", "billing", "request-7", "198.51.100.1")


def last() -> AuditEntry:
    return AuditEntry.objects.latest("id")


def tampered(*statements: str) -> None:
    """Somebody who owns the table."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE webhooks_auditentry DISABLE TRIGGER audit_append_only")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("ALTER TABLE webhooks_auditentry ENABLE TRIGGER audit_append_only")


def fill(count: int) -> None:
    for n in range(count):
        audit.record("webhook.updated", "webhook", [f"wh_{n}"], changes={"n": {"before": n, "after": n + 0.5}})
    audit_chain.seal()
    assert not AuditEntry.objects.filter(sequence=None).exists()


@pytest.mark.django_db
class TestEntries:
    def test_an_entry_names_who_did_what_to_what_from_where(self) -> None:
        endpoint = make_endpoint()
        with actors.acting_as(KEY):
            endpoints.pause(endpoint.id, "maintenance")
        entry = last()
        assert (entry.action, entry.object_kind, entry.object_id) == ("webhook.paused", "webhook", endpoint.public_id)
        assert (entry.actor_kind, entry.actor_id, entry.actor_label) == ("api_key", "key_1", "billing")
        assert (entry.request_id, entry.address) == ("request-7", "198.51.100.1")
        assert (entry.tenant_id, entry.object_label, entry.count) == (endpoint.tenant_id, endpoint.url, 1)
        assert entry.changes["state"] == {"before": "active", "after": "paused"}

    def test_an_entry_is_rolled_back_with_the_change(self) -> None:
        endpoint = make_endpoint()
        before = AuditEntry.objects.count()
        with transaction.atomic():
            endpoints.pause(endpoint.id)
            assert AuditEntry.objects.count() == before + 1
            transaction.set_rollback(True)
        assert AuditEntry.objects.count() == before
        assert Endpoint.objects.get().state == "active"

    def test_what_changes_nothing_is_not_recorded(self) -> None:
        endpoint = make_endpoint(description="same")
        before = AuditEntry.objects.count()
        endpoints.update(None, endpoint.id, {"description": "same"})
        endpoints.resume(endpoint.id)
        endpoints.enable(endpoint.id)
        assert AuditEntry.objects.count() == before

    def test_of_secrets_only_that_they_were_changed(self) -> None:
        endpoint = make_endpoint()
        fields = {
            "auth": {"type": "bearer", "token": "hush-hush-token"},
            "headers": {"X-Key": "hush-hush-header"},
            "event_types": ["order.*"],
            "description": "new",
        }
        endpoints.update(None, endpoint.id, fields)
        assert last().changes == {
            "auth": "changed",
            "headers": "changed",
            "event_types": {"before": ["*"], "after": ["order.*"]},
            "description": {"before": "", "after": "new"},
        }
        secret = endpoints.rotate_secret(endpoint.id)
        _, token = api_keys.create_api_key(endpoint.tenant_id, "billing")
        everything = str([entry.content() for entry in AuditEntry.objects.all()])
        for hidden in ("hush-hush", secret, token, token.rpartition("_")[2]):
            assert hidden not in everything

    def test_each_reveal_of_a_secret_is_an_entry_of_its_own(self) -> None:
        endpoint = make_endpoint()
        endpoints.rotate_secret(endpoint.id)
        api_keys.create_api_key(endpoint.tenant_id, "billing")
        revealed = AuditEntry.objects.filter(action="secret.revealed").order_by("id")
        assert [entry.object_kind for entry in revealed] == ["webhook", "webhook", "api_key"]

    def test_long_values_are_cut(self) -> None:
        endpoint = make_endpoint()
        endpoints.update(None, endpoint.id, {"metadata": {"k": "x" * 10_000}})
        assert len(last().changes["metadata"]["after"]) < audit.MAX_VALUE + 50

    def test_names_cannot_forge_lines(self) -> None:
        with actors.acting_as(Actor("staff", "user_1", "eve\n2026-01-01 admin\x1b[2J")):
            audit.record("webhook.updated", label="a\r\nb")
        assert last().actor_label.isprintable()
        assert last().object_label.isprintable()

    def test_an_actor_ends_with_its_entry_point(self) -> None:
        with actors.acting_as(KEY):
            actors.become("staff", "user_1", "admin")
            assert actors.current().request_id == "request-7"
        assert actors.current().kind == "system"

    def test_nobody_becomes_somebody_outside_an_entry_point(self) -> None:
        with pytest.raises(LookupError):
            actors.become("staff", "user_1", "admin")

    def test_bulk_actions_are_one_entry_for_each_tenant_with_a_count(self) -> None:
        one, two = make_tenant(), make_tenant()
        rows = [(one.id, one.id) for _ in range(audit.MAX_OBJECTS + 20)] + [(two.id, two.id)]
        audit.record_each_tenant("delivery.retried", "delivery", rows)
        mine = AuditEntry.objects.get(action="delivery.retried", tenant=one)
        assert (mine.count, len(mine.objects_named), mine.object_id) == (120, 100, "")
        assert AuditEntry.objects.get(action="delivery.retried", tenant=two).count == 1

    def test_an_entry_outlives_its_tenant(self) -> None:
        tenant = make_tenant()
        audit.record("tenant.updated", "tenant", [tenant.id], tenant_id=tenant.id)
        key = tenant.pk
        Tenant.objects.filter(pk=key).delete()
        assert last().tenant_id == key


@pytest.mark.django_db
class TestAppendOnly:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE webhooks_auditentry SET action = 'nothing'",
            "UPDATE webhooks_auditentry SET sequence = 1, action = 'nothing' WHERE sequence IS NULL",
            "DELETE FROM webhooks_auditentry",
            "TRUNCATE webhooks_auditentry",
        ],
    )
    @pytest.mark.parametrize("sealed", [False, True])
    def test_the_database_refuses_to_change_entries(self, statement: str, sealed: bool) -> None:
        audit.record("webhook.updated")
        if sealed:
            audit_chain.seal()
        if "IS NULL" in statement and sealed:
            statement = statement.replace(" WHERE sequence IS NULL", "")
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

    def test_an_entry_gets_its_place_once(self) -> None:
        fill(1)
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            AuditEntry.objects.update(sequence=2)


@pytest.mark.django_db
class TestChain:
    def test_a_new_log_is_whole(self) -> None:
        found = audit_chain.verify()
        assert (found.count, found.broken, found.head) == (0, None, Head())

    def test_sealed_entries_are_a_whole_chain_whatever_their_values_are(self) -> None:
        values = [1.0, 1e22, 12345678901234567890, -0.0, "é\u2028", None, {"b": [], "a": {}}, 0.1, "\\u0000"]
        for value in values:
            audit.record("x.y", changes=audit.changed({}, {"v": value}), detail={"v": value})
        fill(3)
        found = audit_chain.verify()
        assert (found.broken, found.count, found.waiting) == (None, len(values) + 3, 0)
        assert list(AuditEntry.objects.order_by("sequence").values_list("sequence", flat=True)) == list(range(1, 13))

    def test_entries_that_wait_are_counted_and_no_fault(self) -> None:
        fill(2)
        audit.record("webhook.updated")
        found = audit_chain.verify()
        assert (found.broken, found.count, found.waiting) == (None, 2, 1)

    @pytest.mark.parametrize(
        ("statement", "sequence"),
        [
            ("UPDATE webhooks_auditentry SET actor_label = 'eve' WHERE sequence = 3", 3),
            ("UPDATE webhooks_auditentry SET at = at + interval '1 microsecond' WHERE sequence = 2", 2),
            ("UPDATE webhooks_auditentry SET address = '192.0.2.1' WHERE sequence = 4", 4),
            ("UPDATE webhooks_auditentry SET hash = sha256('x') WHERE sequence = 5", 5),
            ("DELETE FROM webhooks_auditentry WHERE sequence = 3", 3),
            ("DELETE FROM webhooks_auditentry WHERE sequence IN (2, 3)", 2),
            ("DELETE FROM webhooks_auditentry WHERE sequence <= 2", 1),
            ("UPDATE webhooks_auditentry SET sequence = sequence - 5 WHERE sequence IN (2, 3);"
             "UPDATE webhooks_auditentry SET sequence = -sequence WHERE sequence < 0", 2),
            ("UPDATE webhooks_auditentry SET sequence = NULL WHERE sequence = 3", 3),
        ],
    )  # fmt: skip
    def test_tampering_is_found_where_it_begins(self, statement: str, sequence: int) -> None:
        fill(6)
        tampered(*statement.split(";"))
        broken = audit_chain.verify().broken
        assert broken is not None
        assert broken.sequence == sequence

    def test_an_inserted_entry_is_found_though_its_own_hash_is_right(self) -> None:
        fill(4)
        before = AuditEntry.objects.get(sequence=2)
        tampered("UPDATE webhooks_auditentry SET sequence = -sequence WHERE sequence > 2",
                 "UPDATE webhooks_auditentry SET sequence = -sequence + 1 WHERE sequence < 0")  # fmt: skip
        forged = AuditEntry(
            action="login.succeeded", actor_kind="staff", sequence=3, previous=bytes(before.hash or b"")
        )
        forged.hash = link_hash(3, bytes(before.hash or b""), forged.content())
        forged.save(force_insert=True)
        broken = audit_chain.verify().broken
        assert broken is not None
        assert broken.sequence == 4

    def test_only_a_kept_head_tells_of_an_end_that_was_cut_off(self) -> None:
        fill(5)
        kept = audit_chain.head()
        assert audit_chain.verify(kept).broken is None
        fill(2)
        assert audit_chain.verify(kept).broken is None, "the chain went on from it"
        tampered("DELETE FROM webhooks_auditentry WHERE sequence >= 5")
        assert audit_chain.verify().broken is None
        broken = audit_chain.verify(kept).broken
        assert broken is not None
        assert "cut off" in broken.sentence

    def test_retention_keeps_the_chain_verifiable(self) -> None:
        fill(3)
        tampered("UPDATE webhooks_auditentry SET at = now() - interval '400 days'",
                 "UPDATE webhooks_auditentry SET sequence = NULL, hash = NULL, previous = NULL")  # fmt: skip
        fill(0)
        old = audit_chain.head()
        fill(2)
        assert audit_chain.prune() == 3
        found = audit_chain.verify()
        assert (found.broken, found.count, found.first) == (None, 3, 4), "two, and the one that tells of the pruning"
        assert audit_chain.verify(old).broken is None, "retention ended exactly there"
        assert audit_chain.prune() == 0
        tampered("DELETE FROM webhooks_auditentry WHERE sequence = 4")
        broken = audit_chain.verify().broken
        assert broken is not None
        assert "retention removed those up to 3" in broken.sentence

    def test_retention_may_take_all_there_is(self) -> None:
        fill(3)
        tampered("UPDATE webhooks_auditentry SET at = '2020-01-01', sequence = NULL, hash = NULL, previous = NULL")
        fill(0)
        assert audit_chain.prune() == 3
        fill(1)
        found = audit_chain.verify()
        assert (found.broken, found.count, found.first) == (None, 2, 4)

    def test_retention_of_nought_keeps_everything(self, settings: Any) -> None:
        settings.WEBHOOKS_AUDIT_RETENTION_DAYS = 0
        fill(1)
        tampered("UPDATE webhooks_auditentry SET at = '2020-01-01'")
        assert audit_chain.prune() == 0
        assert AuditEntry.objects.count() == 1


def in_threads(*calls: Callable[[], Any]) -> list[threading.Thread]:
    def run(call: Callable[[], Any]) -> None:
        try:
            call()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(call,), daemon=True) for call in calls]
    for thread in threads:
        thread.start()
    return threads


@pytest.mark.django_db(transaction=True)
class TestConcurrency:
    def test_a_writer_that_does_not_commit_holds_up_neither_writers_nor_the_chain(self) -> None:
        tenant = make_tenant()
        slow, quick = make_endpoint(tenant), make_endpoint(tenant)
        written, go_on = threading.Event(), threading.Event()

        def write() -> None:
            with transaction.atomic():
                endpoints.pause(slow.id)
                written.set()
                go_on.wait(30)

        (thread,) = in_threads(write)
        assert written.wait(30)
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '2s'")
        endpoints.pause(quick.id)  # of the same tenant: fails by lock_timeout if it had to wait
        audit_chain.seal()
        with connection.cursor() as cursor:
            cursor.execute("RESET lock_timeout")
        seen = AuditEntry.objects.filter(action="webhook.paused")
        assert [entry.object_id for entry in seen if entry.sequence] == [quick.public_id]
        go_on.set()
        thread.join(30)
        assert audit_chain.seal() == 1, "it gets its place when it is committed, after later ones"
        assert audit_chain.verify().broken is None

    def test_many_sealers_and_writers_make_one_chain(self) -> None:
        def write() -> None:
            for _ in range(25):
                with transaction.atomic():
                    audit.record("webhook.updated")

        def seal() -> None:
            for _ in range(25):
                audit_chain.seal()

        for thread in in_threads(write, write, write, seal, seal, seal):
            thread.join(60)
        audit_chain.seal()
        found = audit_chain.verify()
        assert (found.broken, found.waiting) == (None, 0)
        assert found.count == found.head.sequence == AuditEntry.objects.count() >= 75

    def test_pruning_and_sealing_at_once_keep_the_chain(self) -> None:
        for _ in range(30):
            AuditEntry.objects.create(action="x.y", actor_kind="system", at=timezone.now() - timedelta(days=900))
        calls = [audit_chain.prune, audit_chain.seal, audit_chain.prune, audit_chain.seal]
        for thread in in_threads(*calls):
            thread.join(60)
        audit_chain.seal()
        audit_chain.prune()
        found = audit_chain.verify()
        assert found.broken is None
        assert AuditEntry.objects.filter(action="x.y").count() == 0

    def test_one_of_two_identical_changes_is_recorded(self) -> None:
        endpoint = make_endpoint()
        for thread in in_threads(*[lambda: endpoints.pause(endpoint.id)] * 4):
            thread.join(60)
        assert Endpoint.objects.get().state == "paused"
        assert AuditEntry.objects.filter(action="webhook.paused").count() == 1
