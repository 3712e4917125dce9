"""All that Clarion answers to programs: ``path("", include("webhooks.urls"))`` in a host project.

``/api`` and ``/oauth`` carry credentials, ``/in`` takes what sources send, what is under ``/.well-known`` is for all.
"""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from webhooks.api.discovery import authorization_server, capabilities, security_txt
from webhooks.api.jwks import jwks
from webhooks.api.oauth import views as oauth

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/", include("webhooks.api.urls")),
    path("in/", include("webhooks.receivers.urls")),
    path("oauth/token", oauth.token, name="oauth-token"),
    path("oauth/revoke", oauth.revoke, name="oauth-revoke"),
    path(".well-known/jwks.json", jwks, name="jwks"),
    path(".well-known/oauth-authorization-server", authorization_server.metadata, name="oauth-metadata"),
    path(".well-known/security.txt", security_txt.security_txt, name="security-txt"),
    path(".well-known/webhooks", capabilities.webhooks, name="well-known-webhooks"),
]
