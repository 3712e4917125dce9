"""Secrets that a receiver sends back."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from webhooks.core.headers import MASK
from webhooks.core.redaction import SHORTEST, Redaction


def test_it_replaces_every_place_in_text_and_bytes() -> None:
    redaction = Redaction.of(["hunter22"])
    assert redaction.text("a hunter22, b hunter22") == f"a {MASK}, b {MASK}"
    assert redaction.data(b"\xffhunter22\x00") == b"\xff" + MASK.encode() + b"\x00"


def test_the_longer_of_two_goes_first() -> None:
    assert Redaction.of(["secret", "secretive"]).text("secretive secret") == f"{MASK} {MASK}"


def test_what_is_shorter_is_left_alone() -> None:
    assert Redaction.of(["a" * (SHORTEST - 1), ""]).values == ()


def test_it_does_not_show_its_values() -> None:
    assert "hunter22" not in repr(Redaction.of(["hunter22"]))


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters=MASK), min_size=SHORTEST, max_size=20))
def test_nothing_is_left_of_a_value_that_is_echoed_as_it_is_or_as_json(secret: str) -> None:
    redaction = Redaction.of([secret])
    echoed = json.dumps({"headers": {"Authorization": secret}}, ensure_ascii=True)
    assert json.dumps(secret)[1:-1] not in redaction.text(echoed)
    assert redaction.text(secret) == MASK
