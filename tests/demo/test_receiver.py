"""The demonstration receiver verifies, records and behaves as its routes say."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path

import pytest
import requests
from standardwebhooks.webhooks import Webhook

from webhooks.management.demo.journal import Journal, Record, read_records
from webhooks.management.demo.receiver import DemoReceiver
from webhooks.management.demo.routes import Route, add_routes

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + "C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
BODY = b'{"id":"e1","type":"a.b","data":{ "price": 1.0,\n "name": "\\u00e9" },"metadata":{}}'
DATA = b'{ "price": 1.0,\n "name": "\\u00e9" }'


class Running:
    """A receiver in a thread of this process."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = folder
        self.lines: list[str] = []
        self.receiver = DemoReceiver(folder, port, self.lines.append)
        self.port = self.receiver.port
        self._thread = threading.Thread(target=self.receiver.serve)
        self._thread.start()
        self.session = requests.Session()
        self.session.trust_env = False

    def post(self, path: str, headers: dict[str, str] | None = None, body: bytes = BODY) -> int:
        url = f"http://127.0.0.1:{self.port}{path}"
        return self.session.post(url, body, headers=headers, timeout=10).status_code

    @property
    def records(self) -> list[Record]:
        return list(read_records(self.folder))

    def stop(self) -> None:
        self.session.close()
        self.receiver.stop()
        self._thread.join()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path / "receiver")
    yield running
    running.stop()


def signed(secret: str = SECRET, body: bytes = BODY, webhook_id: str = "e1") -> dict[str, str]:
    """The headers of a right request, signed by the official library."""
    now = datetime.now(UTC)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(webhook_id, now, body.decode()),
        "X-Webhook-Signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
        "X-Webhook-Event": "a.b",
        "X-Webhook-Delivery": "dlv_1",
        "X-Webhook-Attempt": "1",
    }


def test_it_verifies_and_records_what_arrives(running: Running) -> None:
    add_routes(running.folder, {"/demo/a": Route((SECRET,))})
    before = time.time()
    assert running.post("/demo/a?x=1", signed()) == 200
    (record,) = running.records
    assert record.verified
    assert (record.path, record.webhook_id, record.event_type) == ("/demo/a", "e1", "a.b")
    assert (record.delivery, record.attempt, record.status, record.size) == ("dlv_1", "1", 200, len(BODY))
    assert record.body_sha256 == hashlib.sha256(BODY).hexdigest()
    assert record.data_sha256 == hashlib.sha256(DATA).hexdigest()
    assert before <= record.arrived_at <= time.time()
    assert running.lines == [f"200 /demo/a a.b e1, {len(BODY)} bytes, try 1: verified"]


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"webhook-signature": "v1,AAAA"}, "webhook-signature: No matching signature found"),
        ({"webhook-signature": "garbage"}, "webhook-signature: "),
        ({"webhook-signature": "v1,a"}, "webhook-signature: "),
        ({"webhook-timestamp": "1000000000"}, "webhook-signature: Message timestamp too old"),
        ({"webhook-id": "e2"}, "webhook-signature: No matching signature found"),
        ({"X-Webhook-Signature": "0" * 64}, "X-Webhook-Signature does not match"),
        ({"X-Webhook-Signature": "\u00e9"}, "X-Webhook-Signature does not match"),
    ],
)
def test_it_answers_401_and_says_why_when_a_signature_is_wrong(
    running: Running, changed: dict[str, str], fault: str
) -> None:
    add_routes(running.folder, {"/demo/a": Route((SECRET,))})
    assert running.post("/demo/a", signed() | changed) == 401
    (record,) = running.records
    assert not record.verified
    assert record.fault.startswith(fault)
    assert f"NOT verified ({record.fault})" in running.lines[0]


@pytest.mark.parametrize("name", ["webhook-signature", "webhook-id", "webhook-timestamp", "X-Webhook-Signature"])
def test_it_answers_401_when_a_header_is_missing(running: Running, name: str) -> None:
    add_routes(running.folder, {"/demo/a": Route((SECRET,))})
    headers = signed()
    del headers[name]
    assert running.post("/demo/a", headers) == 401
    assert "issing" in running.records[0].fault


def test_it_refuses_a_body_that_was_changed_or_is_no_text(running: Running) -> None:
    add_routes(running.folder, {"/demo/a": Route((SECRET,))})
    assert running.post("/demo/a", signed(), BODY.replace(b"1.0", b"1.00")) == 401
    assert running.post("/demo/a", signed(), b"\xff") == 401


def test_any_of_two_valid_secrets_will_do(running: Running) -> None:
    add_routes(running.folder, {"/demo/a": Route((SECRET, OTHER))})
    assert running.post("/demo/a", signed(SECRET)) == 200
    assert running.post("/demo/a", signed(OTHER)) == 200


def test_a_path_without_a_route_is_answered_and_shown_as_not_verified(running: Running) -> None:
    assert running.post("/tour", signed()) == 200
    (record,) = running.records
    assert record.fault == "no secret is known for this path"
    assert running.post("/tour", body=b"no envelope") == 200
    assert running.records[1].data_sha256 == hashlib.sha256(b"no envelope").hexdigest()


def test_routes_are_read_again_when_they_change_and_others_are_kept(running: Running) -> None:
    add_routes(running.folder, {"/demo/a": Route((SECRET,)), "/demo/b": Route((SECRET,))})
    assert running.post("/demo/a", signed(OTHER)) == 401
    add_routes(running.folder, {"/demo/a": Route((OTHER,))})
    assert running.post("/demo/a", signed(OTHER)) == 200
    assert running.post("/demo/b", signed()) == 200
    assert [record.verified for record in running.records] == [False, True, True]
    assert (running.folder / "routes.json").stat().st_mode & 0o777 == 0o600
    assert (running.folder / "received.ndjson").stat().st_mode & 0o777 == 0o600


def test_it_fails_the_first_requests_of_each_event_and_goes_on_counting_after_a_restart(
    tmp_path: Path,
) -> None:
    add_routes(tmp_path, {"/demo/flaky": Route((SECRET,), fail_first=2)})
    first = Running(tmp_path)
    try:
        assert first.post("/demo/flaky", signed()) == 500
        assert first.post("/demo/flaky", signed(webhook_id="e2")) == 500
    finally:
        first.stop()
    second = Running(tmp_path)
    try:
        assert [second.post("/demo/flaky", signed()) for _ in range(3)] == [500, 200, 200]
        assert [second.post("/demo/flaky", signed(webhook_id="e2")) for _ in range(2)] == [500, 200]
        assert [record.status for record in second.records] == [500, 500, 500, 200, 200, 500, 200]
    finally:
        second.stop()


@pytest.mark.parametrize("status", [500, 410])
def test_it_always_answers_the_status_of_its_route(running: Running, status: int) -> None:
    add_routes(running.folder, {"/demo/a": Route((SECRET,), status=status)})
    assert [running.post("/demo/a", signed()) for _ in range(2)] == [status, status]
    assert all(record.verified for record in running.records)


def test_a_slow_answer_is_recorded_before_it_is_given_and_holds_up_nobody_else(running: Running) -> None:
    add_routes(running.folder, {"/demo/slow": Route((SECRET,), delay=60.0), "/demo/a": Route((SECRET,))})
    answers: list[int] = []
    slow = threading.Thread(target=lambda: answers.append(running.post("/demo/slow", signed())))
    slow.start()
    deadline = time.monotonic() + 15
    while not running.records and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [record.path for record in running.records] == ["/demo/slow"]
    with requests.Session() as other:
        other.trust_env = False
        answer = other.post(f"http://127.0.0.1:{running.port}/demo/a", BODY, headers=signed(), timeout=10)
    assert answer.status_code == 200
    assert answers == []
    running.receiver.stop()
    slow.join(15)
    assert answers == [200]


def test_it_keeps_connections_and_reads_the_whole_body(running: Running) -> None:
    add_routes(running.folder, {"/demo/a": Route((SECRET,))})
    body = json.dumps({"data": "x" * 300_000}).encode()
    connection = HTTPConnection("127.0.0.1", running.port, timeout=10)
    connection.connect()
    socket = connection.sock
    for _ in range(3):
        connection.request("POST", "/demo/a", body, signed(body=body))
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
    assert connection.sock is socket
    connection.close()
    assert [record.verified for record in running.records] == [True] * 3


@pytest.mark.parametrize(
    ("header", "status"), [(("Transfer-Encoding", "chunked"), 411), (("Content-Length", "9000000"), 413)]
)
def test_a_body_without_length_or_too_large_is_refused_unread(
    running: Running, header: tuple[str, str], status: int
) -> None:
    connection = HTTPConnection("127.0.0.1", running.port, timeout=10)
    connection.putrequest("POST", "/demo/a")
    connection.putheader(*header)
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("Connection")) == (status, "close")
    connection.close()
    assert running.records == []


def test_it_survives_being_killed_as_a_process(tmp_path: Path) -> None:
    add_routes(tmp_path, {"/demo/flaky": Route((SECRET,), fail_first=1)})
    statuses = []
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "manage.py", "demo_receiver", "--port", "0", "--state-dir", str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip().removeprefix("receiving on ")
            statuses.append(requests.post(f"{address}/demo/flaky", BODY, headers=signed(), timeout=10).status_code)
            assert "/demo/flaky a.b e1" in process.stdout.readline()
        finally:
            process.kill()
            process.communicate()
    assert statuses == [500, 200]
    assert [record.status for record in read_records(tmp_path)] == [500, 200]


def test_a_torn_line_of_the_journal_costs_that_line_only(tmp_path: Path) -> None:
    record = Record("/a", "e1", "a.b", "dlv_1", "1", "00", "11", 2, "", 200, 1.5)
    journal = Journal(tmp_path)
    journal.append(record)
    journal.close()
    with (tmp_path / "received.ndjson").open("ab") as file:
        file.write(b'{"path":"/b","webh')
    journal = Journal(tmp_path)
    journal.append(record)
    journal.close()
    assert list(read_records(tmp_path)) == [record, record]


def test_the_journal_is_moved_aside_when_it_gets_long(tmp_path: Path) -> None:
    record = Record("/a", "e1", "a.b", "dlv_1", "1", "00", "11", 2, "", 200, 1.5)
    journal = Journal(tmp_path, longest=1000)
    for _ in range(20):
        journal.append(record)
    journal.close()
    sizes = {file.name: file.stat().st_size for file in tmp_path.iterdir()}
    assert set(sizes) == {"received.ndjson", "received.old.ndjson"}
    assert max(sizes.values()) < 1500
