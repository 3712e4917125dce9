"""What all answers of the OpenAPI document share: the problem document, refusals by status, headers, parameters."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter

from webhooks.api.authentication import TENANT_HEADER
from webhooks.api.idempotency import HEADER, REPLAYED
from webhooks.api.problems import CONTENT_TYPE, RETRY_AFTER, TITLES, TYPE_PREFIX
from webhooks.api.schema_examples import KEY

PARAMETERS: dict[str, dict[str, Any]] = {
    "Tenant": {
        "name": TENANT_HEADER,
        "in": "header",
        "required": False,
        "description": "For platform keys: the tenant to act for, by id or slug; without it they see all.",
        "schema": {"type": "string", "maxLength": 64},
    },
    "RequestId": {
        "name": "X-Request-ID",
        "in": "header",
        "required": False,
        "description": "Your id of this request: it comes back, is logged and is the correlation id of its events. One "
        "that is not made of 1 to 128 of A-Z a-z 0-9 . _ - is replaced.",
        "schema": {"type": "string"},
    },
    "IdempotencyKey": {
        "name": HEADER,
        "in": "header",
        "required": False,
        "description": "A key of your choice. The same request again under the same key is answered as before, with "
        f"`{REPLAYED}: true`, and not done again; another request under it is refused with 422, and with 409 one "
        "that comes while the first is running.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 257},
    },
}


def _header(description: str, schema: dict[str, Any], example: Any, *, required: bool = False) -> dict[str, Any]:
    return {"description": description, "required": required, "schema": {**schema, "examples": [example]}}


_TEXT = {"type": "string"}
HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-ID": _header(
        "The id of the request: yours, or one that Clarion made. Name it when you ask for help.",
        {**_TEXT, "maxLength": 128},
        KEY,
        required=True,
    ),
    "RateLimit-Policy": _header(
        "The quota of the API key: `q` requests in `w` seconds (draft-ietf-httpapi-ratelimit-headers).",
        _TEXT,
        '"default";q=60000;w=60',
    ),
    "RateLimit": _header(
        "What is left of the quota: `r` requests; in `t` seconds it is whole again, or there is one again.",
        _TEXT,
        '"default";r=59987;t=1',
    ),
    "Retry-After": _header("Seconds to wait before trying again.", {"type": "integer", "minimum": 0}, RETRY_AFTER),
    "WWW-Authenticate": _header(
        "The scheme to authenticate by, and the scope that is missing (RFC 6750).", _TEXT, 'Bearer realm="clarion"'
    ),
    "Location": _header(
        "Where the new object is: a path on this server.",
        {**_TEXT, "format": "uri-reference"},
        f"/api/webhooks/wh_{KEY}",
        required=True,
    ),
    REPLAYED: _header(f"`true`: the answer kept under the same `{HEADER}`; nothing was done again.", _TEXT, "true"),
}

# For an operation that answers 202 with the place of what it started: ``extend_schema(parameters=[LOCATION])``.
LOCATION = OpenApiParameter(
    "Location",
    {"type": "string", "format": "uri-reference", "examples": [f"/api/deliveries/dlv_{KEY}"]},
    OpenApiParameter.HEADER,
    required=True,
    description="Where to see what becomes of it: a path on this server.",
    response=[202],
)

# status -> (component, kind of problem, when, an example's detail, its own headers)
REFUSALS: dict[int, tuple[str, str, str, str, tuple[str, ...]]] = {
    400: (
        "BadRequest", "invalid-parameter",
        "The body is not JSON, or a parameter or a header is not valid.",
        "limit: takes a whole number from 1 to 250", (),
    ),
    401: (
        "Unauthenticated", "unauthenticated", "No credential, or one that is unknown, expired or revoked.",
        "The API key is unknown, expired or revoked.", ("WWW-Authenticate",),
    ),
    403: (
        "Forbidden", "missing-scope", "The credential lacks the scope, or may not do this.",
        "The API key needs the scope webhooks:write for this.", ("WWW-Authenticate",),
    ),
    404: (
        "NotFound", "not-found", "There is no such object, or it belongs to somebody else.",
        "There is no such object, or the API key may not see it.", (),
    ),
    406: ("NotAcceptable", "not-acceptable", "`Accept` does not take JSON.", "This is served as application/json.", ()),
    409: (
        "Conflict", "conflict",
        "The present state does not allow this, or a request with the same Idempotency-Key is running (`Retry-After`).",
        "order-1001-created: another event with other content has this id.", ("Retry-After",),
    ),
    413: ("TooLarge", "too-large", "The body is too large.", "The body is larger than 262144 bytes.", ()),
    415: (
        "UnsupportedMediaType", "unsupported-media-type",
        "The body is not `application/json` in UTF-8, or compressed by something else than gzip.",
        "The body has to be application/json.", (),
    ),
    422: (
        "InvalidInput", "invalid-input",
        "The body is JSON and says something that is not valid: `errors` points at each fault. Or the Idempotency-Key "
        "belongs to another request.",
        "/url: takes an https URL", (),
    ),
    429: (
        "TooManyRequests", "too-many-requests", "The quota of the credential is used up.",
        "An API key may send 60000 requests in 60 seconds.", ("Retry-After",),
    ),
    500: (
        "InternalError", "internal-error", "A fault of Clarion, logged under the request id.",
        "The failure was logged under the request id; trying again may help.", (),
    ),
    503: (
        "Unavailable", "unavailable", "The database cannot be reached or is too busy.",
        "The database cannot be reached or is too busy. Try again.", ("Retry-After",),
    ),
}  # fmt: skip

_WHERE = {
    "pointer": "JSON Pointer (RFC 6901) into the body.",
    "parameter": "Name of a query parameter.",
    "header": "Name of a header.",
    "detail": "What is wrong and how to mend it.",
}
PROBLEM: dict[str, Any] = {
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
        "status": {"type": "integer", "minimum": 400, "maximum": 599, "description": "The HTTP status."},
        "detail": {"type": "string", "description": "What went wrong this time."},
        "instance": {"type": "string", "description": "The path that was asked for."},
        "request_id": {
            "type": "string",
            "maxLength": 128,
            "description": "X-Request-ID of the answer: name it when you ask for help.",
        },
        "errors": {
            "type": "array",
            "description": "For bad input: every fault that was found.",
            "items": {
                "title": "Fault",
                "type": "object",
                "description": "One fault of the input: where, and what is wrong.",
                "required": ["detail"],
                "properties": {name: {"type": "string", "description": text} for name, text in _WHERE.items()},
            },
        },
    },
}


def responses() -> dict[str, Any]:
    """The refusals as ``components.responses``."""
    return {name: _response(status) for status, (name, *_) in REFUSALS.items()}


def refusals(path: str, method: str, *, public: bool) -> list[int]:
    """The statuses with which an operation can refuse a request. ``public``: it asks for no credential."""
    found = [400, 406, 500, 503]
    if not public:
        found += [401, 403, 429]
    if "{" in path:
        found.append(404)
    if method in ("post", "put", "patch") and not public:
        found += [409, 413, 415, 422]
    return sorted(found)


def success_headers(status: str, method: str, *, public: bool) -> dict[str, Any]:
    """The headers of an answer that is no refusal."""
    names = ["X-Request-ID"]
    if not public:
        names += ["RateLimit-Policy", "RateLimit"]
        names += [REPLAYED] if method == "post" else []
    return {name: header(name) for name in [*names, *(["Location"] if status == "201" else [])]}


def header(name: str) -> dict[str, str]:
    """A reference to a header of the document."""
    return {"$ref": f"#/components/headers/{name}"}


def _response(status: int) -> dict[str, Any]:
    _, kind, description, detail, own = REFUSALS[status]
    example: dict[str, Any] = {
        "type": TYPE_PREFIX + kind,
        "title": TITLES[kind],
        "status": status,
        "detail": detail,
        "instance": "/api/webhooks",
        "request_id": KEY,
    }
    if kind == "invalid-input":
        example["errors"] = [{"pointer": "/url", "detail": "takes an https URL"}]
    if kind == "invalid-parameter":
        example["errors"] = [{"parameter": "limit", "detail": "takes a whole number from 1 to 250"}]
    quota = ("RateLimit-Policy", "RateLimit") if status == 429 else ()
    return {
        "description": description,
        "headers": {name: header(name) for name in ("X-Request-ID", *quota, *own)},
        "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}},
    }
