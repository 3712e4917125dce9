"""Tables, querysets and constraints; no input or output but the ORM."""

from webhooks.models.audit import AuditEntry
from webhooks.models.consents import Consent
from webhooks.models.deliveries import Attempt, DeadLetter, Delivery, Trigger
from webhooks.models.endpoints import Endpoint, EndpointSecret, Mailbox, SigningKey, Subscription
from webhooks.models.event_types import EventType, EventTypeVersion
from webhooks.models.events import Event, EventKey
from webhooks.models.failures import TaskFailure
from webhooks.models.heartbeats import Heartbeat
from webhooks.models.idempotency import IdempotencyKey
from webhooks.models.oauth import OAuthClient, OAuthToken
from webhooks.models.operations import Operation
from webhooks.models.processing import ProcessorRun
from webhooks.models.sources import ReceivedKey, ReceivedMessage, Source
from webhooks.models.statistics import EndpointHour, Progress
from webhooks.models.tenants import SCOPE_DESCRIPTIONS, SCOPES, ApiKey, Tenant

__all__ = [
    "SCOPES",
    "SCOPE_DESCRIPTIONS",
    "ApiKey",
    "Attempt",
    "AuditEntry",
    "Consent",
    "DeadLetter",
    "Delivery",
    "Endpoint",
    "EndpointHour",
    "EndpointSecret",
    "Event",
    "EventKey",
    "EventType",
    "EventTypeVersion",
    "Heartbeat",
    "IdempotencyKey",
    "Mailbox",
    "OAuthClient",
    "OAuthToken",
    "Operation",
    "ProcessorRun",
    "Progress",
    "ReceivedKey",
    "ReceivedMessage",
    "SigningKey",
    "Source",
    "Subscription",
    "TaskFailure",
    "Tenant",
    "Trigger",
]
