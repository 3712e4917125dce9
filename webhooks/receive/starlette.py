"""For FastAPI a dependency, for Starlette a function: the verified webhook, or an answer that refuses it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

from starlette.exceptions import HTTPException
from starlette.requests import Request

from webhooks.core.signatures import TOLERANCE
from webhooks.receive.keys import Secrets
from webhooks.receive.policy import LIMIT, REFUSED, Policy
from webhooks.receive.verification import Verified


def webhook(
    secrets: Secrets | Callable[[], Secrets],
    *,
    schemes: Collection[str] | None = None,
    tolerance: float = TOLERANCE,
    url: str = "",
    limit: int = LIMIT,
) -> Callable[[Request], Awaitable[Verified]]:
    """``Depends(webhook(SECRET))`` in FastAPI, ``await webhook(SECRET)(request)`` in Starlette.

    Raises HTTPException 401 or 413. ``secrets`` (or a function that returns them), ``schemes``, ``tolerance`` and
    ``url``: as of :func:`webhooks.receive.verify`. ``limit``: bytes of a body.
    """
    policy = Policy(secrets, schemes, tolerance, url)

    async def receive(request: Request) -> Verified:
        body = await _body(request, limit)
        verified = policy.check(body, request.headers.raw, request.method)
        if verified is None:
            raise HTTPException(401, REFUSED)
        return verified

    return receive


async def _body(request: Request, limit: int) -> bytes:
    """Attack: a body without end; Starlette itself reads whatever comes. A length that is told is believed."""
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length[:12]) > limit:
        raise HTTPException(413, f"The body has more than {limit} bytes.")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            raise HTTPException(413, f"The body has more than {limit} bytes.")
    return bytes(body)
