"""The receiver records bytes as sent and plays its script."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
import trustme

from tests.answers import Answer, Close, Drip, Hang, Raw, Request, Reset
from tests.receiver import Receiver, Server


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def speak(receiver: Receiver, data: bytes) -> bytes:
    """Send raw bytes on a connection of their own and return everything that comes back."""
    parts = urlsplit(receiver.url())
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as wire:
        wire.sendall(data)
        return b"".join(iter(lambda: wire.recv(65536), b""))


def test_it_records_a_request_exactly_as_sent(receiver: Receiver) -> None:
    body = b'{"price": 1.0, "name": "\\u00e9",  "raw": "\xc3\xa9"}\x00'
    head = f"PUT {receiver.prefix}/a/b?x=%20&y HTTP/1.1\r\nHost: h\r\nX-Odd:  two  \r\nx-odd: again\r\n"
    speak(receiver, head.encode() + b"Connection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    (request,) = receiver.wait_for(1, "/a/b")
    assert (request.method, request.path, request.body) == ("PUT", "/a/b", body)
    assert request.target == f"{receiver.prefix}/a/b?x=%20&y"
    assert request.headers[1:3] == (("X-Odd", "two"), ("x-odd", "again"))
    assert request.header("CONTENT-length") == str(len(body))


def test_it_reads_a_chunked_body(receiver: Receiver, session: requests.Session) -> None:
    session.post(receiver.url("/chunks"), data=iter([b"one ", b"two ", b"three"]))
    assert receiver.wait_for(1, "/chunks")[0].body == b"one two three"


def test_a_connection_is_used_again(receiver: Receiver, session: requests.Session) -> None:
    for _ in range(3):
        session.post(receiver.url("/hook"), data=b"x")
    assert len({request.connection for request in receiver.wait_for(3)}) == 1


def test_a_script_is_played_in_order_and_then_the_default(receiver: Receiver, session: requests.Session) -> None:
    receiver.script("/hook", [Answer(500), Answer(429, [("Retry-After", "7")], b"later")], then=Answer(204))
    answers = [session.post(receiver.url("/hook")) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [500, 429, 204, 204]
    assert (answers[1].headers["Retry-After"], answers[1].content) == ("7", b"later")
    assert session.post(receiver.url("/other")).status_code == 200


def test_a_step_may_depend_on_the_request(receiver: Receiver, session: requests.Session) -> None:
    def by_body(request: Request) -> Answer:
        return Answer(int(request.body))

    receiver.always("/hook", by_body)
    assert [session.post(receiver.url("/hook"), data=code).status_code for code in (b"201", b"503")] == [
        201,
        503,
    ]


def test_it_closes_and_resets_without_an_answer(receiver: Receiver, session: requests.Session) -> None:
    receiver.script("/hook", [Close(), Reset(), Reset(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")])
    for _ in range(3):
        with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
            session.post(receiver.url("/hook"))
    assert len(receiver.requests("/hook")) == 3


def test_it_hangs_until_released(receiver: Receiver, session: requests.Session) -> None:
    receiver.script("/hook", [Hang(Answer(202))])
    answers: list[int] = []
    caller = threading.Thread(target=lambda: answers.append(session.post(receiver.url("/hook")).status_code))
    caller.start()
    receiver.wait_for(1, "/hook")
    receiver.always("/other", Hang())
    with pytest.raises(requests.ReadTimeout):
        requests.post(receiver.url("/other"), timeout=0.05)
    assert answers == []
    receiver.release("/hook")
    caller.join(10)
    assert answers == [202]


def test_it_drips_an_answer_and_sends_raw_bytes(receiver: Receiver, session: requests.Session) -> None:
    receiver.script(
        "/drip", [Drip(Answer(body=b"slowly"), interval=0.01), Drip(Answer(body=b"x"), 0.001, head_too=True)]
    )
    assert [session.post(receiver.url("/drip")).content for _ in range(2)] == [b"slowly", b"x"]
    receiver.script("/raw", [Raw(b"SSH-2.0-OpenSSH\r\n")])
    request = b"POST %s/raw HTTP/1.1\r\nContent-Length: 0\r\n\r\n" % receiver.prefix.encode()
    assert speak(receiver, request) == b"SSH-2.0-OpenSSH\r\n"


def test_waiting_for_what_never_comes_says_what_did_arrive(receiver: Receiver, session: requests.Session) -> None:
    session.post(receiver.url("/hook"))
    with pytest.raises(AssertionError, match=r"2 requests on /hook within 0\.01 s; arrived: POST /hook"):
        receiver.wait_for(2, "/hook", timeout=0.01)


def test_it_counts_requests_in_flight(receiver: Receiver) -> None:
    receiver.always("/hook", Hang())
    callers = [threading.Thread(target=requests.post, args=(receiver.url("/hook"),)) for _ in range(3)]
    for caller in callers:
        caller.start()
    receiver.wait_for(3, "/hook")
    receiver.release()
    for caller in callers:
        caller.join(10)
    assert receiver.peak_in_flight("/hook") == 3


def test_receivers_of_one_server_are_strangers(receiver_server: Server, session: requests.Session) -> None:
    mine, other = receiver_server.receiver(), receiver_server.receiver()
    mine.always("/hook", Answer(500))
    assert session.post(other.url("/hook")).status_code == 200
    assert mine.requests() == []
    other.close()
    assert session.post(other.url("/hook")).status_code == 404
    mine.close()


def test_it_speaks_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server = Server(tls=context)
    receiver = server.receiver()
    assert requests.post(receiver.url("/hook"), b"x", verify=str(tmp_path / "ca.pem"), timeout=9).status_code == 200
    with pytest.raises(requests.exceptions.SSLError):
        requests.post(receiver.url("/hook"), timeout=9)
    server.stop()
    assert [request.body for request in receiver.requests()] == [b"x"]


def test_stopping_a_server_ends_hanging_answers() -> None:
    server = Server()
    receiver = server.receiver()
    receiver.always("/hook", Hang(then=None))
    started = time.monotonic()
    endings: list[str] = []

    def call() -> None:
        try:
            requests.post(receiver.url("/hook"), timeout=60)
        except requests.RequestException as error:
            endings.append(type(error).__name__)

    caller = threading.Thread(target=call)
    caller.start()
    assert receiver.wait_for(1)[0].arrived_at >= started
    server.stop()
    caller.join(10)
    assert endings == ["ConnectionError"]
