"""What the adapters for frameworks have in common: what is checked, and how a refusal is told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from webhooks.receive.failures import VerificationFailed
from webhooks.receive.headers import Headers
from webhooks.receive.keys import Secrets
from webhooks.receive.verification import Verified, verify

LIMIT = 2 * 1024 * 1024  # bytes of a body: the largest batch has about 1 MB of data, and its envelopes
REFUSED = "The signature of this request is missing or wrong."

logger = logging.getLogger("webhooks.receive")


@dataclass(frozen=True, slots=True)
class Policy:
    """``secrets`` may be a function, for secrets that are looked up at each request."""

    secrets: Secrets | Callable[[], Secrets] = field(repr=False)
    schemes: Collection[str] | None
    tolerance: float
    url: str

    def check(self, body: bytes, headers: Headers, method: str) -> Verified | None:
        """The verified request, or None: the reason goes to the log, because it helps a forger."""
        secrets = self.secrets() if callable(self.secrets) else self.secrets
        try:
            return verify(
                body,
                headers,
                secrets,
                schemes=self.schemes,
                tolerance=self.tolerance,
                method=method,
                url=self.url,
            )
        except VerificationFailed as failure:
            logger.warning("refused: %s: %s", type(failure).__name__, failure)
            return None
