"""Failed logins are counted by name and by address; whoever has used up its tries waits.

Own Lua (:mod:`webhooks.guards.tries`) rather than django-axes: the guard layer with its fail-open client is here
already, an attempt is counted before the password is looked at and in one step, and no table is written for each try.

Attacks: guessing passwords of one name from many addresses; trying one password on many names from one address; many
attempts at the same moment, between the look at a counter and its increase. By design, whoever knows a name can make
it wait for LOGIN_PERIOD: sessions that exist go on, and the wait never grows with further tries.
"""

from __future__ import annotations

import hashlib
import unicodedata

from webhooks.conf import conf
from webhooks.core.client_address import client_network
from webhooks.guards import tries
from webhooks.guards.tries import Attempt


def attempt(name: str, address: str) -> Attempt:
    """Count a try as a failure before it is made, unless there were too many; then it is refused and not counted."""
    limits = zip(_keys(name, address), (conf.LOGIN_TRIES_USER, conf.LOGIN_TRIES_ADDRESS), strict=False)
    return tries.attempt(dict(limits), conf.LOGIN_PERIOD)


def forgive(name: str, address: str) -> None:
    """The try was right: the name begins anew, and the address has one failure less (not none: others sit there)."""
    by_name, *by_address = _keys(name, address)
    tries.forgive(begin_anew=[by_name], one_less=by_address)


def _keys(name: str, address: str) -> list[str]:
    """Names are hashed: what people type there is nobody's business, and may be long. No address: no such counter."""
    normal = unicodedata.normalize("NFKC", name).casefold().strip()
    digest = hashlib.sha256(normal.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    network = client_network(address)
    return [f"clarion:login:name:{digest}"] + ([f"clarion:login:address:{network}"] if network else [])
