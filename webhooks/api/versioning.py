"""``Accept: application/json; version=1``: which representation the caller can read."""

from __future__ import annotations

from typing import Any

from django.utils.http import parse_header_parameters
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.versioning import AcceptHeaderVersioning

from webhooks.api.problems import Problem

VERSIONS = ("1",)
_JSON_RANGES = ("*/*", "application/*", "application/json", "application/problem+json")
MAX_ACCEPT = 2000  # characters; the longest a browser sends is a tenth of this


class Negotiation(BaseContentNegotiation):
    """There is one format, so the caller only has to accept it."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class AcceptVersioning(AcceptHeaderVersioning):
    """The version is a parameter of the media type; without one it is the first.

    406 when the caller accepts no JSON, or JSON in unknown versions only.
    """

    default_version = VERSIONS[0]
    allowed_versions = VERSIONS

    def determine_version(self, request: Request, *args: Any, **kwargs: Any) -> str:
        ranges = _json_ranges(request.headers.get("Accept", "*/*") or "*/*")
        if not ranges:
            raise Problem(406, "not-acceptable", "Answers are application/json; accept it.")
        asked = [parameters.get("version", self.default_version) for parameters in ranges]
        for version in asked:
            if version in VERSIONS:
                return version
        known = ", ".join(VERSIONS)
        raise Problem(406, "not-acceptable", f"There is no version {asked[0][:20]} of this API; known: {known}.")


def _json_ranges(accept: str) -> list[dict[str, str]]:
    """The parameters of each acceptable range that includes JSON."""
    found = []
    for item in accept[:MAX_ACCEPT].split(","):
        media_type, parameters = parse_header_parameters(item.strip())
        if media_type.lower() in _JSON_RANGES and not _refused(parameters.get("q", "1")):
            found.append(parameters)
    return found


def _refused(quality: str) -> bool:
    try:
        return float(quality) <= 0
    except ValueError:
        return False
