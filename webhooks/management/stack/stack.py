"""``manage.py up``: start everything in order, watch it, stop it in order."""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from webhooks.management.stack import plan, summary
from webhooks.management.stack.output import Output
from webhooks.management.stack.postgres import Postgres
from webhooks.management.stack.service import START_TIMEOUT, StackFailure
from webhooks.management.stack.state import ADMIN_USER, State, read_json
from webhooks.management.stack.supervisor import Supervisor

RESULT_FILE = "setup.json"  # what the program "setup" hands back, in the data folder
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_WEB_TIMEOUT = 120.0  # seconds until web answers; ten processes start at once, perhaps on one slow core


class Stack:
    """One run of ``manage.py up`` on a locked data folder."""

    def __init__(self, options: plan.Options, state: State) -> None:
        """Prepare the services, work out what runs where; starts nothing. StackFailure says what is wrong."""
        self._options = options
        self._state = state
        self._addresses = plan.choose_addresses(options)
        self._facts: dict[str, Any] = {}
        self._ready = False
        self._stops = 0
        state.announce(f"{self._addresses.site}/api")
        self._kept = state.secrets()
        self._services = plan.embedded_services(options, self._addresses)
        for service in self._services:
            service.prepare()
        self._urls = plan.service_urls(self._services)
        variables = plan.environment(options, self._addresses, self._urls, self._kept)
        self._programs = plan.programs(
            options, self._addresses, self._services, variables, self._kept["flower_password"]
        )
        self._output = Output(["up", *(program.name for program in self._programs)])

    async def run(self) -> None:
        """Until a signal asks to stop. StackFailure when the start fails. Leaves nothing running either way."""
        self._supervisor = Supervisor(self._programs, self._output, self._publish)
        self._stop_asked = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:  # after circus, which installs its own
            loop.add_signal_handler(number, self._ask_to_stop)
        boot = asyncio.create_task(self._boot())
        stop = asyncio.create_task(self._stop_asked.wait())
        try:
            await asyncio.wait({boot, stop}, return_when=asyncio.FIRST_COMPLETED)
            if boot.done():
                boot.result()
                await stop
        finally:
            boot.cancel()
            stop.cancel()
            await asyncio.gather(boot, stop, return_exceptions=True)
            await self._shut_down()

    async def _boot(self) -> None:
        await self._supervisor.open()
        for service in self._services:
            await self._start(service.name)
        for service in self._services:
            await self._wait_for(service.name, service.title, service.probe, START_TIMEOUT)
        await self._set_up()
        rest = [program.name for program in self._programs if not program.once]
        for name in rest[len(self._services) :]:
            await self._start(name)
        for name, title, probe in (
            ("web", "The web process", self._probe_web),
            ("flower", "Flower", partial(self._probe_port, "flower")),
            ("receiver", "The demonstration receiver", partial(self._probe_port, "receiver")),
        ):
            if name in self._addresses.ports:
                await self._wait_for(name, title, probe, _WEB_TIMEOUT)
        self._facts = self._collect_facts()
        self._ready = True
        self._publish()
        self._output.raw(summary.text(self._facts, self._data_folders()))

    async def _start(self, name: str) -> None:
        if name != "web":  # which inherits its socket
            self._addresses.release(name)
        await self._supervisor.start(name)

    async def _set_up(self) -> None:
        """Migrations and seed, in a process of their own with the children's settings."""
        result_file = self._state.folder / RESULT_FILE
        result_file.unlink(missing_ok=True)
        await self._supervisor.start("setup")
        status = await self._supervisor.finished("setup")
        result = read_json(result_file)
        result_file.unlink(missing_ok=True)
        if failure := result.get("failure"):
            raise StackFailure(failure)
        if status:
            raise StackFailure(f"Preparing the database failed (status {status}); the lines of [setup] say why.")
        self._kept |= {name: result[name] for name in ("api_key", "platform_key") if result.get(name)}
        self._state.keep(self._kept)
        self._admin_password = result["admin_password"]

    async def _wait_for(self, name: str, title: str, probe: Callable[[], str | None], timeout: float) -> None:
        """Poll ``probe`` (None: ready, else the reason) in a thread until ready."""
        deadline = time.monotonic() + timeout
        while (reason := await asyncio.to_thread(probe)) is not None:
            if self._supervisor.keeps_ending(name):
                raise StackFailure(f"{title} ends again and again; the lines of [{name}] say why.")
            if time.monotonic() > deadline:
                raise StackFailure(f"{title} was not ready after {timeout:.0f} s: {reason}")
            await asyncio.sleep(0.1)

    def _probe_web(self) -> str | None:
        """/readyz; a redirect to https counts as an answer."""
        site = urlsplit(self._addresses.site)
        connection = http.client.HTTPConnection(site.hostname or "", site.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            body = answer.read(500).decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            return str(error)
        finally:
            connection.close()
        return None if answer.status < 400 else f"/readyz answered {answer.status} {body}"

    def _probe_port(self, name: str) -> str | None:
        port = self._addresses.ports[name]
        return None if self._supervisor.listens(name, port) else f"nobody listens on port {port}"

    def _collect_facts(self) -> dict[str, Any]:
        """The content of run.json, without ``pids``."""
        site = self._addresses.site
        bare = self._options.bare
        return {
            "pid": os.getpid(),
            "api_url": f"{site}/api",
            "admin_url": f"{site}/admin/",
            "flower_url": self._addresses.flower,
            "metrics_url": f"{site}/metrics",
            "database_url": self._urls["DATABASE_URL"],
            "redis_url": self._urls["REDIS_URL"],
            "broker_url": self._urls["CELERY_BROKER_URL"],
            "api_key": None if bare else self._kept["api_key"],
            "platform_key": self._kept["platform_key"],
            "admin_user": ADMIN_USER,
            "admin_password": self._admin_password,
            "flower_user": plan.FLOWER_USER,
            "flower_password": self._kept["flower_password"],
            "receiver_url": self._addresses.receiver,
        }

    def _data_folders(self) -> list[Path]:
        """The data folder, and the database's if it lies elsewhere."""
        clusters = [service.cluster for service in self._services if isinstance(service, Postgres)]
        folder = self._state.folder
        return [folder, *(cluster.parent for cluster in clusters if folder not in cluster.parents)]

    def _publish(self) -> None:
        """run.json follows every start and end of a process, once the stack is ready."""
        if self._ready:
            self._state.publish({**self._facts, "pids": self._supervisor.pids})

    def _ask_to_stop(self) -> None:
        """First signal: orderly. Second: the programs at once. Third: the services too (they recover)."""
        self._stops += 1
        if self._stops == 1:
            self._output.line("up", "stopping; Ctrl-C again stops at once")
        elif self._stops == 2:
            self._output.line("up", "stopping at once")
            self._supervisor.kill(self._names(services=False))
        else:
            self._supervisor.kill(self._names(services=True))
        self._stop_asked.set()

    def _names(self, *, services: bool) -> list[str]:
        own = [service.name for service in self._services]
        return [program.name for program in self._programs if (program.name in own) == services]

    async def _shut_down(self) -> None:
        """What needs something stops before it: programs, the receiver they talk to, the services."""
        programs = self._names(services=False)
        self._supervisor.retire(programs)
        await self._supervisor.stop(name for name in programs if name != "receiver")
        await self._supervisor.stop(["receiver"])
        await self._supervisor.stop(self._names(services=True))
        self._ready = False
        await self._supervisor.close()
        self._addresses.close()
        self._output.line("up", "stopped")
