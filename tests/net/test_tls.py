"""TLS: verified against the name, whatever address it leads to, and never given up."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import pytest
import trustme

from tests.net.conftest import MakeClient, Serve, post
from tests.net.servers import LOCAL, OK, Peer, RawServer, ScriptedNames, always, answering
from webhooks.net.client import HttpClient
from webhooks.net.resolver import Resolver
from webhooks.net.result import ErrorClass, HttpResult
from webhooks.net.tls import ClientCertificate

HOST = "hooks.example.com"
FAR = 10.0  # seconds; a call that a deadline of half a second ends must be over long before


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def client(make_client: MakeClient, authority: trustme.CA, tmp_path: Path) -> HttpClient:
    """Trusts the test's authority; ``hooks.example.com`` is 127.0.0.1."""
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    names = ScriptedNames({HOST: [["127.0.0.1"]]})
    return make_client(ca_bundle=str(bundle), resolver=Resolver(names), connect_timeout=10.0)


def context_with(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def post_to_name(client: HttpClient, server: RawServer, timeout: float = 15.0) -> HttpResult:
    return post(client, server.url(host=HOST), timeout=timeout)


def test_a_good_certificate_is_accepted_and_the_server_sees_the_name(
    client: HttpClient, serve: Serve, authority: trustme.CA
) -> None:
    context = context_with(authority.issue_cert(HOST))
    seen: list[str | None] = []
    context.sni_callback = lambda sock, name, ctx: seen.append(name)
    server = serve(always(OK), context)
    first, second = post_to_name(client, server), post_to_name(client, server)
    assert (first.status, second.status) == (200, 200)
    assert (first.address, seen) == ("127.0.0.1", [HOST])
    assert (first.reused, second.reused) == (False, True)
    assert first.timings_ms.tls is not None
    assert f"\r\nHost: {HOST}:{server.port}\r\n".encode() in server.requests[0]


def test_a_certificate_for_the_address_fits_a_literal(client: HttpClient, serve: Serve, authority: trustme.CA) -> None:
    server = serve(answering(OK), context_with(authority.issue_cert("127.0.0.1")))
    assert post(client, server).status == 200


@pytest.mark.parametrize("identity", ["other.example.com", "127.0.0.1", "example.com", "*.com"])
def test_a_certificate_for_something_else_is_refused(
    client: HttpClient, serve: Serve, authority: trustme.CA, identity: str
) -> None:
    server = serve(answering(OK), context_with(authority.issue_cert(identity)))
    result = post_to_name(client, server)
    assert (result.status, result.error) == (None, ErrorClass.TLS_ERROR)
    assert "certificate is not valid" in result.detail
    assert server.requests == []


def test_an_expired_certificate_is_refused(client: HttpClient, serve: Serve, authority: trustme.CA) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    certificate = authority.issue_cert(HOST, not_after=yesterday)
    result = post_to_name(client, serve(answering(OK), context_with(certificate)))
    assert result.error == ErrorClass.TLS_ERROR
    assert "expired" in result.detail


def test_an_unknown_authority_is_refused(client: HttpClient, serve: Serve) -> None:
    server = serve(answering(OK), context_with(trustme.CA().issue_cert(HOST)))
    result = post_to_name(client, server)
    assert result.error == ErrorClass.TLS_ERROR
    assert server.requests == []


def test_the_default_authorities_do_not_include_the_tests(
    make_client: MakeClient, serve: Serve, authority: trustme.CA
) -> None:
    client = make_client(resolver=Resolver(ScriptedNames({HOST: [["127.0.0.1"]]})))
    server = serve(answering(OK), context_with(authority.issue_cert(HOST)))
    assert post_to_name(client, server).error == ErrorClass.TLS_ERROR


def test_authorities_of_the_environment_do_not_count(
    serve: Serve, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only WEBHOOKS_CA_BUNDLE says whom deliveries trust, not what another program's variables name."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "ca.pem"))
    server = serve(answering(OK), context_with(authority.issue_cert(HOST)))
    names = Resolver(ScriptedNames({HOST: [["127.0.0.1"]]}))
    with HttpClient(allow=LOCAL, resolver=names, connect_timeout=10.0) as client:
        assert post_to_name(client, server).error == ErrorClass.TLS_ERROR
    assert server.requests == []


def test_plain_http_on_a_tls_port_is_a_tls_error(client: HttpClient, serve: Serve) -> None:
    def script(peer: Peer) -> None:
        peer.sock.recv(1000)
        peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        peer.wait_for_close()

    server = serve(script)
    url = server.url(host=HOST)
    url = type(url)("https", HOST, HOST, server.port, "/", url.authority, f"https://{url.authority}/")
    result = post(client, url)
    assert (result.status, result.error) == (None, ErrorClass.TLS_ERROR)
    assert "does not speak TLS" in result.detail


@pytest.mark.parametrize("script", [Peer.wait_for_close, lambda peer: peer.drip(b"\x16\x03\x03\x40\x00" * 500)])
def test_a_handshake_that_never_ends_is_cut(make_client: MakeClient, serve: Serve, script: object) -> None:
    client = make_client(resolver=Resolver(ScriptedNames({HOST: [["127.0.0.1"]]})), connect_timeout=0.5)
    server = serve(script)
    url = server.url(host=HOST)
    url = type(url)("https", HOST, HOST, server.port, "/", url.authority, f"https://{url.authority}/")
    started = monotonic()
    result = post(client, url)
    assert result.error == ErrorClass.TLS_ERROR
    assert result.address == "127.0.0.1"
    assert monotonic() - started < FAR


def test_headers_in_drips_over_tls_time_out(client: HttpClient, serve: Serve, authority: trustme.CA) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.drip(b"HTTP/1.1 200 OK\r\nX-Filler: " + b"x" * 1000)

    server = serve(script, context_with(authority.issue_cert(HOST)))
    started = monotonic()
    assert post_to_name(client, server, timeout=1.0).error == ErrorClass.TIMEOUT
    assert monotonic() - started < FAR


def test_a_large_body_arrives_whole_over_tls(client: HttpClient, serve: Serve, authority: trustme.CA) -> None:
    server = serve(answering(OK), context_with(authority.issue_cert(HOST)))
    body = bytes(range(256)) * 4096
    assert post(client, server.url(host=HOST), body=body).status == 200
    assert server.requests[0].endswith(b"\r\n\r\n" + body)


# --- client certificates


def demanding(authority: trustme.CA) -> ssl.SSLContext:
    context = context_with(authority.issue_cert(HOST))
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    return context


def identity_of(certificate: trustme.LeafCert) -> ClientCertificate:
    chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    return ClientCertificate(chain.decode(), certificate.private_key_pem.bytes().decode())


def test_a_client_certificate_opens_a_host_that_demands_one(
    client: HttpClient, serve: Serve, authority: trustme.CA
) -> None:
    server = serve(always(OK), demanding(authority))
    url = server.url(host=HOST)
    identity = identity_of(authority.issue_cert("clarion@example.com"))
    assert post(client, url, identity=identity).status == 200
    without = post(client, url)
    assert without.status is None, "the warm connection belongs to the certificate"
    assert without.error in (ErrorClass.TLS_ERROR, ErrorClass.CONNECTION_RESET)


def test_a_broken_client_certificate_is_a_tls_error_that_says_so(client: HttpClient, serve: Serve) -> None:
    server = serve(answering(OK), context_with(trustme.CA().issue_cert(HOST)))
    result = post(client, server.url(host=HOST), identity=ClientCertificate("no", "pem"))
    assert result.error == ErrorClass.TLS_ERROR
    assert "client certificate" in result.detail
    assert server.connections == 0


def test_a_private_key_is_not_in_the_representation() -> None:
    assert "canary" not in repr(ClientCertificate("certificate", "canary"))
