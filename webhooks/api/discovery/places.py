"""Addresses as others reach them."""

from __future__ import annotations

from django.urls import get_script_prefix, reverse

from webhooks.conf import conf


def absolute(name: str) -> str:
    """The address of a route from outside: PUBLIC_URL, and where this project has put the route."""
    return f"{conf.PUBLIC_URL}/{reverse(name).removeprefix(get_script_prefix())}"
