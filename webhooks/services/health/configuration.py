"""Settings that are dangerous in production: Django's own checks and Clarion's, as findings."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.checks import ERROR, CheckMessage, Tags, run_checks
from django.db.models import Q

from webhooks.models import Endpoint
from webhooks.services import endpoint_destination
from webhooks.services.health.finding import Finding, failed, ok, warning

_NO_TLS = "webhooks.W001"  # the public URL is http
# What settings.py switches off because of that, and a contact for strangers who do not come: said once is enough.
_FOLLOW = {f"security.W{number:03}" for number in (4, 5, 8, 12, 16, 21)} | {"webhooks.W020"}


def settings() -> list[Finding]:
    """One finding for each message of ``manage.py check --deploy``, worst first."""
    messages: Iterable[CheckMessage] = run_checks(tags=[Tags.security], include_deployment_checks=True)
    messages = sorted(messages, key=lambda message: (-message.level, message.id or ""))
    named = {message.id for message in messages}
    shown = [message for message in messages if not (_NO_TLS in named and message.id in _FOLLOW)]
    if not shown:
        return [ok("settings", "none is dangerous")]
    return [_finding(message) for message in shown]


def aws() -> Finding:
    """Whether the destinations that need boto3 can have it."""
    wanted = Q(url__startswith="sqs:") | Q(url__startswith="eventbridge:")
    count = Endpoint.objects.existing().filter(wanted, destination__isnull=False).count()
    if not count:
        return ok("destinations", "none needs boto3")
    if endpoint_destination.aws_installed():
        return ok("destinations", f"{count} at AWS, boto3 is installed")
    advice = "Install it for all workers: pip install 'clarion-webhooks[aws]'. Deliveries are tried again until then."
    return failed("destinations", f"{count} at AWS, and boto3 is not installed", advice)


def _finding(message: CheckMessage) -> Finding:
    text = " ".join(str(message.msg).split())
    hint = " ".join(str(message.hint or "").split()) or "See docs/settings.md."
    return (failed if message.level >= ERROR else warning)("settings", f"{text} ({message.id})", hint)
