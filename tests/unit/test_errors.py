"""The exception tree: faults of the input."""

from __future__ import annotations

from webhooks.errors import FieldError


def test_a_fault_that_names_u0000_can_be_stored() -> None:
    """Attack: PostgreSQL refuses that character, in text and in JSON, and JSON allows it in a name."""
    fault = FieldError("/a\0", "has the property a\0b, which the schema does not know")
    assert fault.as_dict() == {
        "pointer": "/a\\u0000",
        "detail": "has the property a\\u0000b, which the schema does not know",
    }
    assert fault == FieldError("/a\\u0000", fault.detail)
