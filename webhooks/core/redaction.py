"""Known secrets taken out of what a peer sends back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from webhooks.core.headers import MASK

SHORTEST = 6  # characters; anything shorter is found in texts that have nothing to do with it


@dataclass(frozen=True, slots=True)
class Redaction:
    """Replaces some values wherever they stand, as they are or as JSON spells them.

    Attack on ourselves: a receiver that answers with the request it got, as debugging services and error pages do,
    would write the credentials that came with it into the log of attempts.
    """

    values: tuple[str, ...] = ()

    @classmethod
    def of(cls, secrets: Iterable[str]) -> Redaction:
        """Longest first, so that no part of a value is left over."""
        spelled = {form for secret in secrets for form in (secret, json.dumps(secret)[1:-1])}
        return cls(tuple(sorted((form for form in spelled if len(form) >= SHORTEST), key=len, reverse=True)))

    def text(self, text: str) -> str:
        """``text`` without the values."""
        for value in self.values:
            if value in text:
                text = text.replace(value, MASK)
        return text

    def data(self, data: bytes) -> bytes:
        """The same for bytes, in which the values are UTF-8."""
        for value in self.values:
            encoded = value.encode()
            if encoded in data:
                data = data.replace(encoded, MASK.encode())
        return data

    def __repr__(self) -> str:
        return f"Redaction({len(self.values)} values)"


NO_REDACTION = Redaction()
