"""Where the client connects to, and where it refuses to: names, addresses, ports."""

from __future__ import annotations

import logging
import socket
import threading
from time import monotonic

import pytest

from tests.net.conftest import MakeClient, Serve, post
from tests.net.servers import LOCAL, OK, Peer, ScriptedNames, always, answering, closed_port
from webhooks.core.addresses import NOTHING_ALLOWED, AllowList
from webhooks.core.urls import CanonicalUrl, parse_endpoint_url
from webhooks.errors import ClarionError
from webhooks.net import connections
from webhooks.net.deadline import Deadline
from webhooks.net.resolver import MAX_ANSWERS, Answer, Resolver
from webhooks.net.result import ErrorClass, ExchangeFailed, Unreachable

FAR = 10.0  # seconds; a call that a deadline of half a second ends must be over long before


def url_of(host: str, port: int) -> CanonicalUrl:
    return parse_endpoint_url(f"http://{host}:{port}/hook", allow_http=True, allow=LOCAL)


def test_it_connects_to_the_address_of_the_name_and_keeps_the_name_in_the_host_header(
    make_client: MakeClient, serve: Serve
) -> None:
    server = serve(answering(OK))
    names = ScriptedNames({"hooks.example.com": [["127.0.0.1"]]})
    result = post(make_client(resolver=Resolver(names)), server.url(host="hooks.example.com"))
    assert (result.status, result.address) == (200, "127.0.0.1")
    assert f"\r\nHost: hooks.example.com:{server.port}\r\n".encode() in server.requests[0]


def test_one_private_answer_refuses_the_whole_name(make_client: MakeClient, serve: Serve) -> None:
    server = serve(answering(OK))
    for answers in (["127.0.0.1", "10.0.0.1"], ["10.0.0.1", "127.0.0.1"], ["127.0.0.1", "fd00::1"]):
        client = make_client(resolver=Resolver(ScriptedNames({"mixed.example": [answers]})))
        result = post(client, server.url(host="mixed.example"))
        assert (result.status, result.error, result.address) == (None, ErrorClass.UNREACHABLE_TARGET, None)
    assert server.connections == 0


def test_a_name_is_looked_up_once_so_that_rebinding_finds_no_second_lookup(
    make_client: MakeClient, serve: Serve
) -> None:
    server = serve(always(OK))
    names = ScriptedNames({"rebind.example": [["127.0.0.1"], ["169.254.169.254"]]})
    client = make_client(resolver=Resolver(names))
    url = server.url(host="rebind.example")
    assert [post(client, url).status for _ in range(3)] == [200, 200, 200]
    assert names.calls == ["rebind.example"]
    client.close()
    assert post(client, url).error == ErrorClass.UNREACHABLE_TARGET
    assert names.calls == ["rebind.example"] * 2
    assert server.connections == 1


@pytest.mark.parametrize(
    ("host", "answers"),
    [
        ("public.example", ["127.0.0.1"]),
        ("public.example", ["169.254.169.254"]),
        ("public.example", ["::1"]),
        ("public.example", ["::ffff:10.0.0.1"]),
        ("public.example", ["fe80::1%eth0"]),
        ("public.example", ["93.184.216.34", "10.0.0.1"]),
    ],
)
def test_every_blocked_target_gets_the_same_words(make_client: MakeClient, host: str, answers: list[str]) -> None:
    client = make_client(allow=NOTHING_ALLOWED, resolver=Resolver(ScriptedNames({host: [answers]})))
    result = post(client, url_of(host, 8080))
    assert (result.error, result.address) == (ErrorClass.UNREACHABLE_TARGET, None)
    assert result.detail == Unreachable.SENTENCE
    assert not any(character.isdigit() for character in result.detail)


def test_a_literal_is_judged_without_a_lookup(make_client: MakeClient) -> None:
    names = ScriptedNames({})
    client = make_client(allow=NOTHING_ALLOWED, resolver=Resolver(names))
    for host in ("127.0.0.1", "[::1]"):
        assert post(client, url_of(host, 8080)).error == ErrorClass.UNREACHABLE_TARGET
    assert names.calls == []


def test_the_log_tells_the_operator_why_a_target_was_blocked(
    make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    client = make_client(allow=NOTHING_ALLOWED, resolver=Resolver(ScriptedNames({"a.example": [["10.0.0.1"]]})))
    with caplog.at_level(logging.WARNING):
        post(client, url_of("a.example", 8080))
    assert "key=endpoint host=a.example:8080 cause=10.0.0.1 is forbidden (private), one of 1 addresses" in caplog.text


def test_an_allow_list_opens_only_the_port_it_names(make_client: MakeClient, serve: Serve) -> None:
    server, other = serve(answering(OK)), serve(answering(OK))
    client = make_client(allow=AllowList.parse(f"127.0.0.1/32:{server.port}"))
    assert post(client, server).status == 200
    assert post(client, other).error == ErrorClass.UNREACHABLE_TARGET
    assert other.connections == 0


def test_a_host_on_the_deny_list_is_never_a_target(make_client: MakeClient, serve: Serve) -> None:
    server = serve(answering(OK))
    names = ScriptedNames({"clarion.example": [["127.0.0.1"]]})
    client = make_client(resolver=Resolver(names), deny_hosts=["Clarion.example"])
    assert post(client, server.url(host="clarion.example")).error == ErrorClass.UNREACHABLE_TARGET
    assert (names.calls, server.connections) == ([], 0)


def test_a_refusal_is_not_an_error_that_http_libraries_swallow() -> None:
    assert issubclass(Unreachable, ClarionError)
    assert not issubclass(ExchangeFailed, OSError)


# --- this host's own addresses


def test_it_recognises_the_addresses_of_this_host() -> None:
    assert connections.is_own_address(Answer(socket.AF_INET, ("127.0.0.1", 80)))
    assert not connections.is_own_address(Answer(socket.AF_INET, ("198.51.100.7", 80)))
    assert not connections.is_own_address(Answer(socket.AF_INET6, ("2606:4700::1", 80, 0, 0)))


@pytest.mark.parametrize(("own_blocked", "blocked"), [(True, True), (False, False)])
def test_a_public_address_of_this_host_is_refused(
    monkeypatch: pytest.MonkeyPatch, own_blocked: bool, blocked: bool
) -> None:
    """The machine of a test has no public address, so binding to this one is made to succeed."""
    public = "93.184.216.34"
    monkeypatch.setattr(connections, "_can_bind", lambda family, address: address == public)
    connections._can_bind_anything.cache_clear()
    answers = [Answer(socket.AF_INET, (public, 443))]

    def check(allow: AllowList) -> None:
        connections.check_answers(443, answers, allow=allow, own_blocked=own_blocked)

    check(AllowList.parse(f"{public}:443"))
    if not blocked:
        check(NOTHING_ALLOWED)
        return
    with pytest.raises(Unreachable):
        check(NOTHING_ALLOWED)


def test_hosts_that_can_bind_any_address_do_not_refuse_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under ip_nonlocal_bind every address looks like our own."""
    monkeypatch.setattr(connections, "_can_bind", lambda family, address: True)
    connections._can_bind_anything.cache_clear()
    try:
        assert not connections.is_own_address(Answer(socket.AF_INET, ("93.184.216.34", 443)))
    finally:
        connections._can_bind_anything.cache_clear()


def test_the_peer_is_checked_again_after_the_connect(serve: Serve) -> None:
    server = serve(Peer.wait_for_close)
    with socket.create_connection(("127.0.0.1", server.port)) as sock:
        good = [Answer(socket.AF_INET, ("127.0.0.1", server.port))]
        assert connections._check_peer(sock, good, LOCAL) == "127.0.0.1"
        for answers, allow in (
            ([Answer(socket.AF_INET, ("127.0.0.2", server.port))], LOCAL),
            (good, NOTHING_ALLOWED),
        ):
            with pytest.raises(Unreachable):
                connections._check_peer(sock, answers, allow)


# --- connecting


def test_a_refused_connection_is_told_apart(make_client: MakeClient) -> None:
    with closed_port() as port:
        result = post(make_client(), url_of("127.0.0.1", port))
    assert (result.status, result.error) == (None, ErrorClass.CONNECT_REFUSED)
    assert result.address is None


def test_it_tries_the_next_address_when_one_refuses(make_client: MakeClient, serve: Serve) -> None:
    server = serve(answering(OK))
    names = ScriptedNames({"two.example": [["127.0.0.2", "127.0.0.1"]]})
    result = post(make_client(resolver=Resolver(names)), server.url(host="two.example"))
    assert (result.status, result.address) == (200, "127.0.0.1")


def test_it_tries_at_most_three_addresses(make_client: MakeClient, serve: Serve) -> None:
    server = serve(answering(OK))
    names = ScriptedNames({"many.example": [[f"127.0.0.{n}" for n in (2, 3, 4, 1)]]})
    result = post(make_client(resolver=Resolver(names)), server.url(host="many.example"))
    assert result.error == ErrorClass.CONNECT_REFUSED
    assert server.connections == 0


def test_both_families_get_their_try(make_client: MakeClient, serve: Serve) -> None:
    server = serve(answering(OK))
    allow = AllowList.parse("127.0.0.0/8:*,fd00::/8")
    names = ScriptedNames({"dual.example": [["fd00::1", "fd00::2", "fd00::3", "127.0.0.1"]]})
    client = make_client(resolver=Resolver(names), allow=allow, connect_timeout=3)
    assert post(client, server.url(host="dual.example")).status == 200


def test_it_talks_to_an_ipv6_host(make_client: MakeClient, serve: Serve) -> None:
    server = serve(answering(OK), host="::1")
    result = post(make_client(), server)
    assert (result.status, result.address) == (200, "::1")
    assert f"\r\nHost: [::1]:{server.port}\r\n".encode() in server.requests[0]


def test_a_host_that_does_not_accept_times_out(make_client: MakeClient) -> None:
    """A listener with a full backlog drops further SYNs, like a firewall."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = []
        try:
            for _ in range(8):
                filler = socket.socket()
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", port))
                fillers.append(filler)
            started = monotonic()
            result = post(make_client(connect_timeout=0.5), url_of("127.0.0.1", port))
        finally:
            for filler in fillers:
                filler.close()
    assert result.error == ErrorClass.CONNECT_TIMEOUT
    assert monotonic() - started < FAR


# --- names


def test_an_unknown_name_is_unreachable(make_client: MakeClient) -> None:
    result = post(make_client(resolver=Resolver(ScriptedNames({}))), url_of("gone.example", 8080))
    assert (result.error, result.detail) == (ErrorClass.UNREACHABLE_TARGET, Unreachable.SENTENCE)
    assert result.cause == "the name does not exist"


@pytest.mark.parametrize(
    "error",
    [socket.gaierror(socket.EAI_AGAIN, "later"), OSError(5, "broken"), UnicodeError("label too long")],
)
def test_a_failing_lookup_is_unreachable(make_client: MakeClient, error: Exception) -> None:
    def lookup(host: str, port: int, **options: object) -> list[object]:
        raise error

    result = post(make_client(resolver=Resolver(lookup)), url_of("odd.example", 8080))
    assert result.error == ErrorClass.UNREACHABLE_TARGET


def test_a_name_without_addresses_is_unreachable(make_client: MakeClient) -> None:
    client = make_client(resolver=Resolver(ScriptedNames({"empty.example": [[]]})))
    assert post(client, url_of("empty.example", 8080)).error == ErrorClass.UNREACHABLE_TARGET


def test_a_lookup_that_fails_in_an_unforeseen_way_is_recorded_and_logged(
    make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    def lookup(host: str, port: int, **options: object) -> list[object]:
        raise RuntimeError("bug")

    result = post(make_client(resolver=Resolver(lookup)), url_of("bug.example", 8080))
    assert result.error == ErrorClass.INTERNAL_ERROR
    assert "bug" not in result.detail
    assert "RuntimeError: bug" in caplog.text


def test_a_hanging_lookup_ends_at_the_deadline(make_client: MakeClient) -> None:
    names = ScriptedNames({"hanging.example": [["127.0.0.1"]]})
    client = make_client(resolver=Resolver(names), connect_timeout=0.5)
    started = monotonic()
    try:
        result = post(client, url_of("hanging.example", 8080))
        again = post(client, url_of("hanging.example", 8080))
    finally:
        names.release.set()
    assert (result.error, again.error) == (ErrorClass.UNREACHABLE_TARGET, ErrorClass.UNREACHABLE_TARGET)
    assert monotonic() - started < FAR
    assert names.calls == ["hanging.example"], "the second request waits for the running lookup"


def test_hanging_lookups_do_not_take_all_threads() -> None:
    names = ScriptedNames({"hanging.example": [["127.0.0.1"]], "good.example": [["127.0.0.1"]]})
    resolver = Resolver(names, max_lookups=1)
    try:
        with pytest.raises(ExchangeFailed):
            resolver.resolve("hanging.example", 80, Deadline(0.1))
        with pytest.raises(ExchangeFailed, match="could not look the host's name up"):
            resolver.resolve("good.example", 80, Deadline(15))
    finally:
        names.release.set()
    for thread in threading.enumerate():
        if thread.name == "dns":
            thread.join(FAR)
    assert [a.address for a in resolver.resolve("good.example", 80, Deadline(15))] == ["127.0.0.1"]


def test_an_answer_of_hundreds_is_capped() -> None:
    many = [f"127.0.{n // 250}.{n % 250}" for n in range(600)]
    resolver = Resolver(ScriptedNames({"many.example": [many]}))
    answers = resolver.resolve("many.example", 80, Deadline(15))
    assert [answer.address for answer in answers] == many[:MAX_ANSWERS]


def test_the_default_resolver_is_the_systems(make_client: MakeClient, serve: Serve) -> None:
    server = serve(answering(OK))
    result = post(make_client(), server.url(host="localhost"))
    assert (result.status, result.address) == (200, "127.0.0.1")
    blocked = post(make_client(allow=NOTHING_ALLOWED), server.url(host="localhost"))
    assert blocked.error == ErrorClass.UNREACHABLE_TARGET
