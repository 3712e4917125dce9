"""oauthlib's server for one grant, on our clients and tokens."""

from __future__ import annotations

from typing import Any

from oauthlib.oauth2 import BackendApplicationServer, RequestValidator
from oauthlib.oauth2.rfc6749.errors import InvalidScopeError

from webhooks.api.oauth.errors import Refusal, too_many
from webhooks.conf import conf
from webhooks.guards import token_requests
from webhooks.services import actors, oauth_clients, oauth_tokens

GRANT = "client_credentials"
AUTH_METHODS = ("client_secret_basic", "client_secret_post")


class Validator(RequestValidator):  # type: ignore[misc]  # it has no types
    """Answers oauthlib's questions about one request. ``client``: who it turned out to be."""

    def __init__(self, presented: tuple[str, str] | None) -> None:
        super().__init__()
        self.presented = presented
        self.client: oauth_clients.Client | None = None

    def authenticate_client(self, request: Any, *args: Any, **kwargs: Any) -> bool:
        """By the credentials that the form or the header holds; see :mod:`webhooks.api.oauth.forms`."""
        self.client = oauth_clients.authenticate(*self.presented) if self.presented else None
        if self.client is None:
            return False
        request.client = self.client
        request.client_id = self.client.client_id
        actors.become(*self.client.credential.actor())
        return True

    def validate_grant_type(self, client_id: str, grant_type: str, client: Any, request: Any, *args: Any) -> bool:
        return grant_type == GRANT

    def get_default_scopes(self, client_id: str, request: Any, *args: Any, **kwargs: Any) -> list[str]:
        """Without ``scope`` a token has all scopes of its client."""
        return sorted(request.client.credential.scopes)

    def validate_scopes(self, client_id: str, scopes: list[str], client: Any, request: Any, *args: Any) -> bool:
        """Attack: a client asks for a scope that it was not given."""
        request.scopes = list(dict.fromkeys(scopes))
        if not client.credential.scopes.issuperset(scopes):
            given = " ".join(sorted(client.credential.scopes))
            raise InvalidScopeError(description=f"the client may ask for: {given}", request=request)
        return True

    def save_bearer_token(self, token: Any, request: Any, *args: Any, **kwargs: Any) -> None:
        client = request.client.credential
        if wait := token_requests.take(client.key_id).wait:
            raise too_many(wait)
        secret = request.client.secret_hash
        if not oauth_tokens.issue(client.key_id, token["access_token"], request.scopes, token["expires_in"], secret):
            raise Refusal("invalid_client", "the client or its secret has just been ended", 401)

    def revoke_token(self, token: str, token_type_hint: str, request: Any, *args: Any, **kwargs: Any) -> None:
        oauth_tokens.revoke(request.client.credential, token)


def server(validator: Validator) -> Any:
    """The authorization server for one request."""
    return BackendApplicationServer(
        validator, token_generator=lambda request: oauth_tokens.generate(), token_expires_in=_lifetime
    )


def _lifetime(request: Any) -> int:
    """Seconds: a token ends with its client at the latest."""
    rest = request.client.rest
    return conf.OAUTH_TOKEN_TTL if rest is None else max(1, min(conf.OAUTH_TOKEN_TTL, int(rest)))
