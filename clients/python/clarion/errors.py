"""What can go wrong, as one tree: ``except clarion.ClarionError`` catches all of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from clarion._generated.models import Fault, Problem

if TYPE_CHECKING:
    from clarion.batches import BatchReport


class ClarionError(Exception):
    """Everything this package raises, but for wrong arguments (``ValueError``, ``TypeError``)."""


class ConnectionFailed(ClarionError):
    """No answer came, after all retries. Whether the request was done is not known; ``__cause__`` says more."""


class UnexpectedAnswer(ClarionError):
    """An answer that the API does not give: is there something else at this address?"""


class NoResult(ClarionError):
    """An operation has no file to download: it is no export, is not done, or its file has had its time."""


class BatchInterrupted(ClarionError):
    """A batch stopped on the way. ``report`` is about the events before ``next_index``; ``__cause__`` says why.

    The events from ``next_index`` on are to be published again. Those of one request may have arrived all the same,
    so give events ids of your own: with them, publishing again does no harm.
    """

    def __init__(self, report: BatchReport, next_index: int) -> None:
        super().__init__(f"The batch stopped before event {next_index}.")
        self.report = report
        self.next_index = next_index


class ApiError(ClarionError):
    """Clarion refused a request.

    ``status``: of HTTP. ``problem``: the problem document (RFC 9457), None when something in between answered.
    ``request_id``: name it when you ask for help. ``retry_after``: seconds, when the answer names them.
    """

    def __init__(
        self, status: int, problem: Problem | None, request_id: str | None = None, retry_after: float | None = None
    ) -> None:
        self.status = status
        self.problem = problem
        self.request_id = request_id
        self.retry_after = retry_after
        super().__init__(f"{status}: {problem.detail if problem else 'an answer that is no problem document'}")

    @property
    def errors(self) -> Sequence[Fault]:
        """Each fault of the input: a ``pointer``, ``parameter`` or ``header``, and the ``detail``."""
        return (self.problem.errors if self.problem else None) or ()


class BadRequest(ApiError):
    """400: a body that is not JSON, a bad parameter or header."""


class Unauthenticated(ApiError):
    """401: no API key, or one that is unknown, expired or revoked."""


class Forbidden(ApiError):
    """403: the key lacks a scope."""


class NotFound(ApiError):
    """404: there is no such object, or it belongs to somebody else."""


class Conflict(ApiError):
    """409: the present state does not allow it; an event with this id has other content."""


class TooLarge(ApiError):
    """413: more than Clarion takes."""


class InvalidInput(ApiError):
    """422: see ``errors``."""


class TooManyRequests(ApiError):
    """429: the quota of the key is used up, and stayed so during the retries."""


class ServerError(ApiError):
    """5xx, after all retries."""


_KINDS: Mapping[int, type[ApiError]] = {
    400: BadRequest, 401: Unauthenticated, 403: Forbidden, 404: NotFound, 409: Conflict, 413: TooLarge,
    422: InvalidInput, 429: TooManyRequests,
}  # fmt: skip


def refusal(status: int, headers: Mapping[str, str], content: bytes, retry_after: float | None) -> ApiError:
    """The exception for an answer that is none of 2xx."""
    kind = ServerError if status >= 500 else _KINDS.get(status, ApiError)
    return kind(status, _problem(headers, content), headers.get("X-Request-ID"), retry_after)


def _problem(headers: Mapping[str, str], content: bytes) -> Problem | None:
    if not headers.get("Content-Type", "").startswith("application/problem+json"):
        return None
    try:
        body: Any = json.loads(content)
        return Problem.from_dict(body)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
