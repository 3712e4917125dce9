"""Answers are made without the library's machinery, and are the same as with it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from rest_framework import serializers

from tests.factories import make_delivery, make_endpoint, make_event, make_tenant
from webhooks.api.serializers.accounts import TenantSerializer
from webhooks.api.serializers.deliveries import AttemptSerializer, DeadLetterSerializer, DeliverySerializer
from webhooks.api.serializers.events import EventSerializer
from webhooks.api.serializers.webhooks import CreatedWebhookSerializer, WebhookSerializer
from webhooks.api.shown import Shown
from webhooks.api.views.base import events_of
from webhooks.core import ids
from webhooks.models import Attempt, DeadLetter

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 4, 12, 0, 0, 5000, tzinfo=UTC)


def _rows() -> list[tuple[type[Shown[Any]], Any, dict[str, Any]]]:
    tenant = make_tenant()
    endpoint = make_endpoint(tenant)
    event = make_event(tenant)
    delivery = make_delivery(endpoint, event, state="dead", reason="HTTP 404", response_status=404, finished_at=NOW)
    attempt = Attempt(
        id=ids.new_id(), delivery=delivery, endpoint=endpoint, tenant=tenant, number=1, trigger="event",
        outcome="failed", started_at=NOW, request_headers={"a": "b"}, response_headers=[["c", "d"]],
        response_body=b"\xff", timings={"dns": None},
    )  # fmt: skip
    letter = DeadLetter(
        id=ids.new_id(), tenant=tenant, endpoint=endpoint, delivery=delivery, event=event, event_type=event.type,
        reason="HTTP 404", attempt_count=1, created_at=NOW,
    )  # fmt: skip
    events = {"events": events_of([delivery])}
    webhook = {"breakers": {endpoint.id: "open"}, "pending": {endpoint.id: 3}}
    return [
        (DeliverySerializer, delivery, events),
        (DeliverySerializer, delivery, {"events": {}}),
        (AttemptSerializer, attempt, {}),
        (DeadLetterSerializer, letter, events),
        (EventSerializer, event, {}),
        (TenantSerializer, tenant, {}),
        (WebhookSerializer, endpoint, webhook),
        (CreatedWebhookSerializer, endpoint, webhook | {"secret": "whsec_x"}),
    ]


def test_an_answer_is_the_same_as_with_the_library() -> None:
    for kind, row, context in _rows():
        serializer = kind(row, context=context)
        shown = serializer.to_representation(row)
        assert shown == dict(serializers.Serializer.to_representation(serializer, row)), kind
        assert list(shown) == [name for name, field in kind().fields.items() if not field.write_only]


def test_each_answer_has_its_own_context() -> None:
    endpoint = make_endpoint()
    breakers = [
        WebhookSerializer(endpoint, context={"breakers": {endpoint.id: word}, "pending": {}}).data["breaker"]
        for word in ("open", "half_open")
    ]
    assert breakers == ["open", "half_open"]
