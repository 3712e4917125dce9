"""What came of one HTTP exchange: a value for every case, so that every case can be recorded."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from webhooks.errors import ClarionError


class ErrorClass(StrEnum):
    """Why an exchange failed. Stored with the attempt; never renamed."""

    INVALID_URL = "invalid_url"  # permanent: the stored URL is no longer acceptable
    UNREACHABLE_TARGET = "unreachable_target"  # no address that may be connected to, see Unreachable
    CONNECT_TIMEOUT = "connect_timeout"
    CONNECT_REFUSED = "connect_refused"
    CONNECT_ERROR = "connect_error"
    TLS_ERROR = "tls_error"
    TIMEOUT = "timeout"  # the request was sent (or being sent) and no complete head came back in time
    PROTOCOL_ERROR = "protocol_error"
    CONNECTION_RESET = "connection_reset"  # closed before a status; the receiver may have seen the request
    RESPONSE_INCOMPLETE = "response_incomplete"  # the status is known and counts; only its body is not whole
    CONVERSION_FAILED = "conversion_failed"  # the data cannot be had in the version the endpoint is pinned to
    TOKEN_ERROR = "token_error"  # noqa: S105 - no OAuth access token could be had, so the request was not sent
    ACCESS_REFUSED = "access_refused"  # the broker does not take the credentials, or they may not publish there
    NO_SUCH_QUEUE = "no_such_queue"  # the broker has no queue, virtual host or bus of that name
    BROKER_REFUSED = "broker_refused"  # the broker answered with another error
    UNACCEPTABLE_MESSAGE = "unacceptable_message"  # permanent: too large for the queue, or not what it takes
    INTERNAL_ERROR = "internal_error"  # our fault; the log has the cause


class ExchangeFailed(ClarionError):
    """The exchange failed.

    Not an OSError on purpose: HTTP libraries retry or swallow those, and a refusal must reach the caller.
    ``detail`` is one sentence that a tenant may read.
    """

    def __init__(self, error: ErrorClass, detail: str) -> None:
        self.error = error
        self.detail = detail
        super().__init__(detail)


class Unreachable(ExchangeFailed):
    """There is no address of the target that Clarion may connect to.

    Attack: a tenant registers the names of our network one by one, and learns from class, sentence, verdict or
    time of the failure which of them exist. So a name without addresses, one whose name servers fail and one
    that leads to a forbidden address are one case for tenants. ``cause`` is for the log and for operators.
    """

    SENTENCE = (
        "The URL's host has no public address that webhooks may be sent to. Check the name and its DNS records; "
        "a record that is new or was changed may take a while to be seen."
    )

    def __init__(self, cause: str) -> None:
        self.cause = cause
        super().__init__(ErrorClass.UNREACHABLE_TARGET, self.SENTENCE)


@dataclass(slots=True)
class Timings:
    """Milliseconds of each phase, None for one that did not take place (a warm connection has no ``dns``).

    ``first_byte``: from the first byte sent to the first byte received; ``total``: the whole call.
    """

    dns: float | None = None
    connect: float | None = None
    tls: float | None = None
    first_byte: float | None = None
    total: float | None = None


@dataclass(frozen=True, slots=True)
class HttpResult:
    """The outcome of one request.

    ``status`` decides when it is known: ``error`` is then None or ``response_incomplete``. Without a status,
    ``error`` tells why. ``headers`` are cleaned and bounded for storage; ``body`` holds the first bytes as
    they came, not decoded; ``body_truncated``: there was more than the limit. ``address``: IP connected to.
    ``reused``: sent over a warm connection. ``cause``: what lies behind ``unreachable_target``, for operators:
    not to be stored or shown where a tenant can see it.
    """

    status: int | None = None
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    body_truncated: bool = False
    error: ErrorClass | None = None
    detail: str = ""
    timings_ms: Timings = field(default_factory=Timings)
    address: str | None = None
    reused: bool = False
    cause: str = ""

    def header(self, name: str) -> str | None:
        """The first value of a response header, by name in any case."""
        name = name.lower()
        return next((value for key, value in self.headers if key.lower() == name), None)
