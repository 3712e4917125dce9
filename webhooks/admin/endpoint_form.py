"""The forms of an endpoint and its subscriptions. The services judge and write; nothing is saved here."""

from __future__ import annotations

import json
from typing import Any

from django import forms

from webhooks.admin.faults import add_faults, rehearse
from webhooks.admin.generic import BaseInlineFormSet, ModelForm
from webhooks.core import destinations, ids
from webhooks.core.backoff import POLICIES
from webhooks.core.headers import mask_headers
from webhooks.core.signatures import DEFAULT, SCHEMES
from webhooks.errors import DecryptionFailed, InvalidInput
from webhooks.models import Endpoint, Subscription, Tenant
from webhooks.services import endpoint_auth, endpoints, subscriptions, testing, version_pins

# What an emptied field means to the service.
_EMPTY: dict[str, Any] = {"metadata": {}, "headers": {}, "auth": {"type": "none"}}
SECRET = ("headers", "auth", "destination")
_MASK_NOTE = "Secrets are masked; what stays masked stays as it is."


def masked(endpoint: Endpoint) -> dict[str, Any]:
    """The SECRET fields with their secrets masked, or a sentence for all when they cannot be decrypted."""
    try:
        return {
            "headers": mask_headers(endpoint.headers),
            "auth": endpoint_auth.shown_auth(endpoint.auth),
            "destination": destinations.shown(endpoint.destination) if endpoint.destination else None,
        }
    except DecryptionFailed as error:
        return dict.fromkeys(SECRET, str(error))


class PolicyField(forms.CharField):
    """A retry policy: a name as it is, or an object as JSON."""

    def to_python(self, value: Any) -> Any:
        text = str(super().to_python(value) or "").strip().strip('"')
        if not text.startswith("{"):
            return text
        try:
            return json.loads(text)
        except ValueError:
            raise forms.ValidationError('Takes a name or JSON such as {"schedule": [10, 60, 600]}.') from None

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else json.dumps(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != initial)
        except forms.ValidationError:
            return True


class JSONField(forms.JSONField):
    """JSON that is shown indented."""

    widget = forms.Textarea(attrs={"rows": 3, "class": "c-code"})

    def prepare_value(self, value: Any) -> Any:
        if value is None or isinstance(value, str):
            return value
        return json.dumps(value, indent=2, ensure_ascii=False)


class EndpointForm(ModelForm[Endpoint]):
    """Fields under the API's names. A change sends only what was changed, so it undoes nobody else's."""

    url = forms.CharField(
        label="URL", max_length=2048, required=False,
        widget=forms.TextInput(attrs={"class": "vLargeTextField", "placeholder": "https://"}),
        help_text="https unless http is allowed; {version} and {event_type} may stand in the path. Empty for a queue.",
    )  # fmt: skip
    destination = JSONField(
        required=False,
        help_text='A queue in place of the URL: {"type": "queue", "url": "amqps://user:password@host/vhost", "queue": '
        '"orders"}, {"type": "sqs", "queue_url": "https://sqs…", "access_key_id": "…", "secret_access_key": "…"} or '
        '{"type": "eventbridge", "event_bus_name": "…", "region": "…", "access_key_id": "…", "secret_access_key": '
        f'"…"}}. {_MASK_NOTE}',
    )
    metadata = JSONField(required=False, help_text="An object that answers of the API repeat.")
    headers = JSONField(required=False, help_text=f'Sent with every delivery: {{"X-Team": "billing"}}. {_MASK_NOTE}')
    auth = JSONField(
        required=False,
        help_text='{"type": "none"}, {"type": "basic", "username": "…", "password": "…"}, '
        '{"type": "bearer", "token": "…"}, {"type": "api_key", "name": "X-Key", "value": "…"}, '
        '{"type": "oauth2", "token_url": "https://…", "client_id": "…", "client_secret": "…", "scope": "…"} or '
        '{"type": "mtls", "certificate": "-----BEGIN…", "private_key": "-----BEGIN…"}. ' + _MASK_NOTE,
    )
    signature_schemes = forms.MultipleChoiceField(
        choices=[(scheme, scheme) for scheme in SCHEMES], initial=list(DEFAULT), widget=forms.CheckboxSelectMultiple
    )
    retry_policy = PolicyField(
        initial="default",
        widget=forms.TextInput(attrs={"class": "vTextField c-code"}),
        help_text=f'{", ".join(POLICIES)}, or {{"schedule": [10, 60, 600], "jitter": 0.1}} in seconds.',
    )
    rate_limit = JSONField(
        required=False, help_text='{"limit": 100, "period": 1}: 100 requests in 1 second. Empty: none.'
    )

    batch = JSONField(
        required=False,
        help_text='{"max_events": 50, "max_wait": 5}: 50 events in one request, or what came in 5 seconds. '
        "Empty: one event a request.",
    )

    class Meta:
        model = Endpoint
        fields = (
            "tenant", "url", "description", "metadata", "version", "payload_format", "content_type",
            "signature_schemes", "retry_policy", "retry_client_errors", "timeout", "rate_limit", "max_in_flight",
            "ordered", "batch", "validation",
        )  # fmt: skip
        widgets = {
            "description": forms.TextInput(attrs={"class": "vLargeTextField"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self._show_masked()
        elif "auth" in self.fields:
            self.initial.setdefault("auth", {"type": "none"})

    def _show_masked(self) -> None:
        """The stored headers and credentials never reach the page. Lost keys must not lock the page either."""
        if "url" in self.fields and not self.instance.url.startswith(("http:", "https:")):
            self.initial["url"] = ""  # the label of a destination
        for name, value in masked(self.instance).items():
            if name not in self.fields:
                continue
            if isinstance(value, str):
                self.fields[name].disabled = True
                self.fields[name].help_text = value
            else:
                self.initial[name] = value

    def written(self) -> dict[str, Any]:
        """What the service is to write: everything for a new endpoint, else what has changed."""
        names = set(self.fields) if self.instance._state.adding else set(self.changed_data)
        values = {name: self.cleaned_data[name] for name in names - {"tenant"} if name in self.cleaned_data}
        if values.get("validation") == "":
            values["validation"] = None
        if not values.get("url"):
            values.pop("url", None)  # a webhook without one has a destination, and the service says if it has neither
        return {name: _EMPTY[name] if value is None and name in _EMPTY else value for name, value in values.items()}

    def _post_clean(self) -> None:
        """In place of the model's validation: what the service says is what counts."""
        if self.errors:
            return
        if self.instance._state.adding:
            tenant: Tenant = self.cleaned_data["tenant"]
            # the subscriptions are judged by their own form, and no registered type is called like that
            fields = {**self.written(), "event_types": [testing.EVENT_TYPE]}
            rehearse(self, lambda: endpoints.create(tenant.pk, fields))
        else:
            rehearse(self, lambda: endpoints.update(None, self.instance.pk, self.written()))


class SubscriptionForm(ModelForm[Subscription]):
    """One pattern with its filter and channels."""

    filter = JSONField(
        required=False, widget=forms.Textarea(attrs={"rows": 1, "cols": 40, "class": "c-code"}),
        help_text='{"data.amount": {"$gte": 100}}',
    )  # fmt: skip

    class Meta:
        model = Subscription
        fields = ("pattern", "filter", "channels")
        widgets = {
            "pattern": forms.TextInput(attrs={"class": "vTextField c-code", "placeholder": "order.*"}),
        }

    def wanted(self) -> subscriptions.Wanted:
        """The row as the service takes it."""
        data = self.cleaned_data
        return subscriptions.Wanted(data["pattern"], data.get("filter"), list(data.get("channels") or []))

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if not self.errors and self.cleaned_data.get("pattern"):
            try:
                subscriptions.check(self.wanted())
            except InvalidInput as error:
                add_faults(self, error)
        return cleaned


class SubscriptionFormSet(BaseInlineFormSet[Subscription, Endpoint, ModelForm[Subscription]]):
    """All patterns of an endpoint, and whether its version fits them."""

    def clean(self) -> None:
        super().clean()
        if any(form.errors for form in self.forms):
            return
        patterns = [
            form.cleaned_data["pattern"]
            for form in self.forms
            if form.cleaned_data.get("pattern") and not form.cleaned_data.get("DELETE")
        ]
        version = str(self.data.get("version", self.instance.version)).strip()
        adding = self.instance._state.adding
        tenant = str(self.data.get("tenant", "") if adding else self.instance.tenant_id)
        if (tenant_id := ids.parse(ids.TENANT, tenant)) is None:
            return  # the other form says so
        try:
            version_pins.check(tenant_id, version, patterns)
        except InvalidInput as error:
            raise forms.ValidationError([f"Version: {fault.detail}." for fault in error.errors]) from None
