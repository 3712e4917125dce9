"""The OpenAPI 3.1 document: what drf-spectacular cannot see from the views is added here."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, cast

from django.urls import reverse
from drf_spectacular import openapi
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.serializers import ListSerializer

from webhooks.api import schema_answers, schema_examples
from webhooks.api.authentication import TENANT_HEADER
from webhooks.api.permissions import needed_scope
from webhooks.api.schema_webhooks import HEADER_EXAMPLES, HEADERS, MAX_HEADER
from webhooks.models import SCOPE_DESCRIPTIONS

# first segment of a path -> what its {id} is
_IDS = {
    "webhooks": "Id of the webhook (`wh_…`).",
    "events": "Id of the event: Clarion's (`evt_…`) or the publisher's own.",
    "event-types": "Name of the type, such as order.created.",
    "deliveries": "Id of the delivery (`dlv_…`).",
    "dead-letters": "Id of the dead letter (`dl_…`).",
    "sources": "Id of the source (`src_…`).",
    "received": "Id of the received message (`rcv_…`).",
    "operations": "Id of the operation (`op_…`).",
    "tenants": "Id (`ten_…`) or slug of the tenant.",
    "consents": "What the callback URL of the handshake ends with.",
    "api-keys": "Id of the key (`key_…`).",
    "oauth-clients": "Id of the client (`oac_…`).",
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

    def _map_basic_serializer(self, serializer: Any, direction: str) -> Any:
        """Answers have all fields of their serializer but those it names in ``sometimes``."""
        made: dict[str, Any] = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        if direction == "response":
            sometimes = getattr(serializer, "sometimes", ())
            made["required"] = sorted(name for name in made["properties"] if name not in sometimes)
        for name, field in serializer.fields.items():
            longest = getattr(field, "max_length", None) if isinstance(field, ListSerializer) else None
            if longest and name in made["properties"]:
                made["properties"][name]["maxItems"] = longest
        return made

    def _is_list_view(self, serializer: Any = None) -> bool:
        return self.method == "GET" and getattr(self.view, "lists", False)


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    """Bearer tokens: API keys, or access tokens of OAuth clients."""

    target_class = "webhooks.api.authentication.BearerAuthentication"
    name = ["apiKey", "oauth2"]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, Any]]:
        scope = needed_scope(auto_schema.view, auto_schema.method)
        return [{"apiKey": []}, {"oauth2": [scope] if scope else []}]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        key = {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "clk_<prefix>_<secret>",
            "description": "An API key of a tenant, or a platform key (which acts for the tenant that "
            f"{TENANT_HEADER} names).",
        }
        flow = {
            "tokenUrl": reverse("oauth-token"),
            "scopes": SCOPE_DESCRIPTIONS,
        }
        oauth = {
            "type": "oauth2",
            "flows": {"clientCredentials": flow},
            "description": "An access token that an OAuth client fetched with its id and secret.",
        }
        return [key, oauth]


def finish(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """drf-spectacular's last step: refusals, headers and examples of every operation, the outgoing requests."""
    components = result.setdefault("components", {})
    # Bodies of webhooks are met after the components were collected.
    late = generator.registry.build({}).get("schemas", {})
    components["schemas"] = {"Problem": schema_answers.PROBLEM} | late | components.get("schemas", {})
    components["responses"] = schema_answers.responses()
    components["headers"] = dict(schema_answers.HEADERS)
    components["parameters"] = dict(schema_answers.PARAMETERS)
    for path, operations in result.get("paths", {}).items():
        for method, operation in operations.items():
            _finish_operation(path, method, operation)
    for operations in result.get("webhooks", {}).values():
        operations["post"].setdefault("parameters", []).extend(_delivery_headers())
    result = copy.deepcopy(result)  # constants of the code are part of it
    _hoist(result)
    schema_examples.fill(result)
    result["components"]["schemas"] = dict(sorted(result["components"]["schemas"].items()))
    return result


def _delivery_headers() -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "header",
            "required": False,
            "description": text,
            "schema": {"type": "string", "maxLength": MAX_HEADER, "examples": [HEADER_EXAMPLES[name]]},
        }
        for name, text in HEADERS.items()
    ]


def _finish_operation(path: str, method: str, operation: dict[str, Any]) -> None:
    for parameter in operation.setdefault("parameters", []):
        if parameter["in"] == "path":
            parameter["description"] = _IDS[path.split("/")[2]]
            parameter["schema"].setdefault("maxLength", 128)
    open_to_all = not operation.get("security")
    shared = (
        ["RequestId"] if open_to_all else ["Tenant", "RequestId", *(["IdempotencyKey"] if method == "post" else [])]
    )
    operation["parameters"] += [{"$ref": f"#/components/parameters/{name}"} for name in shared]
    answers = operation["responses"]
    for status, response in answers.items():
        if not response.get("description"):
            response["description"] = HTTPStatus(int(status)).phrase + "."
        shared_headers = schema_answers.success_headers(status, method, public=open_to_all)
        response["headers"] = {**shared_headers, **response.get("headers", {})}
    refusals = set(schema_answers.refusals(path, method, public=open_to_all))
    refusals |= {int(status) for status in answers if status >= "400"}
    for refusal in sorted(refusals):
        answers[str(refusal)] = {"$ref": f"#/components/responses/{schema_answers.REFUSALS[refusal][0]}"}


def _hoist(document: dict[str, Any]) -> None:
    """Make a component of each object schema with a ``title``, so that clients get one class of it and not several."""
    schemas = document["components"]["schemas"]
    found: dict[str, Any] = {}
    for holder, key in list(_titled(document)):
        schema = holder[key]
        name = schema.pop("title")
        read_only = {"readOnly": schema.pop("readOnly")} if "readOnly" in schema else {}
        said = {"description": schema["description"]} if read_only else {}
        if found.setdefault(name, schema) != schema or name in schemas:
            raise ValueError(f"two schemas of the API have the title {name}")
        holder[key] = {"$ref": f"#/components/schemas/{name}", **said, **read_only}
    schemas |= found


def _titled(node: Any) -> Iterator[tuple[Any, Any]]:
    """The places of titled object schemas, inner ones first."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, item in items:
        if key in ("example", "examples"):
            continue
        yield from _titled(item)
        if isinstance(item, dict) and isinstance(item.get("title"), str) and item.get("type") == "object":
            yield node, key
