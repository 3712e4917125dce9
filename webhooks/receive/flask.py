"""A Flask view that gets verified webhooks only."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import wraps
from typing import Any

from flask import Response, request
from flask.typing import ResponseReturnValue

from webhooks.core.signatures import TOLERANCE
from webhooks.receive.keys import Secrets
from webhooks.receive.policy import LIMIT, REFUSED, Policy

View = Callable[..., ResponseReturnValue]


def webhook(
    secrets: Secrets | Callable[[], Secrets],
    *,
    schemes: Collection[str] | None = None,
    tolerance: float = TOLERANCE,
    url: str = "",
    limit: int = LIMIT,
) -> Callable[[View], View]:
    """Decorate ``def view(webhook: Verified, ...)``, below ``@app.post``. Other requests are answered 401 or 413.

    ``secrets`` (or a function that returns them), ``schemes``, ``tolerance`` and ``url``: as of
    :func:`webhooks.receive.verify`. ``limit``: bytes of a body.
    """
    policy = Policy(secrets, schemes, tolerance, url)

    def decorate(view: View) -> View:
        @wraps(view)
        def receive(*args: Any, **kwargs: Any) -> ResponseReturnValue:
            request.max_content_length = limit  # Werkzeug answers 413 beyond it, also when no length is told
            body = request.get_data(cache=False)
            verified = policy.check(body, list(request.headers), request.method)
            if verified is None:
                return Response(f"{REFUSED}\n", status=401, mimetype="text/plain")
            return view(verified, *args, **kwargs)

        return receive

    return decorate
