"""Which programs make up the stack, on which ports, with which environment."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webhooks.management.stack import ports
from webhooks.management.stack.embedded import Postgres, Service, Valkey
from webhooks.management.stack.service import StackFailure
from webhooks.management.stack.state import RECEIVER_FOLDER
from webhooks.management.stack.supervisor import Program

FLOWER_USER = "clarion"
# glibc gives 8 arenas to each core, and what threads free in one is of no use to the others: a worker with many threads
# kept tens of MB that nobody used. Under the GIL two are enough. Other C libraries take no notice.
ALLOCATOR = {"MALLOC_ARENA_MAX": "2"}
_SHARDS = "deliver.0,deliver.1,deliver.2,deliver.3"
# name: (threads, queues)
_WORKERS = {
    "delivery-1": (128, _SHARDS),
    "delivery-2": (128, _SHARDS),
    "slow": (128, "deliver.slow"),
    "dead-letter": (2, "dead_letter"),
    "general": (8, "fan_out,default"),
    "processing": (16, "process"),
}
_WEB_PROCESSES = min(2, os.cpu_count() or 1)
_WEB_THREADS = 8
_WEB_GRACE = 10  # seconds for open requests at a stop
# place of each server after --port-base, and its port without that option (None: any free one)
_PORTS = {
    "web": (0, 8000),
    "flower": (1, 5555),
    "receiver": (2, 8001),
    "postgres": (3, None),
    "valkey": (4, None),
}


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line of ``manage.py up`` asks for. ``port_base`` 0: every port a free one."""

    data_dir: Path
    project_dir: Path
    host: str = "127.0.0.1"
    port_base: int | None = None
    bare: bool = False


class Addresses:
    """Listening sockets for the servers, and the URLs made of their ports.

    The sockets hold the ports from the moment of choosing, so that two stacks that start at the same time
    never choose the same. ``web`` inherits its socket, which stays open: while that process is started again,
    callers wait instead of being refused. The other servers bind for themselves, just after ``release``.
    """

    def __init__(self, host: str, held: dict[str, socket.socket]) -> None:
        self.host = host
        self.ports: dict[str, int] = {name: held[name].getsockname()[1] for name in held}
        self._held = held

    def release(self, name: str) -> None:
        """Give the port of a server to the server. Any name; does nothing when nothing is held for it."""
        if listener := self._held.pop(name, None):
            listener.close()

    def close(self) -> None:
        """Release every port."""
        for name in list(self._held):
            self.release(name)

    @property
    def web_descriptor(self) -> int:
        """The file descriptor of web's listening socket."""
        return self._held["web"].fileno()

    @property
    def site(self) -> str:
        """Where a browser on this machine finds the web process."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104 - compared, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.ports['web']}"

    @property
    def flower(self) -> str:
        """Flower's first page."""
        return f"http://127.0.0.1:{self.ports['flower']}/"

    @property
    def receiver(self) -> str | None:
        """The demonstration receiver; None in a bare stack."""
        return f"http://127.0.0.1:{self.ports['receiver']}/" if "receiver" in self.ports else None


def given(name: str) -> bool:
    """Whether the operator set the variable ``name``, or ``<name>_FILE`` for it."""
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))


def choose_addresses(options: Options) -> Addresses:
    """Ports for the servers this stack needs, held open. StackFailure names a port that is taken."""
    needed = ["web", "flower"]
    needed += [] if options.bare else ["receiver"]
    needed += [] if given("DATABASE_URL") else ["postgres"]
    needed += ["valkey"] if _needs_valkey() else []
    held: dict[str, socket.socket] = {}
    try:
        for name in needed:
            held[name] = _listener(name, options)
    except StackFailure:
        Addresses(options.host, held).close()
        raise
    return Addresses(options.host, held)


def _needs_valkey() -> bool:
    """Without CELERY_BROKER_URL the server of REDIS_URL is the broker as well."""
    return not given("REDIS_URL")


def _listener(name: str, options: Options) -> socket.socket:
    offset, usual = _PORTS[name]
    host = options.host if name == "web" else "127.0.0.1"
    if options.port_base:
        port = options.port_base + offset
        if not 0 < port < 65_536:
            raise StackFailure(f"--port-base {options.port_base} leaves no port for {name}.")
        if listener := ports.reserve(port, host):
            return listener
        raise StackFailure(
            f"Port {port} on {host} ({name}: --port-base {options.port_base} + {offset}) cannot be used: "
            "it is taken, or not this machine's. Choose another --port-base."
        )
    if usual and options.port_base is None and (listener := ports.reserve(usual, host)):
        return listener
    for _ in range(3):  # between the choice of a port and its reservation somebody else may be quicker
        try:
            if listener := ports.reserve(ports.free_port(host), host):
                return listener
        except OSError as error:
            raise StackFailure(f"{name} finds no port: {error}.") from None
    raise StackFailure(f"{name} finds no port on {host}.")


def embedded_services(options: Options, addresses: Addresses) -> list[Service]:
    """The servers that no environment variable names, not prepared yet."""
    services: list[Service] = []
    if port := addresses.ports.get("postgres"):
        services.append(Postgres(options.data_dir / "postgres", port=port))
    if port := addresses.ports.get("valkey"):
        services.append(Valkey(options.data_dir / "valkey", port=port))
    return services


def service_urls(services: list[Service]) -> dict[str, str]:
    """DATABASE_URL, REDIS_URL and CELERY_BROKER_URL as the stack uses them; a given one wins."""
    urls: dict[str, str] = {}
    for service in services:
        if isinstance(service, Postgres):
            urls["DATABASE_URL"] = service.url
        elif isinstance(service, Valkey):
            urls |= {"CELERY_BROKER_URL": service.database_url(0), "REDIS_URL": service.database_url(1)}
    for name in ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL"):
        if given(name):
            urls[name] = os.environ.get(name) or Path(os.environ[f"{name}_FILE"]).read_text().strip()
    urls.setdefault("CELERY_BROKER_URL", urls["REDIS_URL"])
    return urls


def environment(options: Options, addresses: Addresses, urls: dict[str, str], kept: dict[str, Any]) -> dict[str, str]:
    """The environment of every program of Clarion's own. What the operator set wins."""
    ours = {
        "DJANGO_SETTINGS_MODULE": "project.settings",
        "LOG_FORMAT": "text",
        "PYTHONUNBUFFERED": "1",
        # Celery warns root of pickled messages; Clarion's workers accept JSON only.
        "PYTHONWARNINGS": "ignore:You're running the worker with superuser",
        "SECRET_KEY": kept["secret_key"],
        "WEBHOOKS_ENCRYPTION_KEYS": ",".join(kept["encryption_keys"]),
        "WEBHOOKS_PUBLIC_URL": addresses.site,
        "FLOWER_URL": addresses.flower,
        **ALLOCATOR,
        **urls,
    }
    if not options.bare:  # the receiver is plain http on loopback
        ours |= {"WEBHOOKS_ALLOW_HTTP": "1", "WEBHOOKS_ALLOWED_CIDRS": "127.0.0.0/8:*"}
    missing = {name: value for name, value in ours.items() if not given(name)}
    return {**os.environ, **missing, "CLARION_DATA_DIR": str(options.data_dir)}


def programs(
    options: Options,
    addresses: Addresses,
    services: list[Service],
    variables: dict[str, str],
    flower_password: str,
) -> list[Program]:
    """Everything that runs, in the order of starting."""
    folder = options.project_dir
    (options.data_dir / "beat").mkdir(exist_ok=True)
    os.set_inheritable(addresses.web_descriptor, True)
    # The program "setup" has run Django's checks once for all of them.
    celery = [sys.executable, "-m", "celery", "-q", "--skip-checks", "-A", "project"]
    running = [_service_program(service) for service in services]
    setup = [sys.executable, "-m", "webhooks.management.stack.bootstrap"]
    setup += ["--receiver", addresses.receiver] if addresses.receiver else []
    running.append(Program("setup", setup, variables, folder, once=True))
    if "receiver" in addresses.ports:
        command = [sys.executable, "manage.py", "demo_receiver", "--port", str(addresses.ports["receiver"])]
        command += ["--state-dir", str(options.data_dir / RECEIVER_FOLDER)]
        running.append(Program("receiver", command, variables, folder))
    running.append(Program("web", _web_command(addresses), variables, folder, inherits=True))
    for name, (threads, queues) in _WORKERS.items():
        command = [
            *celery,
            "worker",
            "-P",
            "threads",
            "-c",
            str(threads),
            "-Q",
            queues,
            "-n",
            f"{name}@%h",
            "-E",
        ]
        running.append(Program(name, [*command, "--without-gossip", "--without-mingle"], variables, folder))
    beat = [*celery, "beat", "--schedule", str(options.data_dir / "beat" / "schedule"), "--pidfile="]
    running.append(Program("beat", beat, variables, folder))
    flower = [sys.executable, "manage.py", "flower", "--address=127.0.0.1", f"--port={addresses.ports['flower']}"]
    # By environment: an argument would show the password to every user of the machine.
    login = {"FLOWER_BASIC_AUTH": f"{FLOWER_USER}:{flower_password}"}
    running.append(Program("flower", flower, variables | login, folder))
    return running


def _service_program(service: Service) -> Program:
    return Program(
        service.name,
        service.command(),
        service.environment(),
        service.data_dir,
        stop_signal=service.stop_signal,
        on_parent_death=service.stop_signal,
        account=service.account,
    )


def _web_command(addresses: Addresses) -> list[str]:
    return [
        *(sys.executable, "-m", "gunicorn", "project.wsgi:application"),
        *("--bind", f"fd://{addresses.web_descriptor}"),
        *(
            "--worker-class",
            "project.webserver.Worker",
            "--workers",
            str(_WEB_PROCESSES),
            "--threads",
            str(_WEB_THREADS),
        ),
        *("--graceful-timeout", str(_WEB_GRACE), "--no-control-socket"),
    ]
