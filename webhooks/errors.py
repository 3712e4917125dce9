"""One exception tree. The docstring of a class is its default message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class ClarionError(Exception):
    """Something went wrong in Clarion."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault of the input: ``pointer`` is a JSON Pointer (RFC 6901), ``detail`` says how to mend it.

    Attack: a name with U+0000 in it, which is legal JSON. Faults are stored with messages, results and runs, and
    PostgreSQL refuses that character in text and in JSON, so it is written as an escape.
    """

    pointer: str
    detail: str

    def __post_init__(self) -> None:
        for name in ("pointer", "detail"):
            if "\0" in (text := getattr(self, name)):
                object.__setattr__(self, name, text.replace("\0", "\\u0000"))

    def as_dict(self) -> dict[str, str]:
        return {"pointer": self.pointer, "detail": self.detail}


class InvalidInput(ClarionError):
    """The input is not valid."""

    def __init__(self, errors: list[FieldError] | FieldError, message: str | None = None) -> None:
        self.errors = [errors] if isinstance(errors, FieldError) else errors
        super().__init__(message or "; ".join(f"{e.pointer or 'input'}: {e.detail}" for e in self.errors))


class Malformed(InvalidInput):
    """The input is not even JSON."""


class NotFound(ClarionError):
    """There is no such object."""


class Conflict(ClarionError):
    """The object's present state does not allow this."""


class TooLarge(ClarionError):
    """The content is larger than the limit."""


class Unavailable(ClarionError):
    """A service this needs is not available right now."""


class DecryptionFailed(ClarionError):
    """A stored secret cannot be decrypted: none of WEBHOOKS_ENCRYPTION_KEYS fits.

    ``place``: table and column, and the row where it is known. The stored text is never part of it.
    """

    def __init__(self, place: str = "") -> None:
        self.place = place
        where = f" ({place})" if place else ""
        super().__init__(f"A stored secret{where} cannot be decrypted: none of WEBHOOKS_ENCRYPTION_KEYS fits.")


class GiveUp(ClarionError):
    """Raised by a processor: no further try would help. Its message is the reason that people are shown."""


class RetryLater(ClarionError):
    """An endpoint has work due soon; the task that raises this comes back after ``delay`` seconds."""

    def __init__(self, delay: float = 0.0, *args: Any) -> None:
        self.delay = delay
        super().__init__(f"again in {delay:.1f} s")

    def __reduce__(self) -> tuple[type[RetryLater], tuple[float]]:
        return type(self), (self.delay,)
