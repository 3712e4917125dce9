"""How often tokens may be asked for: failures by address, tokens by client.

Not failures by client: its id is no secret, and whoever knows it could keep a customer's programs from their tokens.
Secrets have 256 random bits; the limit is for the noise, and for those who try ids and secrets found elsewhere.
"""

from __future__ import annotations

from uuid import UUID

from webhooks.conf import conf
from webhooks.core.client_address import client_network
from webhooks.guards import tries

_MINUTE = 60.0  # seconds


def attempt(address: str) -> tries.Attempt:
    """Count a request as a failed one until :func:`forgive`; refused when the address has failed too often."""
    return tries.attempt(dict.fromkeys(_keys(address), conf.OAUTH_TRIES_ADDRESS), conf.LOGIN_PERIOD)


def forgive(address: str) -> None:
    """The client was who it said."""
    tries.forgive(one_less=_keys(address))


def take(client_id: UUID) -> tries.Attempt:
    """Count a token of a client; refused when it has had too many in this minute."""
    return tries.attempt({f"clarion:oauth:client:{client_id}": conf.OAUTH_TOKEN_RATE}, _MINUTE)


def _keys(address: str) -> list[str]:
    network = client_network(address)
    return [f"clarion:oauth:address:{network}"] if network else []
