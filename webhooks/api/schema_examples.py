"""An example for every field and parameter of the OpenAPI document.

A field brings its own by ``examples`` in its JSON Schema. Most need none: ids, times, enumerations, constants, defaults
and truth values give one by themselves, objects and lists are made of their parts. For the others there is the table
below, by component and field or by the field's name alone: fields of one name mean the same everywhere.
"""

from __future__ import annotations

from typing import Any

KEY = "019932c5a0e871d3b6f09a64e8c51b07"  # hex of a UUIDv7 of MOMENT
MOMENT = "2025-09-10T15:30:45Z"
_URL = "https://api.example.com/webhooks"
_PEM = "-----BEGIN {0}-----\nMIIB…\n-----END {0}-----\n"

# "Component.field", "/path parameter" or a name -> its example
EXAMPLES: dict[str, Any] = {
    # events
    "EventDetail.id": "order-1001-created",
    "Event.id": "order-1001-created",
    "NewEventRequest.id": "order-1001-created",
    "Published.id": "order-1001-created",
    "Envelope.id": "order-1001-created",
    "event_id": "order-1001-created",
    "type": "order.created",
    "event_type": "order.created",
    "data": {"order": 1001, "amount": 42.10},
    "metadata": {"source": "web"},
    "channels": ["eu"],
    "correlation_id": "7b1c0de2f5a94c1e",
    "matched": 3,
    "search": "order-1001-created",
    "window": "24h",
    "accepted": 2,
    "duplicates": 0,
    "index": 1,
    "batch_id": f"bat_{KEY}",
    "event_count": 2,
    # faults
    "pointer": "/data/amount",
    "BatchFault.detail": "takes a number",
    "ImportFault.pointer": "/document/webhooks/order.created",
    "ImportFault.detail": "its request body has no JSON schema",
    "Problem.detail": "/url: takes an https URL",
    "Fault.pointer": "/url",
    "parameter": "limit",
    "header": "Clarion-Tenant",
    "Problem.title": "The input is not valid",
    "Problem.status": 422,
    "instance": "/api/webhooks",
    "request_id": "019932c5a0e871d3b6f09a64e8c51b07",
    # webhooks
    "url": _URL,
    "webhook_url": _URL,
    "active": True,
    "event_types": ["payment.*", "order.created"],
    "version": "v2",
    "Webhook.description": "Payments of the shop",
    "description": "An order was placed",
    "Webhook.metadata": {"team": "billing"},
    "filter": {"data.amount": {"$gte": 100}},
    "content_type": "application/json",
    "signature_schemes": ["standard", "hex"],
    "headers": {"X-Team": "billing"},
    "schedule": [10, 60, 600],
    "timeout": 15,
    "limit": 100,
    "max_in_flight": 8,
    "disabled_reason": "maintenance of the receiver",
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "public_key": "whpk_MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw=",
    "Webhook.pending": 0,
    "pending": 0,
    "granted_rate": 120,
    "Fault.detail": "takes an https URL",
    "ConsentState.detail": "the receiver allows 120 requests a minute",
    "overlap_seconds": 86400,
    "reason": "maintenance of the receiver",
    "username": "clarion",
    "password": "correct horse battery staple",
    "token": "4f1f2a5c9e0b",
    "value": "4f1f2a5c9e0b",
    "ApiKeyAuth.name": "X-Api-Key",
    "token_url": "https://login.example.com/oauth/token",
    "client_id": "clarion",
    "client_secret": "4f1f2a5c9e0b",
    "scope": "webhooks",
    "certificate": _PEM.format("CERTIFICATE"),
    "private_key": _PEM.format("PRIVATE KEY"),
    # operations
    "callback_url": "https://app.example.com/done",
    "callback_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "params": {"status": ["dead"], "event_types": ["order.*"], "dry_run": False},
    "done": 1500,
    "total": 20_000,
    "Operation.result": {"deliveries": 1500, "by_status": {"dead": 1500}},
    "result_url": f"https://clarion.example.com/api/operations/op_{KEY}/result?token=1vCq3K:5f0c",
    "operation_id": f"op_{KEY}",
    "rate": 50,
    "webhooks": [f"wh_{KEY}"],
    "deliveries": [f"dlv_{KEY}"],
    # deliveries
    "delivery_id": f"dlv_{KEY}",
    "attempt_count": 2,
    "number": 1,
    "response_status": 503,
    "Delivery.reason": "every attempt failed",
    "DeadLetter.reason": "every attempt failed",
    "request_url": _URL,
    "request_headers": {"webhook-id": "order-1001-created", "X-Webhook-Attempt": "1"},
    "response_headers": [["Content-Type", "text/plain"]],
    "response_body": "busy, come back later",
    "error": "http_status",
    "Attempt.detail": "The receiver answered 503.",
    "timings": {"dns": 1.2, "connect": 8.4, "tls": 17.9, "first_byte": 61.0, "total": 61.3},
    "address": "203.0.113.7",
    "worker": "delivery-1@host",
    # event types
    "name": "order.created",
    "schema": {"type": "object", "required": ["order"], "properties": {"order": {"type": "integer"}}},
    "example": {"order": 1001, "amount": 42.10},
    "warned": 0,
    "deprecation_message": "Use order.placed instead.",
    "document": {"openapi": "3.1.0", "webhooks": {"order.created": {"post": {}}}},
    "created": ["order.created"],
    "updated": [],
    "unchanged": ["order.paid"],
    # sources
    "Source.url": f"https://clarion.example.com/in/src_{KEY}",
    "Source.name": "Stripe (live)",
    "Source.event_type": "stripe.{type}",
    # received messages
    "key": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
    "Received.type": "pull_request.opened",
    "ReceivedDetail.type": "pull_request.opened",
    "Received.event_type": "github.pull_request.opened",
    "ReceivedDetail.event_type": "github.pull_request.opened",
    "verification": "verified",
    "Received.reason": None,
    "ReceivedDetail.reason": None,
    "Received.event_id": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
    "ReceivedDetail.event_id": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
    "Received.content_type": "application/json",
    "ReceivedDetail.content_type": "application/json",
    "remote_address": "192.30.252.7",
    "ReceivedDetail.headers": [["X-GitHub-Event", "pull_request"], ["X-Hub-Signature-256", "********"]],
    "body": '{"action":"opened"}',
    "source": f"src_{KEY}",
    "processor": "shop.processors.charge",
    "attempts": 1,
    "replays": 0,
    "result": {"charge": "ch_3N"},
    "ProcessorRun.error": None,
    "traceback": None,
    "duration_ms": 18.2,
    # tenants, keys, audit
    "Tenant.name": "Acme",
    "Tenant.metadata": {"plan": "gold"},
    "slug": "acme",
    "ApiKey.name": "The shop's backend",
    "prefix": "clk_3f9a1c07",
    "CreatedApiKey.token": "clk_3f9a1c07_Jx2mVb8QwTzR4nKd9LsHcE6yUa0PfGi1oNtXv5MeBk7",
    "OAuthClient.name": "Billing",
    "CreatedOAuthClient.client_id": f"oac_{KEY}",
    "CreatedOAuthClient.client_secret": f"ocs_{'3f9a1c07' * 8}",
    "scopes": ["events:write", "events:read"],
    "action": "webhook.updated",
    "actor": f"key_{KEY}",
    "object": f"wh_{KEY}",
    "objects": [f"wh_{KEY}"],
    "Actor.id": f"key_{KEY}",
    "AuditedObject.id": f"wh_{KEY}",
    "label": "The shop's backend",
    "AuditedObject.kind": "webhook",
    "count": 1,
    "changes": {"timeout": {"before": 15, "after": 30}},
    "before": 15,
    "after": 30,
    "AuditEntry.detail": {"overlap_seconds": 86400},
    "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    # parameters
    "cursor": "bwGZMsWg6HHTtvCaZOjFGwc",
    "webhook": f"wh_{KEY}",
    "wait": 10,
    "next": "https://clarion.example.com/api/events?cursor=bwGZMsWg6HHTtvCaZOjFGwc",
    "previous": None,
    "Clarion-Tenant": "acme",
    "X-Request-ID": "checkout-8e03978e",
    "Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324",
    "/webhooks id": f"wh_{KEY}",
    "/events id": "order-1001-created",
    "/event-types id": "order.created",
    "/deliveries id": f"dlv_{KEY}",
    "/dead-letters id": f"dl_{KEY}",
    "/sources id": f"src_{KEY}",
    "/received id": f"rcv_{KEY}",
    "/operations id": f"op_{KEY}",
    "/tenants id": "acme",
    "/consents id": "k3Jt0QmP7xVb2cWn",
    "/api-keys id": f"key_{KEY}",
    "/oauth-clients id": f"oac_{KEY}",
}
_PARTS = ("Patched", "Created", "Request")


def fill(document: dict[str, Any]) -> None:
    """Give an example to whatever of the document needs one and can be given it."""
    components = document["components"]
    for name, schema in components.get("schemas", {}).items():
        _parts(schema, name)
    for parameter in components.get("parameters", {}).values():
        _parameter(parameter, "")
    for section in ("paths", "webhooks"):
        for path, operations in document.get(section, {}).items():
            for operation in operations.values():
                for parameter in operation.get("parameters", []):
                    if "$ref" not in parameter:
                        _parameter(parameter, path.removeprefix("/api"))


def _parameter(parameter: dict[str, Any], path: str) -> None:
    own = f"/{path.split('/')[1]} {parameter['name']}" if path.startswith("/") else parameter["name"]
    _field(parameter["schema"], parameter["name"], [own, parameter["name"]])


def _parts(schema: dict[str, Any], component: str) -> None:
    """The properties of an object, those of its variants and of what it holds."""
    for name, field in schema.get("properties", {}).items():
        _field(field, component, [*(f"{owner}.{name}" for owner in _owners(component)), name])
    for part in (*schema.get("oneOf", ()), *schema.get("anyOf", ()), *_inner(schema)):
        _parts(part, component)


def _field(schema: dict[str, Any], component: str, names: list[str]) -> None:
    _parts(schema, component)
    if "examples" in schema or is_made_of_parts(schema):
        return
    if "const" in schema or "enum" in schema:
        schema["examples"] = _by_itself(schema)
        return
    for name in names:
        if name in EXAMPLES:
            schema["examples"] = [EXAMPLES[name]]
            return
    if found := _by_itself(schema):
        schema["examples"] = found


def is_made_of_parts(schema: dict[str, Any]) -> bool:
    """Whether the examples of its parts are its example: it refers to a component, or lists its properties."""
    if "$ref" in schema or schema.get("properties"):
        return True
    variants = [part for part in (*schema.get("oneOf", ()), *schema.get("anyOf", ())) if part.get("type") != "null"]
    if variants:
        return any(is_made_of_parts(part) or "enum" in part or "const" in part for part in variants)
    return any(is_made_of_parts(part) for part in _inner(schema))


def _inner(schema: dict[str, Any]) -> list[dict[str, Any]]:
    held = (schema.get("items"), schema.get("additionalProperties"))
    return [part for part in held if isinstance(part, dict)]


def _by_itself(schema: dict[str, Any]) -> list[Any]:
    if "const" in schema:
        return [schema["const"]]
    if schema.get("default") is not None:
        return [schema["default"]]
    if "enum" in schema:
        return [schema["enum"][0]]
    if schema.get("format") == "date-time":
        return [MOMENT]
    if schema.get("type") == "boolean":
        return [False]
    if schema.get("type") == "array" and (inner := _by_itself(schema.get("items", {}))):
        return [inner]
    return []


def _owners(component: str) -> list[str]:
    """The component, and that of which it is a variant: CreatedWebhook is a Webhook, too."""
    bare = component
    for part in _PARTS:
        bare = bare.removeprefix(part).removesuffix(part)
    return [component, bare, bare.removesuffix("Detail")]
