"""``/.well-known/security.txt`` (RFC 9116): whom to tell of a hole."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponseBase

from webhooks.api import problems
from webhooks.api.discovery import places, public
from webhooks.conf import conf
from webhooks.core import contacts

MAX_AGE = 86_400  # seconds: a day; the file changes about once a year


def security_txt(request: HttpRequest) -> HttpResponseBase:
    """The file; 404 without a contact, or when the settings would make an invalid or outdated one."""
    if refusal := public.refused(request):
        return refusal
    expires, now = contacts.moment(conf.SECURITY_EXPIRES), datetime.now(UTC)
    faults = list(contacts.faults(conf.SECURITY_CONTACT, conf.SECURITY_EXPIRES, conf.SECURITY_POLICY, now))
    if expires is None or any(fault.fatal for fault in faults):
        return problems.respond(request, problems.for_status(404))
    lines = [f"Contact: {contact}" for contact in conf.SECURITY_CONTACT]
    lines += [f"Expires: {expires.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"]
    lines += [f"Policy: {conf.SECURITY_POLICY}"] if conf.SECURITY_POLICY else []
    lines += [f"Canonical: {places.absolute('security-txt')}"]
    body = "".join(f"{line}\n" for line in lines).encode()
    age = min(MAX_AGE, int((expires - now).total_seconds()))
    return public.document(request, body, max_age=age, content_type="text/plain; charset=utf-8")
