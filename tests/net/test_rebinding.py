"""DNS rebinding with real name servers, real routes and the system's resolver, in two network namespaces.

Needs root and Linux; where that is missing the reason is in the report. Nothing of it outlives the test.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.net.rebinding import CONTROL_PORT, INSIDE, METADATA, NAME_SERVER, PORT, PUBLIC

ROOT = Path(__file__).resolve().parents[2]
SENDER_ADDRESS = "10.99.0.1"
PATIENCE = 60  # seconds for any one command


class Namespaces:
    """Two namespaces joined by a pair of interfaces; everything is taken away by :meth:`close`."""

    def __init__(self) -> None:
        tag = secrets.token_hex(4)
        self.sender, self.world = f"clarion-{tag}-sender", f"clarion-{tag}-world"
        self._etc = Path("/etc/netns") / self.sender
        self._stack = ExitStack()

    def open(self) -> None:
        for name in (self.sender, self.world):
            _ip("netns", "add", name)
            self._stack.callback(subprocess.run, ["ip", "netns", "del", name], check=False, timeout=PATIENCE)
            _ip("-n", name, "link", "set", "lo", "up")
        _ip("-n", self.sender, "link", "add", "v0", "type", "veth", "peer", "name", "v1", "netns", self.world)
        _ip("-n", self.sender, "address", "add", f"{SENDER_ADDRESS}/24", "dev", "v0")
        _ip("-n", self.world, "address", "add", f"{NAME_SERVER}/24", "dev", "v1")
        for address in (PUBLIC, INSIDE, METADATA):
            _ip("-n", self.world, "address", "add", f"{address}/32", "dev", "lo")
        _ip("-n", self.sender, "link", "set", "v0", "up")
        _ip("-n", self.world, "link", "set", "v1", "up")
        _ip("-n", self.sender, "route", "add", "default", "via", NAME_SERVER)
        self._etc.mkdir(parents=True)
        self._stack.callback(shutil.rmtree, self._etc, ignore_errors=True)
        (self._etc / "resolv.conf").write_text(f"nameserver {NAME_SERVER}\noptions timeout:5 attempts:2\n")

    def start(self, namespace: str, side: str) -> subprocess.Popen[str]:
        """A process on one side of the attack."""
        process = subprocess.Popen(
            ["ip", "netns", "exec", namespace, sys.executable, "-m", "tests.net.rebinding", side],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        self._stack.callback(_end, process)
        return process

    def close(self) -> None:
        self._stack.close()


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True, timeout=PATIENCE)


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate(timeout=PATIENCE)


@pytest.fixture
def namespaces() -> Iterator[Namespaces]:
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and the command ip (package iproute2)")
    made = Namespaces()
    try:
        try:
            made.open()
        except (subprocess.CalledProcessError, OSError) as error:
            pytest.skip(f"no network namespaces here: {getattr(error, 'stderr', '') or error}")
        yield made
    finally:
        made.close()


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_name_that_changes_its_mind_leads_nowhere_inside(namespaces: Namespaces) -> None:
    world = namespaces.start(namespaces.world, "world")
    assert world.stdout is not None
    assert json.loads(world.stdout.readline()) == "ready"
    sender = namespaces.start(namespaces.sender, "sender")
    results, faults = sender.communicate(timeout=PATIENCE)
    assert sender.returncode == 0, faults
    seen = lines(world.communicate(timeout=PATIENCE)[0])

    *attempts, done = lines(results)
    assert done == "done"
    reached = {"status": 200, "error": None, "address": PUBLIC}
    refused = {"status": None, "error": "unreachable_target", "address": None}
    assert attempts == [
        {"name": "rebind.example", **reached},
        {"name": "rebind.example", **refused},
        {"name": "rebind.example", **refused},
        {"name": "metadata.example", **reached},
        {"name": "metadata.example", **refused},
        {"name": "mixed.example", **refused},
        {"name": "inside.example", **refused},
        {"name": "gone.example", **refused},
    ]
    connected = [one["connected"] for one in seen if "connected" in one]
    assert connected == [f"{PUBLIC}:{PORT}"] * 2 + [f"{INSIDE}:{CONTROL_PORT}"], "the way inside was open"
    lookups = [one["asked"] for one in seen if one.get("type") == 1]
    assert lookups.count("rebind.example") == 3, "one lookup an attempt"
    assert lookups.count("metadata.example") == 2


def test_nothing_is_left_behind(namespaces: Namespaces) -> None:
    world = namespaces.start(namespaces.world, "world")
    assert world.stdout is not None
    assert json.loads(world.stdout.readline()) == "ready"
    namespaces.close()
    assert world.poll() is not None
    listed = subprocess.run(["ip", "netns", "list"], check=True, capture_output=True, text=True, timeout=PATIENCE)
    assert namespaces.sender not in listed.stdout
    assert namespaces.world not in listed.stdout
    assert not (Path("/etc/netns") / namespaces.sender).exists()
