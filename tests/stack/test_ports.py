"""Free ports for servers that come and go."""

from __future__ import annotations

import pytest

from webhooks.management.stack import ports


def test_a_port_to_which_nothing_is_delivered_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter([26_379, 27_017, 21_212, 21_213, 21_214, 21_215, 21_216])
    monkeypatch.setattr(ports.secrets, "randbelow", lambda _: next(drawn) - ports._FIRST)
    assert ports.free_port() in range(21_212, 21_217)
