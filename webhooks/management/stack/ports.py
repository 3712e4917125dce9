"""Free TCP ports on loopback."""

from __future__ import annotations

import fcntl
import secrets
import socket

from webhooks.core.addresses import is_denied_port

# Below the range from which Linux (32768-60999), macOS and Windows (49152-65535) take the ports of outgoing
# connections: a server that is restarted finds its port free again.
_FIRST, _LAST = 20_000, 32_000

_BACKLOG = 1024  # connections that wait while the web process starts again


def reserve(port: int, host: str = "127.0.0.1") -> socket.socket | None:
    """A listening socket on ``host:port``, None when that cannot be had. Nobody else gets the port meanwhile."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        return None
    return _beyond_the_standard_streams(listener)


def _beyond_the_standard_streams(listener: socket.socket) -> socket.socket:
    """With closed standard input the socket gets descriptor 0, on which a child that inherits it finds its own."""
    if listener.fileno() > 2:
        return listener
    with listener:
        return socket.socket(fileno=fcntl.fcntl(listener.fileno(), fcntl.F_DUPFD_CLOEXEC, 3))


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen on ``host:port`` now."""
    if listener := reserve(port, host):
        listener.close()
    return listener is not None


def free_port(host: str = "127.0.0.1") -> int:
    """A free port, random so that parallel test runs rarely meet. OSError when none is found.

    None to which nothing is delivered, such as 26379: a receiver may listen there.
    """
    for _ in range(1000):
        port = _FIRST + secrets.randbelow(_LAST - _FIRST + 1)  # tests seed ``random`` alike in every process
        if not is_denied_port(port) and is_free(port, host):
            return port
    raise OSError(f"no free port between {_FIRST} and {_LAST} on {host}")
