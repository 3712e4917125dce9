"""What a new database holds: an administrator, a platform key, and for a first look a demo tenant."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from webhooks.errors import InvalidInput
from webhooks.management.demo.routes import Route, add_routes
from webhooks.management.stack.state import ADMIN_USER
from webhooks.models import Endpoint
from webhooks.services import api_keys, endpoints, tenants

DEMO_SLUG = "demo"
_PATH = "/demo"  # at the receiver
_MARK = {"made_by": "manage.py up"}  # metadata that tells the demo webhook from those people make


def seed(kept: dict[str, Any], receiver: str | None, receiver_state: Path) -> dict[str, Any]:
    """Make what is missing; change nothing that exists but the port of the demo webhook.

    ``kept``: secrets.json of the data folder. ``receiver``: URL of the demonstration receiver, None for a
    bare stack. Returns ``admin_password`` (None: the administrator has another one), ``platform_key`` and, with a
    receiver, ``api_key`` of the demo tenant.
    """
    answer: dict[str, Any] = {
        "admin_password": _administrator(kept["admin_password"]),
        "platform_key": _token(kept["platform_key"], None, "manage.py up"),
    }
    if receiver is not None:
        tenant_id = tenants.find_tenant(DEMO_SLUG) or tenants.create_tenant("Demo", DEMO_SLUG)
        answer["api_key"] = _token(kept["api_key"], tenant_id, "manage.py up")
        try:
            _demo_webhook(tenant_id, receiver.rstrip("/") + _PATH, receiver_state)
        except InvalidInput as refused:  # the operator's own settings forbid http or loopback
            sys.stdout.write(f"no webhook to the demonstration receiver was made: {refused}\n")
    return answer


def _administrator(password: str) -> str | None:
    user = User.objects.filter(username=ADMIN_USER).first()
    if user is None:
        User.objects.create_superuser(ADMIN_USER, "", password)
        return password
    return password if user.check_password(password) else None


def _token(kept: str | None, tenant_id: UUID | None, name: str) -> str:
    """The kept API key while this database knows it, else a new one."""
    if kept and (holder := api_keys.authenticate(kept)) and holder.tenant_id == tenant_id:
        return kept
    return api_keys.create_api_key(tenant_id, name)[1]


def _demo_webhook(tenant_id: UUID, url: str, receiver_state: Path) -> None:
    """A webhook for every event to the receiver, which is told the secrets to verify with."""
    endpoint = Endpoint.objects.existing().filter(tenant_id=tenant_id, metadata=_MARK).first()
    if endpoint is None:
        fields = {
            "url": url,
            "event_types": ["*"],
            "description": "Demonstration receiver",
            "metadata": _MARK,
        }
        created = endpoints.create(tenant_id, fields)
        endpoint = Endpoint.objects.get(id=created.id)
    elif endpoint.url != url:
        endpoints.update(tenant_id, endpoint.id, {"url": url})
    secrets = tuple(secret.value for secret in endpoint.secrets.all())
    add_routes(receiver_state, {_PATH: Route(secrets=secrets)})
