"""The benchmark's receiver: a real process, and sockets that say what they want."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from benchmarks import arrivals
from benchmarks.machine import ROOT
from benchmarks.receiver import patience
from webhooks.management.stack.ports import free_port

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def port() -> Iterator[int]:
    number = free_port()
    with subprocess.Popen([sys.executable, "-m", "benchmarks.receiver", str(number)], cwd=ROOT) as process:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", number)).close()
                break
            except OSError:
                time.sleep(0.02)
        yield number
        process.kill()


def connected(port: int) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), timeout=30)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def request(path: str, event: str = "evt_1", body: bytes = b"{}") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nWebhook-Id: {event}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def read(client: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = client.recv(65_536)
        if not more:
            break
        data += more
    return data


def ask(port: int, path: str) -> str:
    with connected(port) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        data = b""
        while b"\r\n\r\n" not in data:
            data += client.recv(65_536)
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        return (body + read(client, length - len(body))).decode()


def test_it_tells_which_event_came_at_which_path_and_when(port: int) -> None:
    before = time.monotonic()
    with connected(port) as client:
        client.sendall(request("/ok/1", "evt_a") + request("/ok/2", "evt_b"))
        assert read(client, 2 * len(OK)) == OK * 2
    first, second = arrivals.parse(ask(port, "/arrivals"))
    assert (first.event, first.path, second.event, second.path) == ("evt_a", "/ok/1", "evt_b", "/ok/2")
    assert before <= first.at <= second.at <= time.monotonic()
    assert ask(port, "/count") == "2"
    ask(port, "/reset")
    assert ask(port, "/count") == "0"


def test_a_request_counts_when_it_is_complete(port: int) -> None:
    body = b"x" * 600_000
    with connected(port) as client:
        whole = request("/ok/1", body=body)
        client.sendall(whole[:-1])
        assert ask(port, "/count") == "0"
        client.sendall(whole[-1:])
        assert read(client, len(OK)) == OK
    assert ask(port, "/count") == "1"


def test_a_hanging_path_is_read_and_never_answered_while_others_are(port: int) -> None:
    with connected(port) as hanging, connected(port) as healthy:
        hanging.sendall(request("/hang/1"))
        healthy.sendall(request("/ok/1"))
        assert read(healthy, len(OK)) == OK
        assert {one.path for one in arrivals.parse(ask(port, "/arrivals"))} == {"/hang/1", "/ok/1"}
        hanging.settimeout(0.3)
        with pytest.raises(TimeoutError):
            hanging.recv(1)


def test_late_answers_come_in_the_order_of_their_times_and_hold_up_nobody(port: int) -> None:
    with connected(port) as slow, connected(port) as delayed, connected(port) as prompt:
        slow.sendall(request("/slow/0.6/1"))
        delayed.sendall(request("/delay/0.2/1"))
        prompt.sendall(request("/ok/1"))
        times = []
        for client in (prompt, delayed, slow):
            assert read(client, len(OK)) == OK
            times.append(time.monotonic())
    came = {one.path: one.at for one in arrivals.parse(ask(port, "/arrivals"))}
    assert times == sorted(times)
    assert times[1] - came["/delay/0.2/1"] >= 0.2
    assert times[2] - came["/slow/0.6/1"] >= 0.6


def test_what_follows_on_a_connection_waits_for_the_late_answer(port: int) -> None:
    with connected(port) as client:
        client.sendall(request("/delay/0.3/1") + request("/ok/1"))
        assert read(client, 2 * len(OK)) == OK * 2
    late, prompt = arrivals.parse(ask(port, "/arrivals"))
    assert (late.path, prompt.path) == ("/delay/0.3/1", "/ok/1")
    assert prompt.at - late.at >= 0.3


def test_a_turning_path_changes_when_told_to(port: int) -> None:
    with connected(port) as client:
        client.sendall(request("/turn/1"))
        assert read(client, len(OK)) == OK
        ask(port, "/turn/hang")
        client.settimeout(0.3)
        client.sendall(request("/turn/1"))
        with pytest.raises(TimeoutError):
            client.recv(1)
    assert ask(port, "/count") == "2"


@pytest.mark.parametrize(
    ("path", "seconds"),
    [
        (b"/ok/1", 0.0),
        (b"/1", 0.0),
        (b"/slow/7", 5.0),
        (b"/slow/2.5/7", 2.5),
        (b"/delay/0.2/7", 0.2),
        (b"/delay/0.2", 0.2),
        (b"/hang/3", float("inf")),
        (b"/turn/3", 9.0),
    ],
)
def test_the_path_says_how_long_its_answer_takes(path: bytes, seconds: float) -> None:
    assert patience(path, turned=9.0) == seconds
