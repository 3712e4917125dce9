"""Webhooks: who gets which events, and where."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Unpack

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
from clarion._sync.calls import Resource, each, given, only
from clarion.bodies import plain
from clarion.fields import WebhookChanges, WebhookFields, WebhookReplayFields


class Webhooks(Resource):
    """``client.webhooks``"""

    def create(
        self, url: str | None, event_types: builtins.list[str], **fields: Unpack[WebhookFields]
    ) -> CreatedWebhook:
        """A new webhook; one without ``url`` has a ``destination``.

        ``secret`` of the answer verifies its deliveries, and is shown this once.
        """
        body = WebhookRequest.from_dict({**fields, "event_types": event_types, **({"url": url} if url else {})})
        return only(create_webhook.sync_detailed(client=self._core, body=body), CreatedWebhook)

    def list(
        self,
        *,
        status: ListWebhooksStatus | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
    ) -> Iterator[Webhook]:
        """Webhooks, newest first."""

        def page(cursor: str | Unset) -> PaginatedWebhookList:
            response = list_webhooks.sync_detailed(
                client=self._core,
                cursor=cursor,
                status=given(status),
                created_after=given(created_after),
                created_before=given(created_before),
            )
            return only(response, PaginatedWebhookList)

        return each(page)

    def get(self, id: str) -> Webhook:
        """One webhook."""
        return only(get_webhook.sync_detailed(id, client=self._core), Webhook)

    def update(self, id: str, **fields: Unpack[WebhookChanges]) -> Webhook:
        """Change some fields; the others stay as they are."""
        body = PatchedWebhookRequest.from_dict(fields)
        return only(update_webhook.sync_detailed(id, client=self._core, body=body), Webhook)

    def replace(
        self,
        id: str,
        url: str | None,
        event_types: builtins.list[str],
        **fields: Unpack[WebhookFields],
    ) -> Webhook:
        """Set all fields; those left out get their defaults."""
        body = WebhookRequest.from_dict({**fields, "event_types": event_types, **({"url": url} if url else {})})
        return only(replace_webhook.sync_detailed(id, client=self._core, body=body), Webhook)

    def delete(self, id: str) -> None:
        """Delete it. Unfinished deliveries are cancelled; what was sent stays readable."""
        delete_webhook.sync_detailed(id, client=self._core)

    def test(self, id: str, event_type: str = "webhook.test", *, wait: int = 0) -> TestSent | DeliveryDetail:
        """Send a test event. ``wait``: seconds (at most 30) to wait for the finished delivery."""
        response: Response[Any] = test_webhook.sync_detailed(
            id, client=self._core, body=TestEventRequest(event_type=event_type), wait=wait
        )
        if isinstance(response.parsed, DeliveryDetail):
            return response.parsed
        return only(response, TestSent)

    def rotate_secret(self, id: str, overlap_seconds: int = 86_400) -> Secret:
        """A new secret; for ``overlap_seconds`` the old one signs as well."""
        body = RotateSecretRequest(overlap_seconds=overlap_seconds)
        return only(rotate_webhook_secret.sync_detailed(id, client=self._core, body=body), Secret)

    def pause(self, id: str, reason: str = "") -> Webhook:
        """Hold its deliveries until it is resumed."""
        body = ReasonRequest(reason=given(reason or None))
        return only(pause_webhook.sync_detailed(id, client=self._core, body=body), Webhook)

    def resume(self, id: str) -> Webhook:
        """Send what was held while it was paused."""
        return only(resume_webhook.sync_detailed(id, client=self._core), Webhook)

    def enable(self, id: str) -> Webhook:
        """Make it active from any state, with a clean record."""
        return only(enable_webhook.sync_detailed(id, client=self._core), Webhook)

    def disable(self, id: str, reason: str = "") -> Webhook:
        """Hold its deliveries until it is enabled."""
        body = ReasonRequest(reason=given(reason or None))
        return only(disable_webhook.sync_detailed(id, client=self._core, body=body), Webhook)

    def validate(self, id: str) -> Webhook:
        """Ask the receiver of a webhook with ``validation`` for its consent again."""
        return only(validate_webhook.sync_detailed(id, client=self._core), Webhook)

    def replay(self, id: str, **fields: Unpack[WebhookReplayFields]) -> Ordered:
        """Order that what was dead (or has another ``status``) is delivered again. ``client.operations`` tells how far
        it is; ``dry_run`` only counts."""
        body = ReplayWebhookRequest.from_dict(plain(fields))
        return only(replay_webhook.sync_detailed(id, client=self._core, body=body), Ordered)

    def stats(self, id: str, window: str = "24h") -> Statistics:
        """How it has been doing for some hours (``24h``) or days (``7d``)."""
        return only(get_webhook_stats.sync_detailed(id, client=self._core, window=window), Statistics)

    def attempts(self, id: str) -> Iterator[Attempt]:
        """The requests that were sent to it, newest first."""

        def page(cursor: str | Unset) -> PaginatedAttemptList:
            response = list_webhook_attempts.sync_detailed(id, client=self._core, cursor=cursor)
            return only(response, PaginatedAttemptList)

        return each(page)
