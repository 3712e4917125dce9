"""The listener: takes a request, judges it, decides on the answer, reports, answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import SplitResult

from webhooks.core import consent
from webhooks.management.http_server import Answer, Arrival, LocalServer
from webhooks.management.listening import steps
from webhooks.management.listening.forward import Forwarded, forward
from webhooks.management.listening.report import Report
from webhooks.management.listening.verdicts import Verdict, is_verified, judge
from webhooks.receive.keys import Secret
from webhooks.receive.policy import REFUSED

_ASIDE = ("GET", "OPTIONS")  # methods that carry no webhook


@dataclass(frozen=True, slots=True)
class Orders:
    """What the developer asked for. ``fail``: empty for honest answers. ``once``: requests until the end; 0 for ever.

    ``public_url``: that the webhook was registered with, where it is not the one under which requests arrive.
    """

    secrets: Sequence[Secret] = field(default=(), repr=False)
    schemes: Sequence[str] = ()
    tolerance: float = 300.0
    fail: Sequence[steps.Step] = ()
    forward_to: SplitResult | None = None
    public_url: str = ""
    once: int = 0


class Listener:
    """``report`` is called with each request before it is answered, one at a time; ``failed`` with a sentence."""

    def __init__(
        self,
        orders: Orders,
        host: str,
        port: int,
        *,
        report: Callable[[Report], None],
        failed: Callable[[str], None],
    ) -> None:
        """OSError when the port is taken; ``port`` 0 chooses a free one."""
        self.orders = orders
        self.received = self.verified = 0
        self._answered = 0
        self._report = report
        self._sequence = steps.Sequence(list(orders.fail) or [steps.Step("", 200)])
        self._lock = threading.Lock()
        self._server = LocalServer(host, port, self._respond, failed=failed, answered=self._count)
        self.port = self._server.port

    def serve(self) -> None:
        """Until :meth:`stop`, KeyboardInterrupt, or ``once`` requests."""
        self._server.serve()

    def stop(self) -> None:
        """From another thread."""
        self._server.stop()

    def close(self) -> None:
        """Give the port back without having served."""
        self._server.close()

    def trust(self, secrets: Sequence[Secret]) -> None:
        """Use these secrets as well, before :meth:`serve`."""
        self.orders = replace(self.orders, secrets=(*self.orders.secrets, *secrets))

    def _respond(self, arrival: Arrival) -> Answer | None:
        orders = self.orders
        if arrival.method == "GET":
            return Answer(200, b"Clarion listens here: what is POSTed is shown in its terminal.\n")
        if arrival.method == "OPTIONS":
            return forward(arrival, orders.forward_to).answer if orders.forward_to else _consent(arrival)
        verdicts = judge(arrival, orders.secrets, orders.schemes, orders.tolerance, self._url(arrival))
        step = self._sequence.take()
        forwarded = forward(arrival, orders.forward_to) if orders.forward_to and step.accepts else None
        answer = self._answer(step, verdicts, forwarded)
        report = Report(datetime.now().astimezone(), arrival, verdicts, _told(step, answer), forwarded)
        with self._lock:
            self.received += 1
            self.verified += is_verified(verdicts)
            self._report(report)
        if step.delay:
            self._server.ending.wait(step.delay)
        return answer

    def _answer(self, step: steps.Step, verdicts: Sequence[Verdict], forwarded: Forwarded | None) -> Answer | None:
        """A local server answers for itself. Without one, what is not verified is refused, as receivers do."""
        if not step.status:
            return None
        if forwarded is not None:
            return forwarded.answer
        if step.accepts and self.orders.secrets and not is_verified(verdicts):
            return Answer(401, f"{REFUSED}\n".encode())
        headers = (("Retry-After", step.retry_after),) if step.retry_after else ()
        return Answer(step.status, b"received\n" if step.accepts else b"as --fail wants\n", headers)

    def _url(self, arrival: Arrival) -> str:
        host = next((value for name, value in arrival.headers if name.lower() == "host"), "")
        return self.orders.public_url or f"http://{host}{arrival.target}"

    def _count(self, arrival: Arrival) -> None:
        if arrival.method in _ASIDE:
            return
        with self._lock:
            self._answered += 1
            enough = self.orders.once and self._answered == self.orders.once
        if enough:
            self._server.stop()


def _consent(arrival: Arrival) -> Answer:
    """The handshake of CloudEvents (core/consent.py): whoever listens consents to be sent to."""
    origin = next((value for name, value in arrival.headers if name.lower() == consent.REQUEST_ORIGIN.lower()), "")
    headers = ((consent.ALLOWED_ORIGIN, origin), (consent.ALLOWED_RATE, "*")) if origin.isprintable() else ()
    return Answer(200, b"", (("Allow", "GET, OPTIONS, POST"), *headers))


def _told(step: steps.Step, answer: Answer | None) -> str:
    if answer is None:
        return "none, the connection hangs" if step.delay else "none, the connection is closed"
    return f"{answer.status}" + (f" after {step.delay:g} s" if step.delay else "")
