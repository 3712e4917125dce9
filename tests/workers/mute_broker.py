"""A broker that speaks AMQP 0-9-1 as far as Celery needs it, and falls silent where a test wants it to.

RabbitMQ cannot be made to do that: killed, it resets its connections; frozen, it is silent for everybody at once.
"""

from __future__ import annotations

import socketserver
import struct
import threading
from collections.abc import Callable, Iterable

from amqp import spec

from tests.waiting import eventually

Method = tuple[int, int]
_METHOD, _HEADER, _BODY, _END = 1, 2, 3, b"\xce"
_Answer = tuple[Method, bytes]
_START = b"\x00\x09" + struct.pack(">L", 0) + struct.pack(">L", 5) + b"PLAIN" + struct.pack(">L", 5) + b"en_US"
_BARE: dict[Method, _Answer] = {
    spec.Connection.StartOk: (spec.Connection.Tune, struct.pack(">HLH", 0, 131_072, 0)),
    spec.Connection.Open: (spec.Connection.OpenOk, b"\x00"),
    spec.Connection.Close: (spec.Connection.CloseOk, b""),
    spec.Channel.Open: (spec.Channel.OpenOk, struct.pack(">L", 0)),
    spec.Channel.Close: (spec.Channel.CloseOk, b""),
    spec.Exchange.Declare: (spec.Exchange.DeclareOk, b""),
    spec.Queue.Bind: (spec.Queue.BindOk, b""),
    spec.Basic.Qos: (spec.Basic.QosOk, b""),
    spec.Confirm.Select: (spec.Confirm.SelectOk, b""),
}


class MuteBroker:
    """``MuteBroker(mute_at=[Basic.Publish])``: whoever first sends that method hears nothing more on its connection.

    ``confirmed`` counts the messages that were acknowledged, ``muted`` holds the methods that were met with silence.
    """

    def __init__(self, mute_at: Iterable[Method]) -> None:
        self._left = list(mute_at)
        self._lock = threading.Lock()
        self.muted: list[Method] = []
        self.confirmed = 0
        broker = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                _Talk(broker, self.rfile.read, self.wfile.write).run()

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> MuteBroker:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self._server.server_address[1]}//"

    def falls_silent(self, method: Method) -> bool:
        """Whether this is the moment; once for each method that was named."""
        with self._lock:
            if method not in self._left:
                return False
            self._left.remove(method)
            self.muted.append(method)
            return True

    def confirm(self) -> None:
        with self._lock:
            self.confirmed += 1

    def wait_for(self, confirmed: int) -> None:
        """Wait until so many messages were acknowledged."""
        eventually(lambda: self.confirmed >= confirmed)


class _Talk:
    """One connection."""

    def __init__(self, broker: MuteBroker, read: Callable[[int], bytes], write: Callable[[bytes], object]) -> None:
        self._broker = broker
        self._read = read
        self._write = write
        self._silent = False
        self._published: dict[int, int] = {}  # channel -> messages
        self._missing: dict[int, int] = {}  # channel -> bytes of its present message that are to come

    def run(self) -> None:
        """Talk until the other side goes."""
        self._read(8)
        self._say(0, (spec.Connection.Start, _START))
        while len(head := self._read(7)) == 7:
            kind, channel, size = struct.unpack(">BHL", head)
            payload = self._read(size)
            self._read(1)
            if kind == _METHOD:
                self._on_method(channel, struct.unpack(">HH", payload[:4]), payload[4:])
            elif kind == _HEADER:
                (self._missing[channel],) = struct.unpack(">Q", payload[4:12])
            elif kind == _BODY:
                self._on_body(channel, size)

    def _on_method(self, channel: int, method: Method, arguments: bytes) -> None:
        self._silent = self._silent or self._broker.falls_silent(method)
        if method in _BARE:
            self._say(channel, _BARE[method])
        elif method == spec.Queue.Declare:
            self._say(channel, (spec.Queue.DeclareOk, _short(arguments, 2) + struct.pack(">LL", 0, 0)))
        elif method == spec.Basic.Consume:
            tag = _short(arguments, 2 + len(_short(arguments, 2)))
            self._say(channel, (spec.Basic.ConsumeOk, tag))
        elif method == spec.Basic.Cancel:
            self._say(channel, (spec.Basic.CancelOk, _short(arguments, 0)))

    def _on_body(self, channel: int, size: int) -> None:
        self._missing[channel] -= size
        if self._missing[channel] > 0 or self._silent:
            return
        self._published[channel] = self._published.get(channel, 0) + 1
        self._say(channel, (spec.Basic.Ack, struct.pack(">QB", self._published[channel], 0)))
        self._broker.confirm()

    def _say(self, channel: int, answer: _Answer) -> None:
        if not self._silent:
            method, arguments = answer
            payload = struct.pack(">HH", *method) + arguments
            self._write(struct.pack(">BHL", _METHOD, channel, len(payload)) + payload + _END)


def _short(arguments: bytes, place: int) -> bytes:
    """The short string at ``place``, with the byte of its length."""
    return arguments[place : place + 1 + arguments[place]]
