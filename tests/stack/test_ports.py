"""Free ports for servers that come and go."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from webhooks.management.stack import ports


def test_a_port_to_which_nothing_is_delivered_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter([26_379, 27_017, 21_212, 21_213, 21_214, 21_215, 21_216])
    monkeypatch.setattr(ports.secrets, "randbelow", lambda _: next(drawn) - ports._FIRST)
    assert ports.free_port() in range(21_212, 21_217)


def test_a_socket_for_children_takes_no_descriptor_of_a_standard_stream_that_is_closed() -> None:
    told = subprocess.run(
        [sys.executable, "-c", _RESERVE], preexec_fn=lambda: os.close(0), capture_output=True, text=True, check=True
    )
    descriptor, answered = told.stdout.split()
    assert int(descriptor) > 2
    assert answered == "True", "the moved socket listens"


_RESERVE = """
import socket
from webhooks.management.stack import ports
listener = ports.reserve(0)
with socket.create_connection(listener.getsockname(), timeout=5):
    print(listener.fileno(), listener.accept()[0].fileno() >= 0)
"""
