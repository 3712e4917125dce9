"""Hot queries on large tables: no table is read from end to end, and no day that the keys exclude is opened.

The statements are those that the code sends, on a month of history: see :mod:`tests.services.plans`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.answers import Answer
from tests.receiver import Receiver
from tests.services.engine import HOOK
from tests.services.plans import MANY, Statement, explained, faults, generic, prepared, sizes

if TYPE_CHECKING:
    from webhooks.models import Endpoint, Tenant

pytestmark = [pytest.mark.timeout(400), pytest.mark.django_db, pytest.mark.usefixtures("valkey", "session")]

DAYS = 33
OLD_ROWS = 15_000
YESTERDAY = 25_000  # rows more in one partition, so that reading it from end to end would be dear
OTHERS = 1500  # tenants with an endpoint each, so that the other tables are no small ones
FRESH_DAYS = 3  # yesterday, today, and the default partition, which no bound excludes
SCAN = 4000  # as webhooks.models.keyset.SCAN
LARGE = ("webhooks_event", "webhooks_delivery", "webhooks_attempt")


@dataclass
class World:
    """A tenant that owns half of the past, and how many rows every table has."""

    tenant: Tenant
    sizes: dict[str, int] = field(default_factory=dict)


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """Committed rows for all tests of this module; gone afterwards, with the partitions that they needed."""
    from django.db import connection

    from benchmarks import history
    from tests.database import empty_tables
    from tests.factories import make_endpoint, make_tenant
    from webhooks.services import counting
    from webhooks.services.partitions import existing, index_ended, make_ahead

    with django_db_blocker.unblock():
        before = {table: existing(table) for table in LARGE}
        _drop({name for names in before.values() for name in names if name[-8:].isdigit() and name[-8:] > _today()})
        make_ahead()  # the days to come are as new as they are anywhere: no other test has left statistics of them
        tenant = make_tenant(slug="busy")
        make_endpoint(tenant, url="https://busy.example/hook")
        subscribers = history.make_subscribers()
        history.load(OLD_ROWS, DAYS, subscribers=subscribers)
        history.load_stretch(replace(history.stretches(2, 2)[-2], events=YESTERDAY), subscribers, seed=2)
        _make_others()
        while counting.count():
            pass
        index_ended()
        counted = sizes()
        connection.close()
        yield World(tenant, counted)
        empty_tables()
        _drop({name for table in LARGE for name in existing(table) - before[table]})
        connection.close()


def _today() -> str:
    return f"{datetime.now(UTC):%Y%m%d}"


def _drop(partitions: set[str]) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        for name in sorted(partitions):
            cursor.execute(f"DROP TABLE {name}")


@pytest.fixture
def session(world: World, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection of a test, rolled back at its end: a drain's giving it back would end the transaction."""
    from django.db import connection

    monkeypatch.setattr(connection, "close", lambda: None)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL random_page_cost = 1.1")  # as the embedded server has it: no turning disks


def _make_others() -> None:
    """What an installation with several hundred customers has of the tables that no day cuts."""
    from django.db import connection

    from webhooks.models import ApiKey, DeadLetter, Delivery, Endpoint, Mailbox, Subscription, Tenant

    tenants = Tenant.objects.bulk_create(Tenant(slug=f"other-{n}", name=f"Other {n}") for n in range(OTHERS))
    made = Endpoint.objects.bulk_create(Endpoint(tenant=tenant, url="https://other.example/") for tenant in tenants)
    Mailbox.objects.bulk_create(Mailbox(endpoint=row, tenant_id=row.tenant_id) for row in made)
    Subscription.objects.bulk_create(
        Subscription(endpoint=row, tenant_id=row.tenant_id, pattern=f"kind{n}.*") for n, row in enumerate(made)
    )
    ApiKey.objects.bulk_create(
        ApiKey(tenant=row, name="key", prefix=f"{n:016x}", secret_hash=b"", scopes=[]) for n, row in enumerate(tenants)
    )
    succeeded = Delivery.objects.filter(state="succeeded").select_related("event")[:3000]
    DeadLetter.objects.bulk_create(
        DeadLetter(
            tenant_id=row.tenant_id, endpoint_id=row.endpoint_id, delivery=row, event_id=row.event_id, attempt_count=1,
            event_type=row.event.type, reason="HTTP 500", resolution="replayed",
        )
        for row in succeeded
    )  # fmt: skip
    with connection.cursor() as cursor:
        for model in (Tenant, Endpoint, Mailbox, Subscription, ApiKey, DeadLetter):
            cursor.execute(f"ANALYZE {model._meta.db_table}")


def check(statements: list[Statement], world: World, **limits: int) -> None:
    """See :func:`tests.services.plans.faults`."""
    assert statements
    if found := faults(statements, world.sizes, **limits):
        pytest.fail(found, pytrace=False)


def about(statements: list[Statement], *words: str) -> list[Statement]:
    """Those with all the words; at least one, so that a renamed column does not empty a test."""
    found = [statement for statement in statements if all(word in statement.sql for word in words)]
    assert found, words
    return found


# --- the way of an event


def test_publishing_looks_at_no_old_row(world: World) -> None:
    from tests.factories import make_tenant
    from webhooks.models import Event
    from webhooks.services.ingest import Draft, publish

    tenant = make_tenant()
    old = Event.objects.filter(tenant=world.tenant, key=None).order_by("id")[0]
    with explained() as statements:
        made = publish(tenant.id, [Draft("order.created", b"%d" % n, key=f"own-{n}") for n in range(50)])
        publish(tenant.id, [Draft("order.created", b"1", key=made[0].public_id)])
        publish(world.tenant.id, [Draft("order.created", b"1", key=old.public_id)])
    about(statements, "INSERT INTO webhooks_event ")
    about(statements, "INSERT INTO webhooks_eventkey")
    check(statements, world, days=1, rows=10)


@pytest.mark.parametrize("fair", [False, True])
def test_routing_looks_at_fresh_events_only(world: World, fair: bool) -> None:
    from tests.factories import make_endpoint, make_tenant
    from webhooks.services.fan_out import fan_out
    from webhooks.services.ingest import Draft, publish

    tenant = make_tenant()
    endpoints = [make_endpoint(tenant, filter={"data.n": {"$gte": 2}}), make_endpoint(tenant)]
    published = publish(tenant.id, [Draft("order.created", b'{"n":%d}' % n) for n in range(4)])
    with explained() as statements:
        routed = fan_out(since=published[0].id, fair=fair)
    assert (routed.events, routed.deliveries) == (4, 6)
    assert len(endpoints) == 2
    about(statements, "UPDATE webhooks_event", "fanned_out_at = now()")
    about(statements, "INSERT INTO webhooks_delivery")
    about(statements, "UPDATE webhooks_mailbox")
    check(statements, world, days=FRESH_DAYS, rows=200)


def post(count: int, url: str, **fields: Any) -> Endpoint:
    """An endpoint with ``count`` deliveries that are due, and statistics from before they were made."""
    from tests.factories import make_endpoint
    from tests.services import engine

    endpoint = make_endpoint(url=url, **fields)
    engine.post(endpoint, count)
    return endpoint


KINDS: list[dict[str, Any]] = [{}, {"ordered": True}, {"batch": {"max_events": 20, "max_wait": 1}}]


@pytest.mark.parametrize("fields", KINDS, ids=["any", "ordered", "batch"])
def test_a_drain_reads_its_own_rows_of_fresh_days(world: World, receiver: Receiver, fields: dict[str, Any]) -> None:
    from webhooks.services.drain import drain

    receiver.always(HOOK, Answer(200))
    endpoint = post(600, receiver.url(HOOK), **fields)
    with explained() as statements:
        done = drain(endpoint.id)
    assert done.sent > 1
    about(statements, "FROM webhooks_endpoint e", "JOIN webhooks_mailbox")  # the target
    about(statements, "lease_token = ", "FOR UPDATE SKIP LOCKED")  # the claim
    about(statements, "INSERT INTO webhooks_attempt")  # the record
    about(statements, "UPDATE webhooks_mailbox")
    # An ordered endpoint also waits for events that are not routed yet, however old they are.
    bounded = [statement for statement in statements if "fanned_out_at IS NULL" not in statement.sql]
    check(bounded, world, days=FRESH_DAYS)
    check(statements, world, rows=3000)


def test_giving_back_and_settling_read_fresh_days_only(world: World, receiver: Receiver) -> None:
    from webhooks.models import Mailbox
    from webhooks.services.drain import drain
    from webhooks.services.record import settle_mailbox

    receiver.script(HOOK, [Answer(200), Answer(503, [("Retry-After", "60")])])
    endpoint = post(600, receiver.url(HOOK))
    with explained() as statements:
        done = drain(endpoint.id)
    assert done.sent == 2
    about(statements, "attempt_count = attempt_count - 1")  # the release
    check(statements, world, days=FRESH_DAYS, rows=3000)
    with explained() as statements:
        settle_mailbox(endpoint.id)
    assert Mailbox.objects.get(endpoint=endpoint).oldest_pending_id is not None
    check(about(statements, "next_due_at = "), world, days=FRESH_DAYS, rows=10)


def test_following_the_state_of_an_endpoint_reads_its_own_rows_only(world: World, receiver: Receiver) -> None:
    from webhooks.services import endpoints
    from webhooks.services.settle import settle

    endpoint = post(600, receiver.url(HOOK))
    for change in (endpoints.pause, endpoints.resume):
        change(endpoint.id)
        with explained() as statements:
            settle(endpoint.id)
        check(about(statements, "UPDATE webhooks_delivery"), world, days=FRESH_DAYS, rows=2000)


def test_a_sweep_reads_what_it_finds(world: World, receiver: Receiver) -> None:
    from webhooks.models import Delivery
    from webhooks.services.sweep import sweep

    endpoint = post(50, receiver.url(HOOK))
    past = datetime.now(UTC) - timedelta(minutes=1)
    Delivery.objects.filter(endpoint=endpoint).update(state="sending", lease_until=past, lease_token=endpoint.id)
    with explained() as statements:
        assert sweep().expired == 50
    about(statements, "next_due_at <= now()")
    about(statements, "unsettled")
    about(statements, "lease_until < now()")
    about(statements, "dead_lettered_at IS NULL")
    check(statements, world, rows=1500)


def test_what_people_do_with_deliveries_reads_those_rows(world: World) -> None:
    from webhooks.models import Delivery, Event
    from webhooks.services import dead_letters, deliveries

    rows = list(Delivery.objects.filter(tenant=world.tenant, state="dead").order_by("id")[:3])
    Delivery.objects.filter(id=rows[0].id).update(dead_lettered_at=None)
    dead_letters.DeadLetter.objects.filter(delivery=rows[0]).delete()
    with explained() as statements:
        assert dead_letters.bury(rows[0].id)
        deliveries.retry([rows[1].id])
        deliveries.cancel([rows[2].id])
        deliveries.replay_events([Event.objects.get(id=rows[2].event_id).id], None)
    about(statements, "INSERT INTO webhooks_deadletter")
    check(statements, world, rows=MANY)


def test_a_key_is_found_by_its_prefix(world: World) -> None:
    from tests.factories import make_key
    from webhooks.services import api_keys

    token = make_key(world.tenant)
    with explained() as statements:
        assert api_keys.authenticate(token)
    check(about(statements, "webhooks_apikey"), world)


def test_counting_attempts_reads_the_days_it_counts(world: World) -> None:
    from webhooks.models import Progress
    from webhooks.services import counting

    Progress.objects.update(key=ids_floor(hours=30))
    with explained() as statements:
        counting.count()
    check(about(statements, "INSERT INTO webhooks_endpointhour"), world, days=2)


def ids_floor(hours: float) -> Any:
    from webhooks.core import ids

    return ids.floor(datetime.now(UTC) - timedelta(hours=hours))


# --- lists


def looked_at(requests: dict[str, Callable[[], Any]]) -> Iterator[tuple[str, list[Statement]]]:
    for name, request in requests.items():
        request()  # notes the use of the key
        with explained() as statements:
            request()
        yield name, statements


def report(found: dict[str, str]) -> None:
    assert len(found) > 5
    if bad := [f"{name}\n{what}" for name, what in found.items() if what]:
        pytest.fail("\n\n".join(bad), pytrace=False)


def hold_up(world: World) -> None:
    """A delivery of the tenant that waits behind all that is done, and a crowd of another tenant's."""
    from django.db import connection

    from tests.factories import make_delivery, make_endpoint
    from webhooks.core import ids
    from webhooks.models import Delivery, Endpoint
    from webhooks.models.partitions import partition_name

    now = datetime.now(UTC)
    noon = now.replace(hour=12) - timedelta(days=1)  # today's partition has nearly no other rows just after midnight
    make_delivery(Endpoint.objects.get(tenant=world.tenant), id=ids.floor(now - timedelta(days=DAYS - 3)))
    other = make_delivery(make_endpoint(), id=ids.floor(noon - timedelta(hours=1)))
    same = {"tenant": other.tenant, "event": other.event, "endpoint": other.endpoint, "created_at": now}
    Delivery.objects.bulk_create(
        Delivery(id=ids.floor(noon + timedelta(milliseconds=n)), state="pending", next_attempt_at=now, **same)
        for n in range(2 * SCAN + 2000)
    )
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {partition_name('webhooks_delivery', noon.date())}")


@pytest.mark.parametrize("of_platform", [False, True], ids=["tenant", "platform"])
def test_the_lists_of_the_api_read_a_bounded_number_of_rows(world: World, of_platform: bool) -> None:
    from benchmarks import pages
    from webhooks.models import Endpoint

    hold_up(world)
    endpoint = Endpoint.objects.get(tenant=world.tenant)
    looker = pages.Looker(None if of_platform else world.tenant.id, endpoint.id)
    found = {}
    for name, statements in looked_at(pages.api(looker)):
        # Twice SCAN: where half of all rows are the tenant's, the primary key is as good as the tenant's index.
        found[name] = faults(statements, world.sizes, rows=2 * SCAN + 1000)
    report(found)


def test_what_lists_prepare_is_planned_well_for_any_value(world: World) -> None:
    """Their plans are made once, before the values are known: not those that EXPLAIN shows of a statement."""
    from benchmarks import pages
    from webhooks.models import Endpoint

    looker = pages.Looker(world.tenant.id, Endpoint.objects.get(tenant=world.tenant).id)
    requests = pages.api(looker)
    with prepared() as sent:
        for name in ("event_type=order.created", "status=dead&event_type=order.refunded", "event_type=order.flagged"):
            requests[f"/api/deliveries {name}"]()
    statements = [generic(sql, params) for sql, params in sent]
    about(statements, "SELECT d.*")
    about(statements, "SELECT e.id, e.key, e.type")
    about(statements, "e.type = ")
    check(statements, world, rows=1000)


@pytest.mark.parametrize("query", ["status=succeeded&webhook={}", "response_status=299&webhook={}", "trigger=test"])
def test_a_search_reads_on_only_until_its_page_is_full(world: World, query: str) -> None:
    """Nothing is sorted: an endpoint with most of its tenant's rows is one of a few for the planner."""
    from tests.client import ApiClient
    from tests.factories import make_key
    from webhooks.models import Endpoint

    api = ApiClient(make_key(world.tenant))
    endpoint = Endpoint.objects.get(tenant=world.tenant)
    path = f"/api/deliveries?{query.format(endpoint.public_id)}"
    assert api.get(path).status_code == 200
    with explained() as statements:
        assert api.get(path).status_code == 200
    searched = about(statements, "row_number()")
    check(searched, world, rows=SCAN + 50)
    assert not [one for one in searched if "'Node Type': 'Sort'" in str(one.plan)]


def test_the_lists_of_the_admin_read_a_bounded_number_of_rows(world: World) -> None:
    from benchmarks import pages
    from webhooks.models import Endpoint

    endpoint = Endpoint.objects.filter(tenant=world.tenant).latest("id")
    found = {}
    large = {name: count for name, count in world.sizes.items() if name.startswith(LARGE)}
    for name, statements in looked_at(pages.admin(pages.Looker(world.tenant.id, endpoint.id))):
        if not name.startswith("/admin/webhooks/endpoint/"):
            found[name] = faults(statements, large, rows=11_000)
    report(found)
