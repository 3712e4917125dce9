"""services.endpoint_fields for callers that are not HTTP: Python values that JSON could not carry."""

from __future__ import annotations

from types import MappingProxyType, SimpleNamespace
from typing import Any, cast

import pytest

from webhooks.core.headers import MASK
from webhooks.errors import InvalidInput
from webhooks.models import Endpoint
from webhooks.services import endpoint_auth, endpoint_fields

FIELDS = {"url": "https://a.example/hook", "event_types": ["order.*"]}


def _pointers(fields: dict[str, Any]) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        endpoint_fields.clean(FIELDS | fields, partial=False)
    return [fault.pointer for fault in caught.value.errors]


def test_all_fields_have_a_clean_value_and_active_only_when_given() -> None:
    cleaned = endpoint_fields.clean(MappingProxyType(FIELDS), partial=False)
    assert set(cleaned) == {"url", "event_types", *endpoint_fields.defaults()}
    assert "active" in endpoint_fields.clean(FIELDS | {"active": False}, partial=False)


def test_a_part_is_only_what_was_given() -> None:
    assert endpoint_fields.clean({"timeout": 5}, partial=True) == {"timeout": 5}
    assert endpoint_fields.clean({}, partial=True) == {}


def test_cleaning_twice_changes_nothing() -> None:
    """But for no validation, which is null where it is asked for and an empty text in its column."""
    fields = FIELDS | {"url": "HTTPS://A.EXAMPLE/hook", "validation": "cloudevents"}
    once = endpoint_fields.clean(fields, partial=False)
    assert endpoint_fields.clean(once, partial=False) == once
    assert once["url"] == "https://a.example/hook"


def test_defaults_are_never_shared_between_endpoints() -> None:
    endpoint_fields.clean(FIELDS, partial=False)["metadata"]["a"] = 1
    assert endpoint_fields.clean(FIELDS, partial=False)["metadata"] == {}


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), object(), {1, 2}, b"x", "\ud800"],
    ids=["nan", "inf", "object", "set", "bytes", "surrogate"],
)
def test_what_json_cannot_hold_is_refused(value: Any) -> None:
    assert _pointers({"metadata": {"a": value}}) == ["/metadata"]
    assert _pointers({"filter": {"data.a": value}}) == ["/filter"]


def test_a_value_that_contains_itself_is_refused() -> None:
    loop: dict[str, Any] = {}
    loop["loop"] = loop
    assert _pointers({"metadata": loop}) == ["/metadata"]


def test_a_backslash_before_u0000_is_no_nul() -> None:
    text = {"a": "\\u0000"}
    assert endpoint_fields.clean(FIELDS | {"metadata": text}, partial=False)["metadata"] == text


def test_null_as_destination_is_the_same_as_none() -> None:
    assert endpoint_fields.clean(FIELDS | {"destination": None}, partial=False)["destination"] is None


def test_a_repeated_mask_keeps_only_the_secret_it_stands_for() -> None:
    stored = SimpleNamespace(
        auth={"type": "basic", "username": "a", "password": "secret"}, headers={"X-Token": "t", "X-Team": "x"}
    )
    restored = endpoint_auth.unmasked(
        {
            "auth": {"type": "basic", "username": "b", "password": MASK},
            "headers": {"X-Token": MASK, "X-Team": "y", "X-Key": MASK},
        },
        cast(Endpoint, stored),
    )
    assert restored["auth"] == {"type": "basic", "username": "b", "password": "secret"}
    assert restored["headers"] == {"X-Token": "t", "X-Team": "y", "X-Key": MASK}


def test_a_mask_does_not_carry_a_secret_to_another_kind_of_auth() -> None:
    stored = SimpleNamespace(auth={"type": "bearer", "token": "secret"}, headers={})
    given = {"auth": {"type": "api_key", "name": "X-Key", "value": MASK}}
    assert endpoint_auth.unmasked(given, cast(Endpoint, stored)) == given
