"""Webhooks: who gets which events, and where."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Unpack

from clarion._aio.calls import Resource, each, given, only
from clarion._generated.api.webhooks import (
    create_webhook,
    delete_webhook,
    disable_webhook,
    enable_webhook,
    get_webhook,
    get_webhook_stats,
    list_webhook_attempts,
    list_webhooks,
    pause_webhook,
    replace_webhook,
    replay_webhook,
    resume_webhook,
    rotate_webhook_secret,
    test_webhook,
    update_webhook,
    validate_webhook,
)
from clarion._generated.models import (
    Attempt,
    CreatedWebhook,
    DeliveryDetail,
    ListWebhooksStatus,
    Ordered,
    PaginatedAttemptList,
    PaginatedWebhookList,
    PatchedWebhookRequest,
    ReasonRequest,
    ReplayWebhookRequest,
    RotateSecretRequest,
    Secret,
    Statistics,
    TestEventRequest,
    TestSent,
    Webhook,
    WebhookRequest,
)
from clarion._generated.types import Response, Unset
from clarion.bodies import plain
from clarion.fields import WebhookChanges, WebhookFields, WebhookReplayFields


class Webhooks(Resource):
    """``client.webhooks``"""

    async def create(
        self, url: str | None, event_types: builtins.list[str], **fields: Unpack[WebhookFields]
    ) -> CreatedWebhook:
        """A new webhook; one without ``url`` has a ``destination``.

        ``secret`` of the answer verifies its deliveries, and is shown this once.
        """
        body = WebhookRequest.from_dict({**fields, "event_types": event_types, **({"url": url} if url else {})})
        return only(await create_webhook.asyncio_detailed(client=self._core, body=body), CreatedWebhook)

    def list(
        self,
        *,
        status: ListWebhooksStatus | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
    ) -> AsyncIterator[Webhook]:
        """Webhooks, newest first."""

        async def page(cursor: str | Unset) -> PaginatedWebhookList:
            response = await list_webhooks.asyncio_detailed(
                client=self._core,
                cursor=cursor,
                status=given(status),
                created_after=given(created_after),
                created_before=given(created_before),
            )
            return only(response, PaginatedWebhookList)

        return each(page)

    async def get(self, id: str) -> Webhook:
        """One webhook."""
        return only(await get_webhook.asyncio_detailed(id, client=self._core), Webhook)

    async def update(self, id: str, **fields: Unpack[WebhookChanges]) -> Webhook:
        """Change some fields; the others stay as they are."""
        body = PatchedWebhookRequest.from_dict(fields)
        return only(await update_webhook.asyncio_detailed(id, client=self._core, body=body), Webhook)

    async def replace(
        self,
        id: str,
        url: str | None,
        event_types: builtins.list[str],
        **fields: Unpack[WebhookFields],
    ) -> Webhook:
        """Set all fields; those left out get their defaults."""
        body = WebhookRequest.from_dict({**fields, "event_types": event_types, **({"url": url} if url else {})})
        return only(await replace_webhook.asyncio_detailed(id, client=self._core, body=body), Webhook)

    async def delete(self, id: str) -> None:
        """Delete it. Unfinished deliveries are cancelled; what was sent stays readable."""
        await delete_webhook.asyncio_detailed(id, client=self._core)

    async def test(self, id: str, event_type: str = "webhook.test", *, wait: int = 0) -> TestSent | DeliveryDetail:
        """Send a test event. ``wait``: seconds (at most 30) to wait for the finished delivery."""
        response: Response[Any] = await test_webhook.asyncio_detailed(
            id, client=self._core, body=TestEventRequest(event_type=event_type), wait=wait
        )
        if isinstance(response.parsed, DeliveryDetail):
            return response.parsed
        return only(response, TestSent)

    async def rotate_secret(self, id: str, overlap_seconds: int = 86_400) -> Secret:
        """A new secret; for ``overlap_seconds`` the old one signs as well."""
        body = RotateSecretRequest(overlap_seconds=overlap_seconds)
        return only(await rotate_webhook_secret.asyncio_detailed(id, client=self._core, body=body), Secret)

    async def pause(self, id: str, reason: str = "") -> Webhook:
        """Hold its deliveries until it is resumed."""
        body = ReasonRequest(reason=given(reason or None))
        return only(await pause_webhook.asyncio_detailed(id, client=self._core, body=body), Webhook)

    async def resume(self, id: str) -> Webhook:
        """Send what was held while it was paused."""
        return only(await resume_webhook.asyncio_detailed(id, client=self._core), Webhook)

    async def enable(self, id: str) -> Webhook:
        """Make it active from any state, with a clean record."""
        return only(await enable_webhook.asyncio_detailed(id, client=self._core), Webhook)

    async def disable(self, id: str, reason: str = "") -> Webhook:
        """Hold its deliveries until it is enabled."""
        body = ReasonRequest(reason=given(reason or None))
        return only(await disable_webhook.asyncio_detailed(id, client=self._core, body=body), Webhook)

    async def validate(self, id: str) -> Webhook:
        """Ask the receiver of a webhook with ``validation`` for its consent again."""
        return only(await validate_webhook.asyncio_detailed(id, client=self._core), Webhook)

    async def replay(self, id: str, **fields: Unpack[WebhookReplayFields]) -> Ordered:
        """Order that what was dead (or has another ``status``) is delivered again. ``client.operations`` tells how far
        it is; ``dry_run`` only counts."""
        body = ReplayWebhookRequest.from_dict(plain(fields))
        return only(await replay_webhook.asyncio_detailed(id, client=self._core, body=body), Ordered)

    async def stats(self, id: str, window: str = "24h") -> Statistics:
        """How it has been doing for some hours (``24h``) or days (``7d``)."""
        return only(await get_webhook_stats.asyncio_detailed(id, client=self._core, window=window), Statistics)

    def attempts(self, id: str) -> AsyncIterator[Attempt]:
        """The requests that were sent to it, newest first."""

        async def page(cursor: str | Unset) -> PaginatedAttemptList:
            response = await list_webhook_attempts.asyncio_detailed(id, client=self._core, cursor=cursor)
            return only(response, PaginatedAttemptList)

        return each(page)
