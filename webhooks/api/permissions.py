"""Every view names the scope of each of its methods; a method without one answers nobody."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from webhooks.api.authentication import Caller
from webhooks.api.problems import Problem


class HasScope(BasePermission):
    """403 that names the missing scope, so that its reader knows what to ask for."""

    def has_permission(self, request: Request, view: Any) -> bool:
        who = request.auth
        if not isinstance(who, Caller):
            return False  # becomes 401, because an authenticator could have accepted a key
        scope = needed_scope(view, request.method or "")
        if scope is None or scope in who.credential.scopes:
            return True
        challenge = f'Bearer realm="clarion", error="insufficient_scope", scope="{scope}"'
        raise Problem(
            403, "missing-scope", f"The API key needs the scope {scope} for this.",
            headers={"WWW-Authenticate": challenge},
        )  # fmt: skip


def needed_scope(view: Any, method: str) -> str | None:
    """The scope of a method, None when the view does not have the method (405 follows)."""
    method = "GET" if method == "HEAD" else method
    if method.lower() not in view.http_method_names or not hasattr(view, method.lower()):
        return None
    scopes: dict[str, str] = view.required_scopes
    if method not in scopes:
        raise ImproperlyConfigured(f"{type(view).__name__}.required_scopes has no scope for {method}.")
    return scopes[method]
