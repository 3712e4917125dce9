"""The OpenAPI 3.1 document: what drf-spectacular cannot see from the views is added here."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, cast

from drf_spectacular import openapi
from drf_spectacular.extensions import OpenApiAuthenticationExtension

from webhooks.api.authentication import TENANT_HEADER
from webhooks.api.idempotency import HEADER
from webhooks.api.permissions import needed_scope
from webhooks.api.problems import CONTENT_TYPE, TITLES, TYPE_PREFIX
from webhooks.api.schema_webhooks import HEADERS as DELIVERY_HEADERS

_TENANT = {
    "name": TENANT_HEADER,
    "in": "header",
    "required": False,
    "description": "For platform keys: the tenant to act for, by id or slug; without it they see all.",
    "schema": {"type": "string"},
}
_REQUEST_ID = {
    "name": "X-Request-ID",
    "in": "header",
    "required": False,
    "description": "Your id of this request: it comes back, is logged and is the correlation id of its events. One "
    "that is not made of 1 to 128 of A-Z a-z 0-9 . _ - is replaced.",
    "schema": {"type": "string"},
}
_IDEMPOTENCY_KEY = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "A key of your choice. The same request again under the same key is answered as before, with "
    "`Idempotent-Replayed: true`, and not done again; another request under it is refused with 422, and with 409 one "
    "that comes while the first is running.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 257},
}
# first segment of a path -> what its {id} is
_IDS = {
    "webhooks": "Id of the webhook (`wh_…`).",
    "events": "Id of the event: Clarion's (`evt_…`) or the publisher's own.",
    "event-types": "Name of the type, such as order.created.",
    "deliveries": "Id of the delivery (`dlv_…`).",
    "dead-letters": "Id of the dead letter (`dl_…`).",
    "tenants": "Id (`ten_…`) or slug of the tenant.",
    "consents": "What the callback URL of the handshake ends with.",
    "api-keys": "Id of the key (`key_…`).",
}
_WHERE = {
    "pointer": "JSON Pointer (RFC 6901) into the body.",
    "parameter": "Name of a query parameter.",
    "header": "Name of a header.",
    "detail": "What is wrong and how to mend it.",
}
_PROBLEM = {
    "type": "object",
    "description": "An error (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance", "request_id"],
    "properties": {
        "type": {
            "type": "string",
            "description": "The kind of problem; never changes.",
            "examples": [f"{TYPE_PREFIX}{kind}" for kind in TITLES],
        },
        "title": {"type": "string", "description": "The kind of problem in words."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "What went wrong this time."},
        "instance": {"type": "string", "description": "The path that was asked for."},
        "request_id": {
            "type": "string",
            "description": "X-Request-ID of the answer: name it when you ask for help.",
        },
        "errors": {
            "type": "array",
            "description": "For bad input: every fault that was found.",
            "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {name: {"type": "string", "description": text} for name, text in _WHERE.items()},
            },
        },
    },
}


class AutoSchema(openapi.AutoSchema):
    """Tags and scopes come from the views."""

    def get_tags(self) -> list[str]:
        return [cast(Any, self.view).tag]

    def get_description(self) -> str:  # type: ignore[override]
        text = getattr(self.view, self.method.lower()).__doc__ or ""
        words = " ".join(text.split())
        if not cast(Any, self.view).required_scopes:
            return words
        return f"{words}\n\nScope: `{needed_scope(self.view, self.method)}`.".strip()

    def _is_list_view(self, serializer: Any = None) -> bool:
        return self.method == "GET" and getattr(self.view, "lists", False)


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    """Bearer tokens."""

    target_class = "webhooks.api.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "clk_<prefix>_<secret>",
            "description": "An API key of a tenant, or a platform key (which acts for the tenant that "
            f"{TENANT_HEADER} names).",
        }


def finish(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """drf-spectacular's last step: headers and the problem answer of every operation, the outgoing request."""
    components = result.setdefault("components", {})
    # Bodies of webhooks are met after the components were collected.
    late = generator.registry.build({}).get("schemas", {})
    components["schemas"] = dict(sorted(({"Problem": _PROBLEM} | late | components.get("schemas", {})).items()))
    answer = {
        "description": "An error.",
        "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    components.setdefault("responses", {})["Problem"] = answer
    for path, operations in result.get("paths", {}).items():
        for method, operation in operations.items():
            for parameter in operation.setdefault("parameters", []):
                if parameter["in"] == "path":
                    parameter["description"] = _IDS[path.split("/")[2]]
            operation["parameters"].extend([_TENANT, _REQUEST_ID, *([_IDEMPOTENCY_KEY] if method == "post" else [])])
            operation["responses"]["default"] = {"$ref": "#/components/responses/Problem"}
            for status, response in operation["responses"].items():
                if not response.get("description", "$ref" in response):
                    response["description"] = HTTPStatus(int(status)).phrase + "."
    for name, text in DELIVERY_HEADERS.items():
        header = {
            "name": name,
            "in": "header",
            "required": False,
            "description": text,
            "schema": {"type": "string"},
        }
        result["webhooks"]["event"]["post"].setdefault("parameters", []).append(header)
    return result
