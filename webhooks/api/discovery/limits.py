"""Every bound that a client can run into, from the constants and settings that set it."""

from __future__ import annotations

from webhooks.api import bodies
from webhooks.api.pagination import MAX_LIMIT
from webhooks.conf import conf
from webhooks.core import backoff, filters
from webhooks.services import endpoint_fields as fields


def limits() -> dict[str, int | float]:
    """Name -> most that is accepted. The unit is the end of the name; without one it is a number of things."""
    return {
        "event_bytes": conf.MAX_EVENT_BYTES,
        "batch_bytes": conf.MAX_BATCH_BYTES,
        "batch_events": conf.MAX_BATCH_EVENTS,
        "body_bytes": bodies.MAX_BYTES,
        "json_depth": conf.MAX_JSON_DEPTH,
        "schema_bytes": conf.MAX_SCHEMA_BYTES,
        "page_size": MAX_LIMIT,
        "event_types_per_webhook": conf.MAX_SUBSCRIPTIONS,
        "channels_per_webhook": fields.MAX_CHANNELS,
        "description_characters": fields.MAX_DESCRIPTION,
        "metadata_bytes": fields.MAX_METADATA_BYTES,
        "filter_bytes": fields.MAX_FILTER_BYTES,
        "filter_conditions": filters.MAX_CONDITIONS,
        "filter_depth": filters.MAX_DEPTH,
        "timeout_seconds": conf.MAX_TIMEOUT,
        "max_in_flight": fields.MAX_IN_FLIGHT,
        "rate_limit_requests": fields.MAX_RATE,
        "rate_limit_period_seconds": fields.MAX_PERIOD,
        "delivery_batch_events": fields.MAX_BATCH,
        "delivery_batch_wait_seconds": fields.MAX_WAIT,
        "retry_steps": backoff.MAX_STEPS,
        "retry_step_seconds": backoff.MAX_STEP,
        "response_body_bytes": conf.BODY_LIMIT,
        "api_rate_requests": conf.API_RATE_LIMIT,
        "api_rate_period_seconds": conf.API_RATE_PERIOD,
        "idempotency_key_seconds": conf.IDEMPOTENCY_TTL,
        "retention_days": conf.RETENTION_DAYS,
    }
