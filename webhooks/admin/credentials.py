"""API keys and OAuth clients: who may call, and for what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from webhooks.admin import markup
from webhooks.admin.base import ClarionAdmin, operation
from webhooks.admin.confirm import confirmation, confirmed, reveal
from webhooks.admin.faults import rehearse
from webhooks.admin.filters import ChoiceFilter, TenantFilter
from webhooks.admin.generic import ModelForm
from webhooks.core import ids
from webhooks.models import SCOPES, ApiKey, OAuthClient
from webhooks.services import api_keys, credentials, oauth_clients

M = TypeVar("M", bound=Model)

_OVERLAPS = [(0, "no time: it ends now, with all tokens"), (3600, "1 hour"), (86_400, "24 hours"), (604_800, "7 days")]
DEFAULT_SCOPES = ("events:write", "events:read", "webhooks:write", "webhooks:read")
_FIELDS = ("name", "tenant", "scopes", "expires_at")


class CredentialForm(ModelForm[M]):
    """What a credential may do, chosen once: it is never widened later."""

    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in SCOPES],
        initial=list(DEFAULT_SCOPES),
        widget=forms.CheckboxSelectMultiple,
        help_text="tenants is for platform keys and platform clients only.",
    )

    def arguments(self) -> tuple[Any, ...]:
        """Tenant, name, scopes and expiry as the services take them."""
        data = self.cleaned_data
        return data["tenant"].pk if data["tenant"] else None, data["name"], data["scopes"], data["expires_at"]

    def create(self) -> tuple[UUID, str]:
        """Make it: its id, and the secret that is shown once."""
        raise NotImplementedError

    def _post_clean(self) -> None:
        if not self.errors:
            rehearse(self, self.create)


class KeyForm(CredentialForm[ApiKey]):
    class Meta:
        model = ApiKey
        fields = _FIELDS

    def create(self) -> tuple[UUID, str]:
        return api_keys.create_api_key(*self.arguments())


class OAuthClientForm(CredentialForm[OAuthClient]):
    class Meta:
        model = OAuthClient
        fields = _FIELDS

    def create(self) -> tuple[UUID, str]:
        return oauth_clients.create(*self.arguments())


class OverlapForm(forms.Form):
    overlap = forms.TypedChoiceField(
        label="The present secret fetches tokens for",
        choices=_OVERLAPS,
        initial=oauth_clients.DEFAULT_OVERLAP,
        coerce=int,
        help_text="Until then the program can be given the new one calmly.",
    )


class StateFilter(ChoiceFilter):
    title = "state"
    parameter_name = "state"
    options = {"active": "Active", "revoked": "Revoked", "expired": "Expired"}
    indexed = True  # credentials are few

    def condition(self, value: str) -> Q:
        expired = Q(expires_at__lte=timezone.now())
        if value == "revoked":
            return Q(revoked_at__isnull=False)
        return Q(revoked_at=None) & (expired if value == "expired" else ~expired)


class CredentialAdmin(ClarionAdmin[M]):
    """A credential's record. Its secret is shown once; it is revoked, never edited or deleted."""

    reveals = True
    list_filter = (StateFilter, TenantFilter)
    search_fields = ("name",)
    autocomplete_fields = ("tenant",)
    actions: Sequence[str] = ("revoke",)
    buttons: tuple[str, ...] = ("revoke",)
    all_tenants = "all tenants"
    hashes: tuple[str, ...] = ("secret_hash",)
    ends: tuple[str, ...] = ("expires_at", "revoked_at")
    made_by_service: tuple[str, ...] = ("name",)

    def list_queryset(self, queryset: QuerySet[M]) -> QuerySet[M]:
        return queryset.select_related("tenant")

    def get_queryset(self, request: HttpRequest) -> QuerySet[M]:
        return super().get_queryset(request).defer(*self.hashes)

    def get_fieldsets(self, request: HttpRequest, obj: M | None = None) -> Any:
        if obj is None:
            return [(None, {"fields": _FIELDS})]
        shown = (name for name in self.list_display if name != "short_id")
        return [(None, {"fields": (*shown, *self.ends, "public_id")})]

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return super().has_view_permission(request, obj) or self.has_operate_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    @admin.display(description="state")
    def badge(self, obj: M) -> SafeString:
        return markup.badge(credentials.state(obj))

    @admin.display(description="tenant")
    def holder(self, obj: Any) -> str:
        return obj.tenant.slug if obj.tenant else self.all_tenants

    @admin.display(description="scopes")
    def scope_list(self, obj: Any) -> str:
        return ", ".join(obj.scopes)

    @admin.display(description="last used")
    def last_used(self, obj: Any) -> SafeString:
        return markup.when(obj.last_used_at)

    @admin.display(description="created")
    def created(self, obj: Any) -> SafeString:
        return markup.when(obj.created_at)

    def button_fits(self, name: str, obj: Any) -> bool:
        return obj.revoked_at is None

    def save_model(self, request: HttpRequest, obj: M, form: Any, change: bool) -> None:
        obj.pk, obj.__dict__["shown_once"] = form.create()
        obj.refresh_from_db(fields=self.made_by_service)

    def end(self, row: M) -> None:
        """Revoke one."""
        raise NotImplementedError

    @operation("Revoke selected")
    def revoke(self, request: HttpRequest, queryset: QuerySet[M]) -> None:
        """End credentials at once."""
        rows = list(queryset)
        for row in rows:
            self.end(row)
        self.record(request, rows, "Revoked.")
        self.message_user(request, f"Revoked {len(rows)}.", messages.SUCCESS)


@admin.register(ApiKey)
class ApiKeyAdmin(CredentialAdmin[ApiKey]):
    """A bearer token's record."""

    form = KeyForm
    id_prefix = ids.API_KEY
    search_ids = {ids.API_KEY: "pk"}
    list_display = ("name", "badge", "starts_with", "holder", "scope_list", "last_used", "created")
    search_help_text = "A part of the name, the key's beginning (clk_…), or a key_… id."
    all_tenants = "all tenants (platform key)"
    made_by_service = ("name", "prefix")

    def search_text(self, queryset: QuerySet[ApiKey], term: str) -> QuerySet[ApiKey]:
        prefix = term.removeprefix("clk_").split("_")[0]
        return queryset.filter(Q(name__icontains=term) | Q(prefix=prefix))

    @admin.display(description="key")
    def starts_with(self, obj: ApiKey) -> str:
        return f"clk_{obj.prefix}_…"

    def end(self, row: ApiKey) -> None:
        api_keys.revoke(row.pk)

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        return reveal(
            self, request, title="API key created", secrets=[(str(obj.name), obj.__dict__["shown_once"])],
            sentence="Copy the key now. Only its hash is stored, so it cannot be shown again.",
            back=reverse("admin:webhooks_apikey_changelist"),
        )  # fmt: skip


@admin.register(OAuthClient)
class OAuthClientAdmin(CredentialAdmin[OAuthClient]):
    """A program that fetches access tokens; with it go all of its tokens."""

    form = OAuthClientForm
    id_prefix = ids.OAUTH_CLIENT
    search_ids = {ids.OAUTH_CLIENT: "pk"}
    list_display = ("name", "badge", "short_id", "holder", "scope_list", "last_used", "created")
    search_help_text = "A part of the name, or the client_id (oac_…)."
    all_tenants = "all tenants (platform client)"
    actions = ("rotate_secret", "revoke")
    buttons = ("rotate_secret", "revoke")
    hashes = ("secret_hash", "previous_hash")
    ends = ("old_secret", "expires_at", "revoked_at")

    @admin.display(description="old secret ends")
    def old_secret(self, obj: OAuthClient) -> SafeString:
        return markup.when(obj.previous_until)

    def has_reveal_permission(self, request: HttpRequest) -> bool:
        """Who may make a client is shown a secret, and so may renew one."""
        return self.has_add_permission(request)

    @operation("Rotate the secret of selected", button="Rotate secret", needs="reveal")
    def rotate_secret(self, request: HttpRequest, queryset: QuerySet[OAuthClient]) -> HttpResponseBase:
        rows = list(queryset)
        form = OverlapForm(request.POST if confirmed(request) else None)
        if not form.is_valid():
            return confirmation(
                self, request, title="Rotate client secrets", objects=rows, button="Rotate", form=form,
                sentence="Each client gets a new secret, which is shown once on the next page.",
            )  # fmt: skip
        with transaction.atomic():
            made = [(row.public_id, oauth_clients.rotate_secret(row.pk, form.cleaned_data["overlap"])) for row in rows]
            self.record(request, rows, "Rotated the secret.")
        return reveal(
            self, request, title="New client secret", secrets=made, back=request.path,
            sentence="Give it to the program now. Only its hash is stored, so it cannot be shown again.",
        )  # fmt: skip

    def search_text(self, queryset: QuerySet[OAuthClient], term: str) -> QuerySet[OAuthClient]:
        return queryset.filter(name__icontains=term)

    def end(self, row: OAuthClient) -> None:
        oauth_clients.revoke(row.pk)

    def response_add(
        self, request: HttpRequest, obj: OAuthClient, post_url_continue: str | None = None
    ) -> HttpResponse:
        return reveal(
            self, request, title="OAuth client created",
            secrets=[("client_id", obj.public_id), ("client_secret", obj.__dict__["shown_once"])],
            sentence="Copy the secret now. Only its hash is stored, so it cannot be shown again.",
            back=reverse("admin:webhooks_oauthclient_changelist"),
        )  # fmt: skip
