"""Registering types and versions, and what may change about them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from tests.factories import make_tenant
from tests.services.engine import at_once
from webhooks.errors import Conflict, InvalidInput, NotFound
from webhooks.models import EventType, EventTypeVersion, Tenant
from webhooks.services import event_type_import, event_types

pytestmark = pytest.mark.django_db

SCHEMA = {"type": "object", "properties": {"amount": {"type": "number", "multipleOf": 0.01}}}


def create(tenant: Tenant | None, **fields: Any) -> UUID:
    return event_types.create(tenant and tenant.id, {"name": "order.created", **fields})


def version(name: str = "v1") -> EventTypeVersion:
    return EventTypeVersion.objects.get(name=name)


def pointers(call: Any) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        call()
    assert all(fault.detail for fault in caught.value.errors)
    return [fault.pointer for fault in caught.value.errors]


def test_a_type_begins_with_a_version(tenant: Tenant) -> None:
    moment = datetime(2030, 1, 1, tzinfo=UTC)
    create(
        tenant, version="v3", description="An order", schema=SCHEMA, example={"amount": 1.5}, enforcement="warn",
        deprecated_at="2030-01-01T00:00:00Z", deprecation_message="use order.made",
    )  # fmt: skip
    event_type = EventType.objects.get()
    assert (event_type.tenant, event_type.version, event_type.description) == (tenant, "v3", "An order")
    assert (event_type.deprecated_at, event_type.deprecation_message) == (moment, "use order.made")
    made = version("v3")
    assert made.schema == '{"type":"object","properties":{"amount":{"type":"number","multipleOf":0.01}}}'
    assert (made.example, made.enforcement) == ('{"amount":1.5}', "warn")
    assert made.check_id is not None


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"name": "order created"}, "/name"),
        ({"name": 1}, "/name"),
        ({"name": "import"}, "/name"),
        ({"version": "v 1"}, "/version"),
        ({"version": None}, "/version"),
        ({"schema": {"$ref": "http://127.0.0.1/"}}, "/schema/$ref"),
        ({"schema": []}, "/schema"),
        ({"schema": {"x": "y" * 70_000}}, "/schema"),
        ({"example": "y" * 70_000}, "/example"),
        ({"example": "\ud800"}, "/example"),
        ({"schema": SCHEMA, "example": {"amount": 0.001}}, "/example/amount"),
        ({"enforcement": "maybe"}, "/enforcement"),
        ({"deprecated_at": "soon"}, "/deprecated_at"),
        ({"deprecated_at": "2030-01-01T00:00:00"}, "/deprecated_at"),
        ({"deprecated_at": "2030-13-01T00:00:00Z"}, "/deprecated_at"),
        ({"deprecation_message": "x" * 501}, "/deprecation_message"),
        ({"description": "\0"}, "/description"),
        ({"what": 1}, "/what"),
    ],
)
def test_a_fault_is_named_with_its_place_and_nothing_is_stored(fields: dict[str, Any], pointer: str) -> None:
    assert pointers(lambda: create(None, **fields)) == [pointer]
    assert not EventType.objects.exists()


def test_a_name_is_there_once_for_each_owner(tenant: Tenant) -> None:
    create(None)
    create(tenant)
    for owner in (None, tenant):
        with pytest.raises(Conflict):
            create(owner)
    assert EventType.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_two_who_register_the_same_type_at_once_one_is_told(transactional_db: None) -> None:
    def register() -> bool:
        try:
            create(None)
        except Conflict:
            return False
        return True

    assert sorted(at_once(register, register)) == [False, True]
    assert EventTypeVersion.objects.count() == 1


def test_a_tenant_sees_its_own_type_before_everybodys(tenant: Tenant) -> None:
    everybodys, own = create(None), create(tenant)
    assert event_types.find(tenant.id, "order.created").id == own  # type: ignore[union-attr]
    assert event_types.find(make_tenant().id, "order.created").id == everybodys  # type: ignore[union-attr]
    assert event_types.find(None, "order.created").id == everybodys  # type: ignore[union-attr]
    assert event_types.find(None, "other") is None


# --- changes


def test_a_breaking_change_is_refused_and_a_new_version_is_not() -> None:
    type_id = create(None, schema=SCHEMA)
    before = version()
    narrower = {**SCHEMA, "required": ["amount"]}
    assert pointers(lambda: event_types.change_version(before.id, {"schema": narrower})) == ["/schema/required"]
    assert pointers(lambda: event_types.change_version(before.id, {"schema": None})) == ["/schema"]
    assert version().schema == before.schema
    event_types.add_version(type_id, {"version": "v2", "schema": narrower})
    assert version("v2").check_id not in (None, before.check_id)


def test_a_change_that_breaks_nobody_is_taken() -> None:
    create(None, schema=SCHEMA)
    before = version()
    wider = {"type": "object", "properties": {**SCHEMA["properties"], "note": {"type": "string"}}}  # type: ignore[dict-item]
    event_types.change_version(before.id, {"schema": wider})
    assert "note" in (version().schema or "")
    assert version().check_id != before.check_id


def test_a_version_without_a_schema_may_get_one() -> None:
    create(None)
    assert version().check_id is None
    event_types.change_version(version().id, {"schema": SCHEMA})
    assert version().check_id is not None


def test_a_check_is_new_exactly_when_what_is_checked_is() -> None:
    create(None, schema=SCHEMA)
    seen = [version().check_id]
    for change in ({"description": "x"}, {"example": {}}, {"schema": SCHEMA}):
        event_types.change_version(version().id, change)
        assert version().check_id == seen[-1], change
    for enforcement in ("warn", "off", "block"):
        event_types.change_version(version().id, {"enforcement": enforcement})
        assert version().check_id not in seen
        seen.append(version().check_id)
    assert seen[2] is None


def test_an_example_has_to_fit_the_schema_whichever_comes_later() -> None:
    create(None, example={"amount": "x"})
    assert pointers(lambda: event_types.change_version(version().id, {"schema": SCHEMA})) == ["/example/amount"]
    event_types.change_version(version().id, {"schema": SCHEMA, "example": {"amount": 2}})
    assert pointers(lambda: event_types.change_version(version().id, {"example": []})) == ["/example"]
    event_types.change_version(version().id, {"example": None})


def test_a_change_of_the_whole_changes_and_adds_versions_and_loses_none() -> None:
    type_id = create(None, schema=SCHEMA, deprecated_at="2030-01-01T00:00:00Z")
    event_types.replace(
        type_id,
        {
            "name": "order.created",
            "version": "v2",
            "versions": [
                {"version": "v2", "example": 1},
                {"version": "v1", "description": "old", "enforcement": "off"},
            ],
        },
    )
    event_type = EventType.objects.get()
    assert (event_type.version, event_type.deprecated_at) == ("v2", None)
    assert (version("v1").description, version("v1").check_id, version("v2").example) == ("old", None, "1")
    event_types.replace(type_id, {})
    assert EventTypeVersion.objects.count() == 2


def test_a_type_knows_the_checks_of_its_versions_whatever_changed_them() -> None:
    def known() -> dict[str, str]:
        found: dict[str, str] = EventType.objects.get().checks
        rows = EventTypeVersion.objects.exclude(check_id=None)
        assert found == {row.name: str(row.check_id) for row in rows}
        return found

    type_id = create(None, schema=SCHEMA)
    assert list(known()) == ["v1"]
    event_types.add_version(type_id, {"version": "v2", "schema": SCHEMA})
    event_types.replace(
        type_id, {"versions": [{"version": "v3", "schema": True}, {"version": "v1", "enforcement": "off"}]}
    )
    assert set(known()) == {"v2", "v3"}
    event_types.change_version(version("v1").id, {"enforcement": "warn"})
    assert set(known()) == {"v1", "v2", "v3"}


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"name": "other"}, "/name"),
        ({"versions": {}}, "/versions"),
        ({"versions": [1]}, "/versions"),
        ({"versions": [{}]}, "/versions/0/version"),
        ({"versions": [{"version": "v1"}, {"version": "v1", "schema": False}]}, "/versions/1/schema"),
        ({"versions": [{"version": ["v1"]}]}, "/versions/0/version"),
        ({"version": "v9"}, "/version"),
        ({"what": 1}, "/what"),
    ],
)
def test_a_faulty_change_changes_nothing(fields: dict[str, Any], pointer: str) -> None:
    type_id = create(None, schema=SCHEMA, description="kept")
    assert pointers(lambda: event_types.replace(type_id, fields)) == [pointer]
    assert EventType.objects.get().description == "kept"
    assert EventTypeVersion.objects.count() == 1


def test_a_version_is_there_once_and_there_are_not_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    type_id = create(None)
    with pytest.raises(Conflict):
        event_types.add_version(type_id, {"version": "v1"})
    monkeypatch.setattr(event_types, "MAX_VERSIONS", 2)
    event_types.add_version(type_id, {"version": "v2"})
    assert pointers(lambda: event_types.add_version(type_id, {"version": "v3"})) == ["/version"]
    assert pointers(lambda: event_types.add_version(type_id, {})) == ["/version"]


def test_a_type_that_is_gone_is_told() -> None:
    type_id, version_id = create(None), version().id
    event_types.delete(type_id)
    assert not EventTypeVersion.objects.exists()
    for call in (
        lambda: event_types.delete(type_id),
        lambda: event_types.replace(type_id, {}),
        lambda: event_types.add_version(type_id, {"version": "v2"}),
        lambda: event_types.change_version(version_id, {}),
    ):
        with pytest.raises(NotFound):
            call()


# --- import


def openapi(**schemas: Any) -> dict[str, Any]:
    webhooks = {
        name: {"post": {"summary": f"About {name}", "requestBody": {"content": {"application/json": media}}}}
        for name, media in schemas.items()
    }
    return {"openapi": "3.1.0", "webhooks": webhooks, "components": {"schemas": {"Money": {"type": "number"}}}}


ORDER = {"schema": {"properties": {"total": {"$ref": "#/components/schemas/Money"}}}, "example": {"total": 1}}


def test_an_import_reports_what_became_of_each(tenant: Tenant) -> None:
    document = openapi(order_paid=ORDER, bad={"schema": {"$ref": "http://10.0.0.1/"}}, **{"no-type": {}})
    report = event_type_import.import_document(tenant.id, document)
    assert (report.created, report.updated, report.unchanged) == (["order_paid"], [], [])
    assert {name: [fault.pointer for fault in faults] for name, faults in report.refused.items()} == {
        "bad": ["/document/webhooks/bad/post/requestBody/content/application~1json/schema/$ref"],
        "no-type": ["/document/webhooks/no-type/post/requestBody/content/application~1json"],
    }
    made = version()
    assert made.event_type.description == "About order_paid"
    assert made.schema == '{"properties":{"total":{"$ref":"#/$defs/Money"}},"$defs":{"Money":{"type":"number"}}}'
    assert made.example == '{"total":1}'
    again = event_type_import.import_document(tenant.id, document)
    assert (again.created, again.unchanged) == ([], ["order_paid"])


def test_an_import_changes_a_version_only_as_far_as_nobody_breaks(tenant: Tenant) -> None:
    event_type_import.import_document(tenant.id, openapi(a=ORDER, b=ORDER))
    wider = {"schema": {**ORDER["schema"], "properties": {**ORDER["schema"]["properties"], "n": {}}}}  # type: ignore[dict-item]
    narrower = {"schema": {**ORDER["schema"], "required": ["total"]}}
    document = openapi(a=wider, b=narrower)
    report = event_type_import.import_document(tenant.id, document)
    assert report.updated == ["a"]
    (fault,) = report.refused["b"]
    assert fault.pointer == "/document/webhooks/b/post/requestBody/content/application~1json/schema/required"
    assert "new version" in fault.detail
    report = event_type_import.import_document(tenant.id, document, version="v2", enforcement="warn")
    assert report.updated == ["a", "b"]
    assert {row.enforcement for row in EventTypeVersion.objects.filter(name="v2")} == {"warn"}


def test_a_dry_run_reports_the_same_and_writes_nothing(tenant: Tenant) -> None:
    report = event_type_import.import_document(tenant.id, openapi(a=ORDER, b={"schema": 1}), dry_run=True)
    assert (report.created, list(report.refused)) == (["a"], ["b"])
    assert not EventType.objects.exists()


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ([], "/document"),
        ({}, "/document/openapi"),
        ({"openapi": "3.0.3", "webhooks": {"a": {}}}, "/document/openapi"),
        ({"openapi": "3.1.0"}, "/document/webhooks"),
        ({"openapi": "3.1.0", "webhooks": {"a": {}}, "jsonSchemaDialect": "http://x/"}, "/document/jsonSchemaDialect"),
        ({"openapi": "3.1.0", "webhooks": {f"a{n}": {} for n in range(201)}}, "/document/webhooks"),
    ],
)
def test_a_document_that_cannot_be_read_is_refused_as_a_whole(document: Any, pointer: str) -> None:
    assert pointers(lambda: event_type_import.import_document(None, document)) == [pointer]
