"""Warm connections: reused, bounded, never shared between endpoints, never trusted when stale."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from urllib3.util.wait import wait_for_read

from tests.net.conftest import MakeClient, Serve, post
from tests.net.servers import LOCAL, OK, Peer, RawServer, always, answering
from webhooks.core.addresses import NOTHING_ALLOWED
from webhooks.net.client import HttpClient
from webhooks.net.connections import Connection, GuardedHTTPConnection, Trace, open_connection
from webhooks.net.deadline import Deadline
from webhooks.net.pool import ConnectionPool
from webhooks.net.resolver import Resolver
from webhooks.net.result import ErrorClass

FAR = 10.0  # seconds to wait for something that comes at once


def idle_connection(client: HttpClient) -> Connection:
    return next(iter(client.pool._idle))


def connect(server: RawServer) -> Connection:
    answers = Resolver().resolve(server.host, server.port, Deadline(FAR))
    return open_connection(server.url(), answers, allow=LOCAL, deadline=Deadline(FAR), context=None, trace=Trace())


def test_requests_of_an_endpoint_share_a_connection(client: HttpClient, serve: Serve) -> None:
    server = serve(always(OK))
    results = [post(client, server) for _ in range(5)]
    assert [result.reused for result in results] == [False, True, True, True, True]
    assert all(result.address == "127.0.0.1" for result in results)
    assert server.connections == 1


def test_endpoints_never_share_a_connection(client: HttpClient, serve: Serve) -> None:
    server = serve(always(OK))
    for key in ("endpoint-1", "endpoint-2", "endpoint-1"):
        assert post(client, server, pool_key=key).status == 200
    assert server.connections == 2


def test_an_endpoint_with_a_new_url_gets_a_new_connection(client: HttpClient, serve: Serve) -> None:
    first, second = serve(always(OK)), serve(always(OK))
    assert [post(client, server).status for server in (first, second)] == [200, 200]
    assert (first.connections, second.connections) == (1, 1)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: Keep-Alive, Close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length : 0\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 Forged\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\nbody",
        b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_a_connection_is_not_reused_after(client: HttpClient, serve: Serve, answer: bytes) -> None:
    server = serve(answering(answer))
    for _ in range(2):
        result = post(client, server)
        assert (200 <= (result.status or 0) < 300, result.reused) == (True, False)
    assert server.connections == 2


def test_http_1_0_keeps_alive_when_the_host_says_so(client: HttpClient, serve: Serve) -> None:
    server = serve(always(b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"))
    assert [post(client, server).reused for _ in range(2)] == [False, True]


def test_a_connection_the_host_has_closed_is_replaced_before_anything_is_sent(client: HttpClient, serve: Serve) -> None:
    def once(peer: Peer) -> None:
        peer.read_request()
        peer.send(OK)

    server = serve(once)
    assert post(client, server).status == 200
    assert wait_for_read(idle_connection(client).sock, timeout=FAR)
    result = post(client, server)
    assert (result.status, result.reused) == (200, False)
    assert len(server.requests) == 2


def test_bytes_that_nobody_asked_for_poison_a_connection(client: HttpClient, serve: Serve) -> None:
    forged = threading.Event()

    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(OK)
        forged.wait(FAR)
        peer.send(b"HTTP/1.1 200 Forged\r\nContent-Length: 6\r\n\r\nforged")
        peer.wait_for_close()

    server = serve(script)
    assert post(client, server).body == b"ok"
    forged.set()
    assert wait_for_read(idle_connection(client).sock, timeout=FAR)
    assert post(client, server).body == b"ok"
    assert server.connections == 2


def test_a_request_that_may_have_been_processed_is_not_sent_again(client: HttpClient, serve: Serve) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(OK)
        peer.read_request()

    server = serve(script)
    assert post(client, server).status == 200
    result = post(client, server)
    assert (result.status, result.error) == (None, ErrorClass.CONNECTION_RESET)
    assert len(server.requests) == 2


def test_a_warm_connection_that_takes_no_byte_is_replaced(client: HttpClient, serve: Serve) -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        peer.send(OK)
        peer.server.stopping.wait(FAR)

    server = serve(script)
    assert post(client, server).status == 200
    sock = idle_connection(client).sock
    assert sock is not None
    sock.shutdown(1)  # every send fails now, but nothing can be read: as if the RST came after the check
    result = post(client, server)
    assert (result.status, result.reused) == (200, False)


def test_a_warm_connection_must_still_be_allowed(make_client: MakeClient, serve: Serve) -> None:
    server = serve(always(OK))
    client = make_client()
    assert post(client, server).status == 200
    client.allow = NOTHING_ALLOWED
    assert post(client, server).error == ErrorClass.UNREACHABLE_TARGET
    assert len(server.requests) == 1


def test_threads_never_get_each_others_answers(client: HttpClient, serve: Serve) -> None:
    def echo(peer: Peer) -> None:
        while True:
            body = peer.read_request().partition(b"\r\n\r\n")[2]
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    server = serve(echo)

    def send(number: int) -> bool:
        body = b"message %d " % number * (number % 50 + 1)
        return post(client, server, body=body).body == body

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(send, range(400)))
    assert len(server.requests) == 400
    assert server.connections <= 8, "one for each thread is enough"
    assert len(client.pool) <= client.pool.max_per_key


# --- bounds


def test_the_pool_keeps_so_many_of_a_key(serve: Serve) -> None:
    server = serve(Peer.wait_for_close)
    pool = ConnectionPool(max_per_key=2)
    connections = [connect(server) for _ in range(3)]
    for connection in connections:
        pool.put(connection, "key")
    assert len(pool) == 2
    assert connections[0].sock is None, "the longest idle one is closed"
    assert [pool.take("key") for _ in range(3)] == [connections[2], connections[1], None]
    for connection in connections:
        connection.close()


def test_the_pool_keeps_so_many_in_total(serve: Serve) -> None:
    server = serve(Peer.wait_for_close)
    pool = ConnectionPool(max_total=3)
    connections = [connect(server) for _ in range(5)]
    for number, connection in enumerate(connections):
        pool.put(connection, number)
    assert len(pool) == 3
    assert [connection.sock is None for connection in connections] == [True, True, False, False, False]
    assert [pool.take(number) for number in range(2)] == [None, None]
    pool.clear()
    assert all(connection.sock is None for connection in connections)


def test_the_pool_closes_connections_that_were_idle_too_long(serve: Serve) -> None:
    server = serve(Peer.wait_for_close)
    pool = ConnectionPool(max_age=0)
    old, new = connect(server), connect(server)
    pool.put(old, "old")
    pool.put(new, "new")
    assert old.sock is None, "any use of the pool closes what has expired"
    assert pool.take("new") is None
    assert new.sock is None


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # Python 3.12 on fork with threads
def test_a_forked_child_does_not_use_its_parents_connections(serve: Serve) -> None:
    server = serve(Peer.wait_for_close)
    pool = ConnectionPool()
    connection = connect(server)
    pool.put(connection, "key")
    assert isinstance(connection, GuardedHTTPConnection)
    pool._lock.acquire()  # as if another thread were in the pool at the fork
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, str(pool.take("key")).encode())
        os._exit(0)
    pool._lock.release()
    os.close(write)
    with os.fdopen(read) as pipe:
        assert pipe.read() == "None"
    os.waitpid(child, 0)
    assert pool.take("key") is connection
    connection.close()
