"""What a tenant learns about names of our network by registering them: nothing.

A name that does not exist and one that leads inside differ in nothing that a tenant can see: not in class, words,
address, timings, number and times of the attempts, state of webhook and delivery, dead letter or notice.
"""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Callable
from typing import Any

import pytest

from tests.client import ApiClient
from tests.factories import make_endpoint, make_event, make_key, make_tenant
from tests.net.servers import ScriptedNames
from tests.services.engine import later, mailbox_faults
from webhooks.core.addresses import NOTHING_ALLOWED
from webhooks.models import Attempt, Delivery, Endpoint, Mailbox
from webhooks.net.client import HttpClient
from webhooks.net.resolver import Resolver
from webhooks.net.result import Unreachable
from webhooks.services import dead_letters
from webhooks.services.drain import drain
from webhooks.services.fan_out import fan_out

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]

STEPS = (10, 30, 90)  # seconds
DeliverWith = Callable[..., HttpClient]
GONE, DENIED = "gone", "database"
NAMES = {
    "private": [["10.0.0.5"]],
    "metadata": [["169.254.169.254"]],
    "loopback": [["::1"]],
    "mixed": [["93.184.216.34", "10.0.0.5"]],
    "rebound": [["93.184.216.34", "192.168.0.1"], ["10.0.0.5"]],
    "empty": [[]],
    DENIED: [["93.184.216.34"]],
}
_VARIES = re.compile(
    r"\b(?:wh|dlv|att|evt|dl|ten)_[0-9A-Za-z_-]+|\d{4}-\d\d-\d\dT[0-9:.]+Z|[0-9a-f]{64}|v1,[0-9A-Za-z+/=]{44}|\b1[0-9]{9}\b"
)


class Names(ScriptedNames):
    """Of the names of a test only ``servfail`` is answered by an error other than that there is no such name."""

    def __call__(self, host: str, port: int, **options: Any) -> list[Any]:
        if host.startswith("servfail"):
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return super().__call__(host, port, **options)


def life(name: str) -> str:
    """All that the API shows of a webhook at ``name`` and of a delivery from its first attempt to its end."""
    tenant = make_tenant()
    api = ApiClient(make_key(tenant))
    host = f"{name}.corp.example"
    policy = {"schedule": list(STEPS), "jitter": 0}
    endpoint = make_endpoint(tenant, f"https://{host}/hook", retry_policy=policy)
    event = make_event(tenant)
    while fan_out().events:
        pass
    seen = []
    for number in range(1, len(STEPS) + 2):
        dead = drain(endpoint.id).dead
        delivery = Delivery.objects.get(endpoint=endpoint, event_id=event.id)
        waits = None
        if delivery.next_attempt_at is not None:
            attempt = Attempt.objects.get(delivery=delivery, number=number)
            waits = (delivery.next_attempt_at - attempt.started_at).total_seconds() // 5 * 5
        mailbox = Mailbox.objects.get(endpoint=endpoint)
        seen.append((delivery.state, delivery.reason, waits, mailbox.consecutive_failures, bool(mailbox.failing_since)))
        assert mailbox_faults(endpoint.id) == []
        if dead:
            dead_letters.bury(dead[0])
        later(endpoint)
    paths = (f"webhooks/{endpoint.public_id}", f"webhooks/{endpoint.public_id}/attempts",
             f"deliveries?webhook={endpoint.public_id}", f"deliveries/{delivery.public_id}",
             f"dead-letters?webhook={endpoint.public_id}")  # fmt: skip
    answers = [api.get(f"/api/{path}") for path in paths]
    assert {answer.status_code for answer in answers} == {200}
    shown = "\n".join([*(answer.content.decode() for answer in answers), f"{seen}"])
    return _VARIES.sub("*", shown.replace(host, "HOST"))


def without_totals(shown: str) -> tuple[str, set[float]]:
    """The text without the total times, and those."""
    totals = {float(total) for total in re.findall(r'"timings":\{"total":([0-9.]+)\}', shown)}
    return re.sub(r'"total":[0-9.]+', '"total":0', shown), totals


def test_a_name_that_does_not_exist_and_one_that_leads_inside_look_alike(
    deliver_with: DeliverWith, caplog: pytest.LogCaptureFixture
) -> None:
    names = Names({f"{name}.corp.example": answers for name, answers in NAMES.items()})
    deliver_with(allow=NOTHING_ALLOWED, resolver=Resolver(names), deny_hosts=[f"{DENIED}.corp.example"])
    with caplog.at_level(logging.WARNING):
        gone, totals = without_totals(life(GONE))
    steps = {20.0 * 2**n for n in range(9)} | {5000.0}
    assert totals
    assert totals <= steps
    assert Unreachable.SENTENCE in gone
    assert "no retries left after 4 attempts" in gone
    assert "cause=the name does not exist" in caplog.text
    for name in (*NAMES, "servfail"):
        shown, totals = without_totals(life(name))
        assert shown == gone, name
        assert totals <= steps
    assert "cause=10.0.0.5 is forbidden (private), one of 1 addresses" in caplog.text
    assert "169.254.169.254 is forbidden (link_local)" in caplog.text
    assert "the host is one of Clarion's own names" in caplog.text
    assert "10.0.0.5" not in gone


def test_no_row_holds_the_cause(deliver_with: DeliverWith) -> None:
    deliver_with(allow=NOTHING_ALLOWED, resolver=Resolver(Names({"private.corp.example": [["10.0.0.5"]]})))
    life("private")
    rows = [
        *Attempt.objects.values(),
        *Delivery.objects.values(),
        *Endpoint.objects.values(),
        *Mailbox.objects.values(),
    ]
    assert len(rows) >= 7
    assert not [row for row in rows if "10.0.0.5" in str(row) or "forbidden" in str(row)]
    assert set(Attempt.objects.values_list("error", "address")) == {("unreachable_target", "")}
