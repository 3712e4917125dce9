"""Keyword arguments of the methods that write objects, made from the OpenAPI document by make.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, TypedDict


class WebhookFields(TypedDict, total=False):
    """A webhook: where the events of some types go, and how they are delivered."""

    destination: Mapping[str, Any] | None
    version: str | None
    active: bool
    description: str
    metadata: Mapping[str, Any]
    channels: Sequence[str]
    filter: Mapping[str, Any] | None
    payload_format: Literal["envelope", "data", "cloudevents", "cloudevents-binary"]
    content_type: str
    signature_schemes: Sequence[Literal["standard", "hex", "github", "stripe", "standard-ed25519", "rfc9421"]]
    headers: Mapping[str, Any]
    auth: Mapping[str, Any]
    retry_policy: Literal["default", "fast", "standard", "none"] | Mapping[str, Any]
    retry_client_errors: bool
    timeout: int
    rate_limit: Mapping[str, Any] | None
    max_in_flight: int
    ordered: bool
    batch: Mapping[str, Any] | None
    validation: Literal["cloudevents"] | None


class WebhookChanges(TypedDict, total=False):
    """A webhook: where the events of some types go, and how they are delivered."""

    url: str | None
    destination: Mapping[str, Any] | None
    event_types: Sequence[str]
    version: str | None
    active: bool
    description: str
    metadata: Mapping[str, Any]
    channels: Sequence[str]
    filter: Mapping[str, Any] | None
    payload_format: Literal["envelope", "data", "cloudevents", "cloudevents-binary"]
    content_type: str
    signature_schemes: Sequence[Literal["standard", "hex", "github", "stripe", "standard-ed25519", "rfc9421"]]
    headers: Mapping[str, Any]
    auth: Mapping[str, Any]
    retry_policy: Literal["default", "fast", "standard", "none"] | Mapping[str, Any]
    retry_client_errors: bool
    timeout: int
    rate_limit: Mapping[str, Any] | None
    max_in_flight: int
    ordered: bool
    batch: Mapping[str, Any] | None
    validation: Literal["cloudevents"] | None


class NewEventTypeFields(TypedDict, total=False):
    """An event type to register, with its first version."""

    deprecated_at: datetime | str | None
    deprecation_message: str
    description: str
    version: str
    schema: Mapping[str, Any] | bool | None
    example: Any
    enforcement: Literal["off", "warn", "block"]


class EventTypeFields(TypedDict, total=False):
    """A registered event type with its versions."""

    deprecated_at: datetime | str | None
    deprecation_message: str
    description: str
    version: str
    versions: Sequence[Mapping[str, Any]]


class EventTypeVersionFields(TypedDict, total=False):
    """A version of an event type."""

    deprecated_at: datetime | str | None
    deprecation_message: str
    description: str
    schema: Mapping[str, Any] | bool | None
    example: Any
    enforcement: Literal["off", "warn", "block"]


class ImportFields(TypedDict, total=False):
    """An OpenAPI document whose webhooks become event types. At most 2 MiB and 200 webhooks."""

    version: str
    enforcement: Literal["off", "warn", "block"]
    dry_run: bool


class SourceFields(TypedDict, total=False):
    """Somebody who sends webhooks to us."""

    secrets: Sequence[str]
    verification: Mapping[str, Any]
    allowed_ips: Sequence[str]
    rate_limit: Mapping[str, Any] | None
    schema: Mapping[str, Any] | bool | None
    max_bytes: int
    tolerance: int
    event_type: str
    forward: bool
    forward_to: Mapping[str, Any] | None
    active: bool


class SourceChanges(TypedDict, total=False):
    """Somebody who sends webhooks to us."""

    name: str
    provider: Literal[
        "github",
        "stripe",
        "shopify",
        "slack",
        "standard",
        "hex",
        "eventbridge",
        "api_key",
        "oauth2",
        "mtls",
        "custom",
        "none",
    ]
    secrets: Sequence[str]
    verification: Mapping[str, Any]
    allowed_ips: Sequence[str]
    rate_limit: Mapping[str, Any] | None
    schema: Mapping[str, Any] | bool | None
    max_bytes: int
    tolerance: int
    event_type: str
    forward: bool
    forward_to: Mapping[str, Any] | None
    active: bool


class RotateFields(TypedDict, total=False):
    """How to change the secret."""

    secret: str | None
    overlap_seconds: int


class ReplayFields(TypedDict, total=False):
    """What to do again."""

    processor: str | None


class WebhookReplayFields(TypedDict, total=False):
    """What of a webhook's past is delivered to it again."""

    callback_url: str | None
    callback_secret: str | None
    since: datetime | str | None
    until: datetime | str | None
    status: Sequence[Literal["dead", "succeeded", "held", "unmatched", "cancelled"]]
    event_types: Sequence[str] | None
    rate: int | None
    dry_run: bool


class OperationFields(TypedDict, total=False):
    """An operation to order."""

    callback_url: str | None
    callback_secret: str | None
    params: Mapping[str, Any] | None


class TenantFields(TypedDict, total=False):
    """A customer of the product that runs Clarion."""

    slug: str | None
    metadata: Mapping[str, Any] | None


class ApiKeyFields(TypedDict, total=False):
    """An API key. The token itself is stored nowhere."""

    scopes: (
        Sequence[
            Literal[
                "events:write",
                "events:read",
                "webhooks:write",
                "webhooks:read",
                "operations",
                "sources:write",
                "sources:read",
                "tenants",
                "keys",
            ]
        ]
        | None
    )
    expires_at: datetime | str | None


class OAuthClientFields(TypedDict, total=False):
    """A program that fetches its own access tokens. Neither its secret nor its tokens are stored."""

    scopes: (
        Sequence[
            Literal[
                "events:write",
                "events:read",
                "webhooks:write",
                "webhooks:read",
                "operations",
                "sources:write",
                "sources:read",
                "tenants",
                "keys",
            ]
        ]
        | None
    )
    expires_at: datetime | str | None
