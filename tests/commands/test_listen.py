"""``manage.py listen``: real requests on real sockets, from verification to forwarding."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import requests
from django.core.management import CommandError, call_command
from rich.console import Console

from tests.answers import Answer
from tests.factories import make_delivery
from tests.receive.signed import JWKS, OTHER, PUBLIC, SECRET, Request, request
from tests.receiver import Receiver
from webhooks.core.signatures import SCHEMES
from webhooks.management.listening import report, steps
from webhooks.management.listening.forward import parse_target
from webhooks.management.listening.listener import Listener, Orders
from webhooks.models import Endpoint, Tenant
from webhooks.services.drain import drain


class Listening:
    """A listener in a thread of this process."""

    def __init__(self, orders: Orders) -> None:
        self.reports: list[report.Report] = []
        self.notices: list[str] = []
        self.listener = Listener(orders, "127.0.0.1", 0, report=self.reports.append, failed=self.notices.append)
        self.url = f"http://127.0.0.1:{self.listener.port}/hook?a=1"
        self._thread = threading.Thread(target=self.listener.serve)
        self._thread.start()

    def post(self, made: Request, timeout: float = 30) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            return session.post(self.url, made.body, headers=made.headers, timeout=timeout)

    def states(self) -> dict[str, str]:
        return {verdict.scheme: verdict.state for verdict in self.reports[-1].verdicts}

    def stop(self) -> None:
        self.listener.stop()
        self._thread.join(30)
        assert not self._thread.is_alive()


@pytest.fixture
def listen() -> Iterator[Any]:
    made: list[Listening] = []

    def start(**orders: Any) -> Listening:
        made.append(Listening(Orders(**{"schemes": tuple(SCHEMES), **orders})))
        return made[-1]

    yield start
    for listening in made:
        listening.stop()


def test_it_says_of_every_scheme_whether_it_verifies(listen: Any) -> None:
    url = "https://receiver.example/hook?a=1"
    listening = listen(secrets=[SECRET, PUBLIC], public_url=url)
    assert listening.post(request()).status_code == 200
    assert listening.states() == dict.fromkeys(SCHEMES, "verified")
    assert listening.listener.verified == 1

    elsewhere = listen(secrets=[SECRET, JWKS])
    elsewhere.post(request())
    assert elsewhere.states() == {**dict.fromkeys(SCHEMES, "verified"), "rfc9421": "wrong"}


def test_it_refuses_as_a_receiver_would_and_gives_the_reason_to_the_developer_only(listen: Any) -> None:
    listening = listen(secrets=[SECRET])
    stale = listening.post(request(["standard", "hex"], at=time.time() - 4000))
    assert stale.status_code == 401
    assert "too old" not in stale.text
    assert listening.states() | {"standard": "stale", "hex": "verified", "stripe": "absent"} == listening.states()
    assert "too old" in listening.reports[-1].verdicts[0].reason
    assert listening.post(request(["standard"], secrets=[OTHER])).status_code == 401
    assert listening.post(request(["standard", "hex"], secrets=[OTHER, SECRET])).status_code == 200
    assert listening.post(request(["standard-ed25519"])).status_code == 401
    assert listening.states()["standard-ed25519"] == "no key"


def test_without_a_secret_everything_is_shown_and_taken(listen: Any) -> None:
    listening = listen()
    assert listening.post(request(["standard"])).status_code == 200
    assert listening.states()["standard"] == "no key"
    assert requests.get(listening.url, timeout=30).status_code == 200
    assert len(listening.reports) == 1


def test_it_fails_in_turn_and_the_last_step_stays(listen: Any) -> None:
    listening = listen(secrets=[SECRET], fail=steps.parse("500,503:7,close,slow:0.01,429"))
    made = request(["standard"])
    assert listening.post(made).status_code == 500
    answer = listening.post(made)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    with pytest.raises(requests.ConnectionError):
        listening.post(made)
    assert [listening.post(made).status_code for _ in range(3)] == [200, 429, 429]
    assert listening.reports[3].answer == "200 after 0.01 s"


def test_a_timeout_hangs_until_the_sender_gives_up_and_holds_up_nobody(listen: Any) -> None:
    listening = listen(fail=steps.parse("timeout,200"))
    with pytest.raises(requests.ReadTimeout):
        listening.post(request(["standard"]), timeout=0.3)
    assert listening.post(request(["standard"])).status_code == 200


@pytest.mark.parametrize("text", ["", "abc", "99", "600", "200,", "slow", "slow:x", "slow:9999", "503:", "timeout:3"])
def test_steps_that_are_none_are_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="is no way to answer"):
        steps.parse(text)


def test_it_forwards_byte_for_byte_and_brings_the_answer_back(listen: Any, receiver: Receiver) -> None:
    receiver.always("/app", Answer(422, body=b'{"no":1}', headers=(("Content-Type", "application/json"), ("X-A", "b"))))
    listening = listen(secrets=[SECRET], forward_to=parse_target(receiver.url("/app?k=v")))
    made = request(["standard"], b'{ "a": 1.50,\r\n "b": "\xc3\xa9\\u00e9" }')
    made.headers["X-Latin"] = "caf\xe9"
    answer = listening.post(made)
    (arrived,) = receiver.requests("/app")
    assert arrived.body == made.body
    assert arrived.target.endswith("/app?k=v")
    given = {name.lower(): value for name, value in arrived.headers}
    assert {name.lower(): value for name, value in made.headers.items()}.items() <= given.items()
    assert len(given) == len(arrived.headers)
    assert given["host"] == receiver.url().split("/")[2]
    assert (answer.status_code, answer.content, answer.headers["X-A"]) == (422, b'{"no":1}', "b")
    assert answer.headers["Content-Type"] == "application/json"


def test_what_is_failed_on_purpose_is_not_forwarded(listen: Any, receiver: Receiver) -> None:
    listening = listen(fail=steps.parse("500,200"), forward_to=parse_target(receiver.url("/app")))
    assert [listening.post(request(["standard"])).status_code for _ in range(2)] == [500, 200]
    assert len(receiver.requests("/app")) == 1


def test_a_local_server_that_is_away_is_a_502_with_the_reason(listen: Any) -> None:
    with socket.socket() as taken:  # bound, and nobody accepts
        taken.bind(("127.0.0.1", 0))
        listening = listen(forward_to=parse_target(f"http://127.0.0.1:{taken.getsockname()[1]}/"))
        answer = listening.post(request(["standard"]))
    assert answer.status_code == 502
    assert "ConnectionRefusedError" in answer.text


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://a/", "http://", "http://u:p@a/", "http://a:x/"])
def test_what_is_no_target_is_refused(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of the standard library, too
        parse_target(url)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("Transfer-Encoding: chunked", 411), ("Content-Length: 9000000", 413), ("Content-Length: " + "9" * 5000, 413),
        ("Content-Length: -1", 411), ("Content-Length: 2\r\nTransfer-Encoding: chunked", 411), ("X: y", 411),
    ],
    ids=["chunked", "large", "larger", "negative", "both", "none"],
)  # fmt: skip
def test_a_body_without_an_end_or_too_large_is_refused_unread(listen: Any, head: str, status: int) -> None:
    listening = listen()
    with socket.create_connection(("127.0.0.1", listening.listener.port), timeout=30) as client:
        client.sendall(f"POST / HTTP/1.1\r\nHost: a\r\n{head}\r\n\r\n".encode())
        assert client.recv(100).startswith(f"HTTP/1.1 {status} ".encode())
    assert listening.reports == []
    assert listening.notices[0].startswith(f"{status} POST")


def test_it_consents_to_be_sent_to(listen: Any) -> None:
    listening = listen()
    headers = {"WebHook-Request-Origin": "clarion.example", "WebHook-Request-Rate": "10"}
    answer = requests.options(listening.url, headers=headers, timeout=30)
    assert answer.headers["WebHook-Allowed-Origin"] == "clarion.example"
    assert answer.headers["WebHook-Allowed-Rate"] == "*"


def test_what_is_shown_cannot_rewrite_the_terminal_and_tells_no_credentials(listen: Any) -> None:
    """Attack: escape sequences, markup and direction marks in a request that anybody can send."""
    listening = listen(secrets=[SECRET])
    made = request(["standard"], '{"a": 1.50, "b": "[red]\x7f\x9b31m\u202e"}'.encode())
    made.headers.update({"Authorization": "Bearer very-secret", "X-Evil": "\x1b[31m[bold]x[/bold]"})
    listening.post(made)
    out = StringIO()
    report.show(Console(file=out, width=80, force_terminal=False), listening.reports[0])
    shown = out.getvalue()
    assert "standard          verified" in shown
    assert '"a": 1.50' in shown
    assert "[red]\\u007f\\u009b31m\\u202e" in shown
    assert "\\u001b[31m[bold]x[/bold]" in shown
    assert not {"\x1b", "\x7f", "\x9b", "\u202e"} & set(shown)
    assert "very-secret" not in shown + report.as_json(listening.reports[0])
    assert SECRET not in shown + repr(listening.listener.orders)


def test_bodies_of_any_kind_are_shown(listen: Any) -> None:
    listening = listen()
    for body in (b"", b"\xff\x00", b"[" * 5000, b"x" * 20_000):
        listening.post(request(["standard"], body))
        out = StringIO()
        report.show(Console(file=out, width=80), listening.reports[-1])
        line = json.loads(report.as_json(listening.reports[-1]))
        assert "answer: 200" in out.getvalue()
        assert ("body_base64" in line) is (body == b"\xff\x00")
    assert "and 3" in out.getvalue()


# --- the command


def _start(*arguments: str, **environment: str) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "listen", "--port", "0", *arguments],
        env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    line = process.stdout.readline()
    while line and "listening at" not in line:
        line = process.stdout.readline()
    return process, line.strip().removeprefix("listening at ")


def test_ctrl_c_ends_it_cleanly_with_a_request_hanging() -> None:
    process, url = _start("--fail", "200,timeout", "--json", WEBHOOK_SECRET=SECRET)
    made = request(["standard"])
    assert requests.post(url, made.body, headers=made.headers, timeout=30).status_code == 200
    with pytest.raises(requests.ReadTimeout):
        requests.post(url, made.body, headers=made.headers, timeout=0.5)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    *lines, last = out.splitlines()
    assert last == "received 2, verified 2"
    assert [json.loads(line)["schemes"]["standard"]["state"] for line in lines] == ["verified"] * 2
    assert json.loads(lines[0])["events"] == [{"id": "evt_1", "type": "order.created"}]


def test_once_ends_it_and_its_status_tells_whether_all_were_verified(tmp_path: Path) -> None:
    (tmp_path / "jwks.json").write_text(json.dumps(JWKS))
    process, url = _start("--secret", f"@{tmp_path}/jwks.json", "--secret", SECRET, "--once", "2")
    for scheme, status in (("standard-ed25519", 200), ("hex", 401)):
        made = request([scheme], secrets=[OTHER])
        assert requests.post(url, made.body, headers=made.headers, timeout=30).status_code == status
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "received 2, verified 1" in out
    assert "Not every request was verified." in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--secret", ""], "is empty"),
        (["--secret", "@/nowhere"], "cannot be read"),
        (["--secret", "{"], "--secret"),
        (["--secret", "whpk_AAAA"], "32 bytes"),
        (["--fail", "abc"], "no way to answer"),
        (["--forward-to", "localhost"], "absolute URL"),
        (["--port", "99999"], "cannot be listened at"),
        (["--api-url", "http://127.0.0.1:1/api"], "needs --api-key"),
        (["--port", "0", "--api-url", "http://127.0.0.1:1/api", "--api-key", "k"], "failed"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_it_says_what_is_wrong_with_its_options(
    arguments: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attack: ``--secret "$SECRET"`` of a variable that is not set must not verify anything."""
    monkeypatch.delenv("CLARION_API_KEY", raising=False)
    with pytest.raises(CommandError, match=sentence):
        call_command("listen", *arguments, stdout=StringIO(), stderr=StringIO())


@pytest.mark.django_db(transaction=True)
def test_a_webhook_of_its_own_leads_to_it_and_goes_with_it(live_server: Any, tenant: Tenant, api_key: str) -> None:
    process, url = _start(
        "--api-url", f"{live_server.url}/api", "--events", "order.*,a.b", "--scheme", "standard", "--scheme", "rfc9421",
        CLARION_API_KEY=api_key,
    )  # fmt: skip
    webhook = Endpoint.objects.get(tenant=tenant)
    assert (webhook.url, webhook.deleted_at) == (url, None)
    make_delivery(webhook)
    drain(webhook.id, ring=lambda bells: None)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, out
    assert "received 1, verified 1" in out
    assert [line.split()[:2] for line in out.splitlines() if "verified" in line][:2] == [
        ["standard", "verified"],
        ["rfc9421", "verified"],
    ]
    webhook.refresh_from_db()
    assert webhook.deleted_at is not None
