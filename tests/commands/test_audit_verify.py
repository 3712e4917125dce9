"""``manage.py audit_verify`` as a cron job sees it: its exit status and what it prints."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.docs.pages import ROOT
from webhooks.models import AuditEntry, Tenant
from webhooks.services import audit, audit_chain


def run(env: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "manage.py", "audit_verify", *arguments],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.mark.django_db(transaction=True)
def test_it_exits_with_0_for_a_whole_chain_and_with_1_for_a_broken_one(stack_env: Mapping[str, str]) -> None:
    for _ in range(4):
        audit.record("webhook.updated")
    audit_chain.seal()
    status, told = run(stack_env)
    assert status == 0, told
    assert "The audit log is whole: 4 entries." in told
    head = told.split("head ")[1].strip()
    status, told = run(stack_env, "--head", head)
    assert status == 0, told
    assert f"It holds the head {head}." in told
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE webhooks_auditentry DISABLE TRIGGER audit_append_only")
        cursor.execute("UPDATE webhooks_auditentry SET actor_label = 'eve' WHERE sequence = 2")
        cursor.execute("ALTER TABLE webhooks_auditentry ENABLE TRIGGER audit_append_only")
    status, told = run(stack_env)
    assert status == 1
    assert "The audit log is broken. Entry 2 is not what was recorded" in told
    assert "Traceback" not in told


@pytest.mark.django_db
def test_it_refuses_what_is_no_head() -> None:
    with pytest.raises(CommandError, match="is no head"):
        call_command("audit_verify", "--head", "1234")


@pytest.mark.django_db
def test_commands_act_under_their_own_name(capsys: pytest.CaptureFixture[str]) -> None:
    tenant = Tenant.objects.create(slug="acme", name="Acme")
    call_command("create_api_key", "--tenant", "acme")
    made = AuditEntry.objects.get(action="api_key.created")
    assert (made.actor_kind, made.actor_id, made.tenant_id) == ("command", "create_api_key", tenant.id)
    assert "@" in made.actor_label


@pytest.mark.django_db
def test_prune_looks_after_the_audit_log(capsys: pytest.CaptureFixture[str]) -> None:
    audit.record("webhook.updated")
    call_command("prune")
    assert "0 audit entries removed" in capsys.readouterr().out
    assert AuditEntry.objects.get().sequence == 1
