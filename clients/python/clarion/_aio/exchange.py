"""One request with its retries, and errors as exceptions."""

from __future__ import annotations

import asyncio
from itertools import count

import httpx

from clarion.errors import ClarionError, ConnectionFailed, UnexpectedAnswer, refusal
from clarion.retries import IN_PARTS, Retries, prepare, retry_after


class Exchange(httpx.AsyncBaseTransport):
    """A transport that tries again; what it returns is an answer of 2xx.

    A POST has one Idempotency-Key through all its tries, so that it is done once although it was sent several times.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, retries: Retries) -> None:
        self._inner = inner
        self._retries = retries

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        prepare(request)
        in_doubt = False
        for tried in count(1):
            try:
                answer = await self._inner.handle_async_request(request)
                in_parts = answer.is_success and IN_PARTS in request.extensions
                if not in_parts:
                    await answer.aread()
            except httpx.TransportError as error:
                pause = self._retries.pause(tried, None)
                if pause is None:
                    raise ConnectionFailed(f"{request.method} {request.url}: {_words(error)}") from error
                in_doubt = True
            else:
                if answer.is_success or (in_doubt and _was_deleted(request, answer)):
                    return _checked(answer, in_parts)
                pause = self._retries.pause(tried, answer)
                if pause is None:
                    raise _error(answer)
            await asyncio.sleep(pause)
        raise AssertionError("count() does not end")

    async def aclose(self) -> None:
        await self._inner.aclose()


def _checked(answer: httpx.Response, in_parts: bool) -> httpx.Response:
    """A page of HTML with 200 comes from a portal or a wrong address."""
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    if kind == "text/html" and (in_parts or answer.content):
        raise UnexpectedAnswer(f"{answer.status_code} with {kind}: is Clarion at this address?")
    return answer


def _was_deleted(request: httpx.Request, answer: httpx.Response) -> bool:
    """The first try did it, and its answer was lost."""
    return request.method == "DELETE" and answer.status_code == 404


def _error(answer: httpx.Response) -> ClarionError:
    return refusal(answer.status_code, answer.headers, answer.content, retry_after(answer))


def _words(error: httpx.TransportError) -> str:
    return f"{type(error).__name__}: {error}".removesuffix(": ")
