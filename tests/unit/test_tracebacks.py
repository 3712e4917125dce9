"""A failure is told by places in the code, without values of variables and without secrets."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhooks import errors
from webhooks.core import ids, signatures, tracebacks
from webhooks.core.headers import MASK


def fail(secret: str, depth: int = 0) -> None:
    local = {"password": secret}
    if depth:
        fail(secret, depth - 1)
    raise LookupError(f"no {len(local)} thing")


def described(call: Any, *args: Any) -> tracebacks.Description:
    try:
        call(*args)
    except Exception as error:
        return tracebacks.describe(error)
    raise AssertionError("it did not fail")


def test_it_names_class_message_and_places() -> None:
    told = described(fail, "whsec_x")
    assert (told.exception, told.sentence) == ("LookupError", "no 1 thing")
    assert "tests/unit/test_tracebacks.py:" in told.places
    assert " in fail\n" in told.places
    assert 'raise LookupError(f"no {len(local)} thing")' in told.places


def test_values_of_variables_are_not_in_it() -> None:
    secret = secrets.token_urlsafe(24)
    assert secret not in repr(described(fail, secret))


def test_an_exception_of_a_package_is_named_with_its_module() -> None:
    def refused() -> None:
        raise errors.Conflict("taken")

    assert described(refused).exception == "webhooks.errors.Conflict"


def test_causes_come_first_as_in_pythons_own_traceback() -> None:
    def outer() -> None:
        try:
            fail("x")
        except LookupError as error:
            raise RuntimeError("the second") from error

    places = described(outer).places
    assert places.index("LookupError: no 1 thing") < places.index("RuntimeError: the second")


def test_a_suppressed_context_stays_suppressed() -> None:
    def outer() -> None:
        try:
            fail("x")
        except LookupError:
            raise RuntimeError("the second") from None

    assert "LookupError" not in described(outer).places


def test_deep_recursion_and_endless_chains_stay_short() -> None:
    def circle() -> None:
        one, two = ValueError("one"), ValueError("two")
        one.__cause__, two.__cause__ = two, one
        raise one

    assert len(described(fail, "x", 500).places) <= 12_000
    assert described(circle).places.count("ValueError: ") == 2


def test_the_folders_of_this_machine_are_not_in_it() -> None:
    told = described(fail, "x").places
    assert all(not line.startswith("/") for line in told.splitlines())


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("no connection to redis://:p4ss@10.0.0.1:6379/0", f"no connection to redis://{MASK}@10.0.0.1:6379/0"),
        ("postgresql://clarion:p4ss@db/clarion refused", f"postgresql://{MASK}@db/clarion refused"),
        ("GET https://a.example/hook?token=abc failed", f"GET https://a.example/hook?{MASK} failed"),
        ("header Authorization: Bearer abc.def", f"header Authorization: {MASK}"),
        ("Basic YTpi was refused", f"Basic {MASK} was refused"),
        ("password=hunter2, user=bob", f"password={MASK}, user=bob"),
        ("{'client_secret': 'hunter2', 'id': 7}", "{'client_secret': " + MASK + ", 'id': 7}"),
        ("x" * 30 + " is no number", "x" * 30 + " is no number"),
    ],
)
def test_secrets_in_messages_are_masked(message: str, shown: str) -> None:
    assert tracebacks.mask(message) == shown


# Made when they are needed: test names must be the same in every process.
SECRETS: dict[str, Callable[[], str]] = {
    "signing secret": signatures.generate_secret,
    "API key": lambda: f"clk_{secrets.token_hex(8)}_{secrets.token_hex(32)}",
    "access token": lambda: f"clt_{secrets.token_hex(32)}",
    "client secret": lambda: f"ocs_{secrets.token_hex(32)}",
    "encrypted": lambda: f"gAAAAABl{secrets.token_urlsafe(60)}",
    "hexadecimal": lambda: secrets.token_hex(32),
    "base64": lambda: f"{secrets.token_urlsafe(48)}0",
}


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize("place", ["{}", "bad value {!r} here", "key ({})"])
def test_keys_of_clarion_are_masked_wherever_they_stand(kind: str, place: str) -> None:
    secret = SECRETS[kind]()
    assert secret[-20:] not in tracebacks.mask(place.format(secret))


def test_ids_stay_readable() -> None:
    text = f"{ids.show(ids.DELIVERY, ids.new_id())} of {uuid4()}"
    assert tracebacks.mask(text) == text


def test_only_the_first_line_is_kept_because_postgresql_puts_rows_into_the_next() -> None:
    assert tracebacks.mask('null value in column "x"\nDETAIL:  Failing row contains (1, secret).') == (
        'null value in column "x"'
    )


@given(st.text())
def test_a_message_is_always_short_printable_and_fit_for_a_database(message: str) -> None:
    shown = tracebacks.mask(message)
    assert len(shown) <= tracebacks.SENTENCE
    assert shown.isprintable()
    shown.encode()
