"""What a provider is to the rest of Clarion: how it is verified and read, and what a source of it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from webhooks.core.inbound.message import Read, Recipe, Verify

SECRETS = ("generated", "given", "none")


@dataclass(frozen=True, slots=True)
class Option:
    """One member of ``verification``. ``check`` returns the clean value or raises ValueError with what it takes."""

    check: Callable[[Any], Any]
    help: str
    required: bool = False
    default: Any = None


@dataclass(frozen=True, slots=True)
class Provider:
    """A way to receive. ``secrets``: ``generated`` when none is given, ``given`` by whoever sends, or ``none``.

    ``faults``: contradictions among clean options, as (name, sentence). ``sign``: headers of a request as the
    provider would make it (recipe, body, unix seconds), for samples; None where only the provider can.
    """

    name: str
    summary: str
    verify: Verify
    read: Read
    secrets: str = "given"
    event_type: str = "{type}"
    options: Mapping[str, Option] = field(default_factory=dict)
    faults: Callable[[Mapping[str, Any]], Sequence[tuple[str, str]]] = lambda options: ()
    check_secret: Callable[[str], None] = lambda secret: None
    sign: Callable[[Recipe, bytes, int], dict[str, str]] | None = None
    secret_headers: tuple[str, ...] = ()  # lower case; headers that hold a secret besides those options name
    signs_time: bool = False
    cloudevents: bool = False  # CloudEvents in any of their modes are read as such

    def secrets_of(self, options: Mapping[str, Any]) -> str:
        """One of SECRETS, for sources with these options."""
        return "none" if options.get("auth") == "oauth2" else self.secrets
