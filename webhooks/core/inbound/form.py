"""Bodies of HTML forms, as GitHub and Slack may send them: the JSON is one field of the form."""

from __future__ import annotations

from urllib.parse import parse_qsl

from webhooks.core.inbound.message import Request

MEDIA_TYPE = "application/x-www-form-urlencoded"
_MAX_FIELDS = 100


def fields(request: Request) -> dict[str, str]:
    """The fields of a form; empty for another body or one that is no form."""
    if request.media_type != MEDIA_TYPE:
        return {}
    try:
        pairs = parse_qsl(
            request.body.decode("ascii"), keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict"
        )
    except ValueError:
        return {}
    return dict(pairs)


def payload(request: Request) -> bytes:
    """The JSON of the field ``payload``; the body itself when there is no such field."""
    found = fields(request).get("payload")
    return request.body if found is None else found.encode("utf-8", "surrogatepass")
