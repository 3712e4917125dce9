"""The form of a source. The service judges and writes; nothing is saved here."""

from __future__ import annotations

import json
from typing import Any

from django import forms

from webhooks.admin.endpoint_form import JSONField
from webhooks.admin.faults import rehearse
from webhooks.admin.generic import ModelForm
from webhooks.core import destinations, inbound
from webhooks.errors import DecryptionFailed
from webhooks.models import Source, Tenant
from webhooks.services import sources

# What an emptied field means to the service.
_EMPTY: dict[str, Any] = {"verification": {}, "allowed_ips": []}


class SourceForm(ModelForm[Source]):
    """Fields under the API's names, but ``new_secrets``: what is stored never reaches the page.

    A change sends only what was changed, so it undoes nobody else's.
    """

    OWN = ("new_secrets", "verification", "forward_to", "schema", "allowed_ips", "rate_limit", "provider")

    provider = forms.ChoiceField(
        choices=[(name, f"{name}: {known.summary.replace('`', '')}") for name, known in inbound.PROVIDERS.items()],
        help_text="Who signs, and how. Another provider begins without the secrets of this one.",
    )
    new_secrets = forms.CharField(
        label="Secrets", required=False, strip=True,
        widget=forms.Textarea(attrs={"rows": 2, "class": "c-code", "autocomplete": "off", "spellcheck": "false"}),
        help_text="What the provider signs with, one a line, newest first. They replace those that are stored, which "
        "are not shown. Empty: those stay, or Clarion makes one where the provider lets you choose it.",
    )  # fmt: skip
    verification = JSONField(
        required=False,
        help_text='Besides the secrets, such as {"header": "X-Signature", "template": "{timestamp}.{body}"}.'
        " See docs/receiving.md.",
    )
    allowed_ips = JSONField(
        label="Allowed networks", required=False, help_text='["192.0.2.0/24"]: others are answered 403. Empty: anybody.'
    )
    rate_limit = JSONField(required=False, help_text='{"limit": 600, "period": 60}. Empty: any number.')
    schema = JSONField(required=False, help_text="JSON Schema; what fails it is kept as rejected. Empty: none.")
    forward_to = JSONField(
        required=False,
        help_text='A queue that messages go to as well, such as {"type": "queue", "url": "…", "queue": "…"}. '
        "Secrets are masked; what stays masked stays as it is.",
    )

    class Meta:
        model = Source
        fields = ("tenant", "name", "active", "max_bytes", "tolerance", "event_type", "forward")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self._show_stored()

    def _show_stored(self) -> None:
        """Lost keys must not lock the page: what cannot be read is said in place of the field."""
        source = self.instance
        plain = {name: getattr(source, name) for name in ("provider", "allowed_ips", "rate_limit")}
        self.initial.update(plain, schema=json.loads(source.schema) if source.schema else None)
        for name in ("verification", "forward_to"):
            if name not in self.fields:
                continue
            try:
                self.initial[name] = shown(name, getattr(source, name))
            except DecryptionFailed as error:
                self.fields[name].disabled = True
                self.fields[name].help_text = str(error)

    def written(self) -> dict[str, Any]:
        """What the service is to write: everything for a new source, else what has changed."""
        names = set(self.fields) if self.instance._state.adding else set(self.changed_data)
        values = {name: self.cleaned_data[name] for name in names - {"tenant"} if name in self.cleaned_data}
        given = [line.strip() for line in str(values.pop("new_secrets", "") or "").splitlines() if line.strip()]
        if given:
            values["secrets"] = given
        if self.instance._state.adding and not values.get("event_type"):
            values.pop("event_type", None)
        return {name: _EMPTY[name] if value is None and name in _EMPTY else value for name, value in values.items()}

    def _post_clean(self) -> None:
        """In place of the model's validation: what the service says is what counts."""
        if self.errors:
            return
        if self.instance._state.adding:
            tenant: Tenant = self.cleaned_data["tenant"]
            rehearse(self, lambda: sources.create(tenant.pk, self.written()), {"secrets": "new_secrets"})
        else:
            rehearse(self, lambda: sources.update(None, self.instance.pk, self.written()), {"secrets": "new_secrets"})


def shown(name: str, value: Any) -> Any:
    """A stored value as the page shows it."""
    return destinations.shown(value) if name == "forward_to" and value else value or None
