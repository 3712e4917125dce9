"""System checks: settings that would lose deliveries or open a hole are refused at start.

``E``: does not work. ``W`` (with ``--deploy``): works and is dangerous in production.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from webhooks.conf import conf
from webhooks.core import contacts
from webhooks.core.addresses import AllowList, InvalidAllowList
from webhooks.core.client_address import proxy_networks

_ORIGIN = re.compile(r"https?://(?:\[[0-9a-f:]+\]|[a-z0-9.-]+)(?::[0-9]{1,5})?")
_URI_REFERENCE = re.compile(r"(?:[A-Za-z0-9\-._~:/?#@!$&'()*+,;=\[\]]|%[0-9A-Fa-f]{2}|\{tenant\})*")  # RFC 3986


@register(Tags.security)
def check_settings(**_: Any) -> list[CheckMessage]:
    """Errors that make Clarion unusable."""
    return [*_keys(), *_allow_list(), *_database(), *_guards(), *_celery(), *_outgoing()]


@register(Tags.security, deploy=True)
def check_production(**_: Any) -> list[CheckMessage]:
    """Settings that are fine on a laptop only."""
    return [*_transport(), *_open_networks(), *_flower(), *_proxies(), *_security_contact()]


def _keys() -> Iterator[CheckMessage]:
    if not conf.ENCRYPTION_KEYS:
        yield Error(
            "WEBHOOKS_ENCRYPTION_KEYS is empty: signing secrets cannot be stored.",
            hint="`manage.py up` makes and keeps one. By hand: "
            "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'",
            id="webhooks.E001",
        )
    for number, key in enumerate(conf.ENCRYPTION_KEYS, 1):
        try:
            Fernet(key)
        except ValueError:
            yield Error(
                f"Key {number} of WEBHOOKS_ENCRYPTION_KEYS is no Fernet key.",
                hint="A key is 32 bytes in url-safe base64 (44 characters); separate keys by commas.",
                id="webhooks.E002",
            )


def _outgoing() -> Iterator[CheckMessage]:
    for item in filter(None, (part.strip() for part in conf.AWS_ENDPOINTS.split(","))):
        if not _ORIGIN.fullmatch(item.rstrip("/")):
            yield Error(
                f"WEBHOOKS_AWS_ENDPOINTS: {item!r} is no origin.",
                hint="Write http://localstack:4566, without a path.",
                id="webhooks.E007",
            )
    if not _URI_REFERENCE.fullmatch(conf.CLOUDEVENTS_SOURCE):
        yield Error(
            "WEBHOOKS_CLOUDEVENTS_SOURCE is no URI reference.",
            hint="Write https://example.com/{tenant}; {tenant} stands for the tenant's id.",
            id="webhooks.E008",
        )


def _allow_list() -> Iterator[CheckMessage]:
    try:
        AllowList.parse(conf.ALLOWED_CIDRS)
    except InvalidAllowList as error:
        yield Error(f"WEBHOOKS_ALLOWED_CIDRS: {error}", hint="Write CIDR:port, ….", id="webhooks.E003")
    try:
        AllowList.parse("", conf.DENIED_CIDRS)
    except InvalidAllowList as error:
        yield Error(f"WEBHOOKS_DENIED_CIDRS: {error}", hint="Write CIDR, ….", id="webhooks.E003")
    try:
        proxy_networks(conf.PROXY_CIDRS)
    except ValueError as error:
        yield Error(f"WEBHOOKS_PROXY_CIDRS: {error}", hint="Write CIDR, …, or unix.", id="webhooks.E003")


def _database() -> Iterator[CheckMessage]:
    engine = settings.DATABASES.get("default", {}).get("ENGINE", "")
    if "postgresql" not in engine:
        yield Error(
            f"The default database is {engine or 'missing'}, but Clarion needs PostgreSQL 13 or later.",
            hint="Partitions, SKIP LOCKED and partial indexes carry the queue. Set DATABASE_URL=postgresql://….",
            id="webhooks.E004",
        )


def _guards() -> Iterator[CheckMessage]:
    scheme = urlsplit(conf.REDIS_URL).scheme
    if scheme not in ("redis", "rediss", "unix"):
        yield Error(
            f"WEBHOOKS_REDIS_URL has the scheme {scheme!r}, which the guards cannot connect to.",
            hint="Write redis://host:6379/1, rediss:// for TLS or unix:// for a socket; Valkey speaks the same.",
            id="webhooks.E009",
        )


def _celery() -> Iterator[CheckMessage]:
    if list(getattr(settings, "CELERY_ACCEPT_CONTENT", ["json"])) != ["json"]:
        yield Error(
            "CELERY_ACCEPT_CONTENT allows more than JSON: whoever reaches the broker could run code.",
            hint='Set CELERY_ACCEPT_CONTENT = ["json"].',
            id="webhooks.E005",
        )
    options = getattr(settings, "CELERY_BROKER_TRANSPORT_OPTIONS", {})
    timeout = options.get("visibility_timeout")
    if timeout is not None and timeout <= conf.BROKER_RETRY_HORIZON + conf.MAX_TIMEOUT:
        yield Error(
            f"The broker's visibility_timeout ({timeout} s) is not above WEBHOOKS_BROKER_RETRY_HORIZON plus "
            f"WEBHOOKS_MAX_TIMEOUT ({conf.BROKER_RETRY_HORIZON + conf.MAX_TIMEOUT:g} s): doorbells would ring twice.",
            hint="Raise visibility_timeout or lower WEBHOOKS_BROKER_RETRY_HORIZON.",
            id="webhooks.E006",
        )

    amqp = str(getattr(settings, "CELERY_BROKER_URL", "")).startswith(("amqp", "pyamqp"))
    if amqp and getattr(settings, "CELERY_WORKER_ENABLE_PREFETCH_COUNT_REDUCTION", True):
        yield Warning(
            "CELERY_WORKER_ENABLE_PREFETCH_COUNT_REDUCTION is on, as Celery has it: after RabbitMQ was away, two "
            "threads may read the connection of a worker at once, and it stands still until its heartbeat fails.",
            hint="Set CELERY_WORKER_ENABLE_PREFETCH_COUNT_REDUCTION = False.",
            id="webhooks.W005",
        )


def _transport() -> Iterator[CheckMessage]:
    if urlsplit(conf.PUBLIC_URL).scheme != "https":
        yield Warning(
            f"WEBHOOKS_PUBLIC_URL is {conf.PUBLIC_URL}: cookies and API keys travel in clear.",
            hint="Serve Clarion over https and set WEBHOOKS_PUBLIC_URL=https://….",
            id="webhooks.W001",
        )
    if conf.ALLOW_HTTP:
        yield Warning(
            "WEBHOOKS_ALLOW_HTTP is on: deliveries to http:// endpoints can be read on the way.",
            hint="Unset it; receivers need https.",
            id="webhooks.W002",
        )


def _flower() -> Iterator[CheckMessage]:
    if os.environ.get("FLOWER_UNAUTHENTICATED_API", "").strip().lower() not in ("", "0", "false", "no", "off"):
        yield Warning(
            "FLOWER_UNAUTHENTICATED_API is set: whoever reaches Flower can start tasks and stop workers.",
            hint="Unset it, and give Flower a login: FLOWER_BASIC_AUTH=user:password.",
            id="webhooks.W010",
        )


def _proxies() -> Iterator[CheckMessage]:
    if getattr(settings, "SECURE_PROXY_SSL_HEADER", None) and not conf.TRUSTED_PROXIES:
        yield Warning(
            "A proxy is trusted for X-Forwarded-Proto, but WEBHOOKS_TRUSTED_PROXIES is 0: all people have its address, "
            "in the audit log and when failed logins are counted.",
            hint="Set WEBHOOKS_TRUSTED_PROXIES to the number of your proxies that add to X-Forwarded-For.",
            id="webhooks.W004",
        )


def _security_contact() -> Iterator[CheckMessage]:
    hint = "Set WEBHOOKS_SECURITY_CONTACT=mailto:… and WEBHOOKS_SECURITY_EXPIRES to a time within a year."
    found = contacts.faults(conf.SECURITY_CONTACT, conf.SECURITY_EXPIRES, conf.SECURITY_POLICY, datetime.now(UTC))
    for fault in found:
        what = (
            "there is no /.well-known/security.txt" if fault.fatal else "/.well-known/security.txt is served as it is"
        )
        yield Warning(f"WEBHOOKS_{fault.setting} {fault.detail}; {what}.", hint=hint, id="webhooks.W020")


def _open_networks() -> Iterator[CheckMessage]:
    if conf.ALLOWED_CIDRS.strip() in ("0.0.0.0/0", "::/0") or "127.0.0.0/8" in conf.ALLOWED_CIDRS:
        yield Warning(
            f"WEBHOOKS_ALLOWED_CIDRS opens this host to its tenants: {conf.ALLOWED_CIDRS}.",
            hint="Name the networks and ports of the receivers that you trust, nothing wider.",
            id="webhooks.W003",
        )
