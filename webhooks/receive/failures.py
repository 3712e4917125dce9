"""What can go wrong at a receiver. The docstring of a class is its default message."""

from __future__ import annotations

from webhooks.errors import ClarionError


class VerificationFailed(ClarionError):
    """The request does not come from where it should. Answer 401, and tell the reason to your log only."""


class MissingSignature(VerificationFailed):
    """There is no signature that could be checked."""


class WrongSignature(VerificationFailed):
    """The signature does not fit."""


class StaleTimestamp(VerificationFailed):
    """The request was signed too long ago, or for a time to come."""


class BadSecret(ValueError):
    """The receiver's own configuration is wrong: let it end in a 500, so that the sender tries again."""


class MalformedBody(ClarionError):
    """The body holds no event."""


class InProgress(ClarionError):
    """Another process works on this message. Answer 503, so that it comes again."""
