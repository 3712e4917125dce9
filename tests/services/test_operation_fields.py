"""Parameters of operations: what can be stored, and what is refused with its place."""

from __future__ import annotations

import pytest

from webhooks.services.operations import fields


@pytest.mark.parametrize("name", ["", "a\0b", "\ud800", "x" * 129], ids=["empty", "nul", "surrogate", "long"])
def test_what_can_be_no_id_of_an_event_is_refused(name: str) -> None:
    """Attack: PostgreSQL refuses U+0000 among stored parameters, which was an answer 500."""
    with pytest.raises(fields.Fault) as refused:
        fields.event_names(["evt_1", name])
    assert refused.value.faults == (("/1", "takes 1 to 128 printable characters"),)
