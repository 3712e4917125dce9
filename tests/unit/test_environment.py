"""Reading variables of the environment."""

from __future__ import annotations

import os

import pytest

from project import environment


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("redis://h:1/2", "redis://h:1/2"),
        ("rediss://h", "rediss://h"),
        ("valkey://:p@h:1/2", "redis://:p@h:1/2"),
        ("valkeys://valkey:1", "rediss://valkey:1"),
        ("amqp://valkey:x@h//", "amqp://valkey:x@h//"),
        ("redis", "redis"),
    ],
)
def test_valkeys_own_names_of_the_schemes_are_understood(
    monkeypatch: pytest.MonkeyPatch, written: str, meant: str
) -> None:
    monkeypatch.setenv("SOME_URL", written)
    assert environment.redis("SOME_URL", "") == meant
    assert os.environ["SOME_URL"] == meant, "Celery reads the variable of its broker itself"
    monkeypatch.delenv("SOME_URL")
    assert environment.redis("SOME_URL", written) == meant
