"""Hostile receivers at the other end of a real drain: the verdict, the sentence, and that nothing is taken in full.

How long a call may take is the deadline's affair (``tests/net/test_deadline.py``). Here the receivers of the cases
that never end would go on for ever: what ends them is Clarion closing the connection.
"""

from __future__ import annotations

import gzip
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.factories import make_endpoint
from tests.net.servers import LOCAL, OK, Peer, RawServer, Script, ScriptedNames, always, answering
from tests.services.engine import mailbox_faults, post, states
from webhooks.conf import conf
from webhooks.models import Attempt, Delivery
from webhooks.net.client import HttpClient
from webhooks.net.resolver import Resolver
from webhooks.services.drain import drain

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]

DeliverWith = Callable[..., HttpClient]
HOST = "hooks.example.com"
TIMEOUT = 1  # seconds, of the endpoints here
PATIENT = 15  # seconds, of those whose receivers answer at once: a busy machine must not change the outcome
FAR = 20.0  # seconds within which a receiver must have seen the connection end
BOMB = gzip.compress(b"\0" * 50_000_000)
HEAD = b"HTTP/1.1 200 OK\r\n"


def _then(*parts: bytes, rest: Callable[[Peer], object] = Peer.wait_for_close) -> Script:
    """Read the request, send the parts, and do the rest."""

    def script(peer: Peer) -> None:
        peer.read_request()
        for part in parts:
            peer.send(part)
        rest(peer)

    return script


def _flood(part: bytes) -> Callable[[Peer], None]:
    def flood(peer: Peer) -> None:
        try:
            while not peer.server.stopping.is_set():
                peer.send(part)
        except OSError:
            peer.server.client_closed.set()

    return flood


def _drip(part: bytes) -> Callable[[Peer], None]:
    def drip(peer: Peer) -> None:
        try:
            while not peer.server.stopping.is_set():
                peer.drip(part, pause=0.02)
        except OSError:
            peer.server.client_closed.set()

    return drip


@dataclass(frozen=True)
class Case:
    """A receiver and what must come of it. ``endless``: it goes on until the connection is closed."""

    script: Script
    state: str
    error: str
    says: str
    status: int | None = None
    endless: bool = False
    timeout: int = PATIENT


def _failing(script: Script, error: str, says: str, **more: Any) -> Case:
    return Case(script, "pending", error, says, **more)


CASES = {
    "accepted and silent": _failing(
        Peer.wait_for_close, "timeout", "did not answer within the timeout", endless=True, timeout=TIMEOUT
    ),
    "headers in drips": _failing(
        _then(HEAD, rest=_drip(b"X-A: b\r\n")), "timeout", "only a part of its headers", endless=True, timeout=TIMEOUT
    ),
    "interim answers in drips": _failing(
        _then(rest=_drip(b"HTTP/1.1 100 Continue\r\n")), "timeout", "only a part", endless=True, timeout=TIMEOUT
    ),
    "an answer after the deadline": _failing(
        _then(rest=lambda peer: (peer.wait_for_close(), peer.send(OK))), "timeout", "did not answer", endless=True,
        timeout=TIMEOUT,
    ),
    "a flood of interim answers": _failing(
        _then(rest=_flood(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")), "protocol_error",
        "more than 10 interim (1xx) answers", endless=True,
    ),
    "headers without end": _failing(
        _then(HEAD, rest=_flood(b"X-Filler: " + b"x" * 1000 + b"\r\n")), "protocol_error",
        "headers are larger than 65536 bytes", endless=True,
    ),
    "one header without end": _failing(
        _then(HEAD + b"X-A: ", rest=_flood(b"x" * 8192)), "protocol_error", "larger than 65536 bytes", endless=True
    ),
    "a switch of protocols": _failing(
        _then(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), "protocol_error", "another protocol (101)"
    ),
    "a banner of another protocol": _failing(_then(b"220 smtp.example ESMTP\r\n"), "protocol_error", "not valid HTTP"),
    "a malformed status line": _failing(_then(b"HTTP/1.1 OK 200\r\n\r\n"), "protocol_error", "status line"),
    "a status of two digits": _failing(_then(b"HTTP/1.1 20 OK\r\n\r\n"), "protocol_error", "status line"),
    "closed without an answer": _failing(_then(rest=lambda peer: None), "connection_reset", "without an answer"),
    "reset without an answer": _failing(_then(rest=Peer.reset), "connection_reset", "without an answer"),
    "closed within the headers": _failing(
        _then(HEAD, rest=lambda peer: None), "connection_reset", "in the middle of its headers"
    ),
    "interim answers, then the final one": Case(
        _then(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + OK), "succeeded", "", "", 200
    ),
    "a body in drips": Case(
        _then(HEAD + b"Content-Length: 9999\r\n\r\n", rest=_drip(b"x")), "succeeded", "response_incomplete",
        "did not send its whole answer; the status counts", 200, endless=True, timeout=TIMEOUT,
    ),
    "a body without end": Case(_then(HEAD + b"\r\n", rest=_flood(b"x" * 8192)), "succeeded", "", "", 200, endless=True),
    "chunks without end": Case(
        _then(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", rest=_flood(b"4\r\nxxxx\r\n" * 500)), "succeeded", "", "",
        200, endless=True,
    ),
    "a compressed bomb": Case(
        _then(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB), BOMB), "succeeded", "", "",
        200,
    ),
    "reset within the body": Case(
        _then(HEAD + b"Content-Length: 9999\r\n\r\nabc", rest=Peer.reset), "succeeded", "response_incomplete", "", 200
    ),
    "malformed headers after a good status": Case(
        _then(HEAD + b"no colon\r\n: no name\r\nX-\x00A: \x1b[31m\r\nContent-Length: -1, 5\r\n\r\nabc"), "succeeded",
        "response_incomplete", "", 200,
    ),
    "a redirect to itself": Case(
        _then(b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /hook\r\nContent-Length: 0\r\n\r\n"), "dead", "", "", 307
    ),
    "a redirect to metadata": Case(
        _then(b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"), "dead", "",
        "", 302,
    ),
}  # fmt: skip


@pytest.fixture
def serve() -> Iterator[Callable[..., RawServer]]:
    with ExitStack() as stack:
        yield lambda *args: stack.enter_context(RawServer(*args))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_hostile_receiver_ends_in_its_outcome_and_a_sentence(case: Case, serve: Callable[..., RawServer]) -> None:
    server = serve(case.script)
    endpoint = make_endpoint(url=str(server.url()), timeout=case.timeout)
    post(endpoint)
    drain(endpoint.id)
    assert states(endpoint) == [case.state]
    attempt = Attempt.objects.get()
    assert (attempt.error, attempt.response_status) == (case.error, case.status)
    assert case.says in attempt.detail
    assert len(bytes(attempt.response_body)) <= conf.BODY_LIMIT
    assert len(str(attempt.response_headers)) < 40_000
    assert "\x00" not in str(attempt.response_headers)
    if case.error and case.status is None:
        assert Delivery.objects.get().reason == attempt.detail
        assert attempt.detail.endswith(".")
    assert len(server.requests) == (0 if case.script is Peer.wait_for_close else 1)
    if case.endless:
        assert server.client_closed.wait(FAR), "the receiver would still be going on"
    assert mailbox_faults(endpoint.id) == []


def test_a_receiver_that_reads_a_megabyte_byte_by_byte_times_out(serve: Callable[..., RawServer]) -> None:
    """Its window is closed most of the time, so that sending blocks again and again."""

    def script(peer: Peer) -> None:
        while peer.sock.recv(1):
            if peer.server.stopping.wait(0.05):
                return

    server = serve(script)
    endpoint = make_endpoint(url=str(server.url()), timeout=TIMEOUT, batch={"max_events": 5, "max_wait": 0})
    post(endpoint, 5, lambda n: b'"%s"' % (b"x" * 250_000))
    drain(endpoint.id)
    assert set(Attempt.objects.values_list("error", "detail")) == {
        ("timeout", "The host did not answer within the timeout.")
    }
    assert set(states(endpoint)) == {"pending"}


# --- TLS


def _context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


YESTERDAY = datetime.now(UTC) - timedelta(days=1)
CERTIFICATES: dict[str, tuple[Callable[[trustme.CA], trustme.LeafCert], str]] = {
    "expired": (lambda ca: ca.issue_cert(HOST, not_after=YESTERDAY), "expired"),
    "for another host": (lambda ca: ca.issue_cert("other.example.com"), "certificate is not valid"),
    "for the address only": (lambda ca: ca.issue_cert("127.0.0.1"), "certificate is not valid"),
    "of an unknown authority": (lambda ca: trustme.CA().issue_cert(HOST), "certificate is not valid"),
}


@pytest.fixture
def trusted(deliver_with: DeliverWith, tmp_path: Path) -> trustme.CA:
    """The authority that deliveries of this test trust; the host's name leads to the loopback."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    names = Resolver(ScriptedNames({HOST: [["127.0.0.1"]]}))
    deliver_with(allow=LOCAL, resolver=names, ca_bundle=str(tmp_path / "ca.pem"), connect_timeout=PATIENT)
    return authority


@pytest.mark.parametrize("name", CERTIFICATES)
def test_a_certificate_that_is_not_good_is_retried_and_nothing_is_sent(
    name: str, trusted: trustme.CA, serve: Callable[..., RawServer]
) -> None:
    issue, says = CERTIFICATES[name]
    server = serve(always(OK), _context(issue(trusted)))
    endpoint = make_endpoint(url=str(server.url(host=HOST)), timeout=PATIENT)
    post(endpoint)
    drain(endpoint.id)
    attempt = Attempt.objects.get()
    assert (states(endpoint), attempt.error) == (["pending"], "tls_error")
    assert says in attempt.detail
    assert server.requests == []


def test_a_good_certificate_for_the_name_succeeds(trusted: trustme.CA, serve: Callable[..., RawServer]) -> None:
    server = serve(answering(OK), _context(trusted.issue_cert(HOST)))
    endpoint = make_endpoint(url=str(server.url(host=HOST)), timeout=PATIENT)
    post(endpoint)
    drain(endpoint.id)
    assert states(endpoint) == ["succeeded"]


@pytest.mark.parametrize("script", [Peer.wait_for_close, _drip(b"\x16\x03\x03\x40\x00")], ids=["silent", "in drips"])
def test_a_handshake_that_never_ends_is_cut_by_the_timeout(
    script: Script, trusted: trustme.CA, serve: Callable[..., RawServer]
) -> None:
    server = serve(script)
    url = str(server.url(host=HOST)).replace("http://", "https://")
    endpoint = make_endpoint(url=url, timeout=TIMEOUT)
    post(endpoint)
    drain(endpoint.id)
    attempt = Attempt.objects.get()
    assert (states(endpoint), attempt.error) == (["pending"], "tls_error")
    assert "not finished in time" in attempt.detail
    assert server.client_closed.wait(FAR)
