"""``manage.py create_api_key``: a key for a tenant, or a platform key."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from webhooks.errors import InvalidInput
from webhooks.management.acting import ActingCommand
from webhooks.models import SCOPES, Tenant
from webhooks.services import api_keys, tenants


class Command(ActingCommand):
    help = "Make an API key and print its token, which is stored nowhere and shown only once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        owner = parser.add_mutually_exclusive_group(required=True)
        owner.add_argument("--tenant", metavar="SLUG", help="slug or id of the tenant that the key belongs to")
        owner.add_argument("--platform", action="store_true", help="a key that may act for every tenant")
        parser.add_argument("--name", default="made by create_api_key", help="what the key is for")
        parser.add_argument(
            "--scope", action="append", metavar="SCOPE", dest="scopes",
            help=f"may be repeated; all when absent: {', '.join(SCOPES)}",
        )  # fmt: skip
        parser.add_argument("--days", type=int, help="days until it expires; never when absent")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant_id = None
        if not options["platform"] and (tenant_id := tenants.find_tenant(options["tenant"])) is None:
            known = ", ".join(Tenant.objects.order_by("slug").values_list("slug", flat=True)[:10]) or "none yet"
            raise CommandError(f"There is no tenant {options['tenant']}. Tenants: {known}.")
        expires_at = timezone.now() + timedelta(days=options["days"]) if options["days"] is not None else None
        try:
            _, token = api_keys.create_api_key(tenant_id, options["name"], options["scopes"], expires_at)
        except InvalidInput as error:
            raise CommandError("; ".join(fault.detail for fault in error.errors)) from None
        self.stdout.write(token)
