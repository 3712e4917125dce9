"""Who acts: set at each entry point, read where a change is written.

Invariant: an entry point sets the actor for its own duration and takes it back, so that a thread which serves the next
request, or a task, never acts in the name of the last one. Nobody set: a management command, else the system itself.
"""

from __future__ import annotations

import getpass
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from webhooks.conf import conf
from webhooks.core.client_address import client_address
from webhooks.models import AuditEntry

Kind = AuditEntry.Actor


@dataclass(frozen=True, slots=True)
class Actor:
    """``id``: of the key or user. ``label``: what people call it, as it is now."""

    kind: str
    id: str = ""
    label: str = ""
    request_id: str = ""
    address: str = ""


SYSTEM = Actor(Kind.SYSTEM)
_current: ContextVar[Actor | Callable[[], Actor] | None] = ContextVar("clarion_actor", default=None)


def current() -> Actor:
    """Who acts at this moment."""
    actor = _current.get()
    if actor is None:
        return _of_process() or SYSTEM
    return actor if isinstance(actor, Actor) else actor()


@contextmanager
def acting_as(actor: Actor | Callable[[], Actor]) -> Iterator[None]:
    """Changes made inside are this actor's. A function is asked only when something is written."""
    before = _current.set(actor)
    try:
        yield
    finally:
        _current.reset(before)


def become(kind: str, id: str, label: str) -> None:
    """Whoever began as nobody has shown who it is; holds until the enclosing :func:`acting_as` ends."""
    if _current.get() is None:
        raise LookupError("become() needs an acting_as() around it, which ends it")
    _current.set(replace(current(), kind=kind, id=id, label=label))


def of_call(request: Any) -> Actor:
    """Nobody yet, with the id and address of a Django request."""
    return Actor(Kind.ANONYMOUS, request_id=getattr(request, "request_id", ""), address=address_of(request.META))


def of_staff(request: Any) -> Actor:
    """Who is logged in."""
    user = getattr(request, "user", None)
    return staff(request, user) if user is not None and user.is_authenticated else of_call(request)


def staff(request: Any, user: Any) -> Actor:
    """A member of staff, by this request."""
    return replace(of_call(request), kind=Kind.STAFF, id=user_id(user), label=user.get_username())


def user_id(user: Any) -> str:
    """The id of a member of staff as entries name it."""
    return f"user_{user.pk}"


def command(name: str) -> Actor:
    """A management command, with the account that runs it."""
    return Actor(Kind.COMMAND, name, f"{name} ({_account()})")


def address_of(meta: Mapping[str, Any]) -> str:
    """The client's address of a request's META: the one place that decides whom to believe."""
    return client_address(meta.get("REMOTE_ADDR", ""), meta.get("HTTP_X_FORWARDED_FOR", ""), conf.TRUSTED_PROXIES)


@cache
def _of_process() -> Actor | None:
    """Django's own commands (``createsuperuser``, ``shell``) say nothing themselves."""
    program, *arguments = sys.argv or [""]
    known = Path(program).name in ("manage.py", "django-admin") or program.endswith("django/__main__.py")
    return command(arguments[0]) if known and arguments else None


@cache
def _account() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in a container
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
