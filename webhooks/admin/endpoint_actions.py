"""What an operator does to endpoints: stop and start them, try them, renew their secrets, replay their dead."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils.html import format_html

from webhooks import doorbells
from webhooks.admin import markup
from webhooks.admin.base import ClarionAdmin, operation
from webhooks.admin.confirm import confirmation, confirmed, reveal
from webhooks.core import ids
from webhooks.errors import ClarionError
from webhooks.models import DeadLetter, Delivery, Endpoint
from webhooks.services import dead_letters, endpoints, handshake, target_check, testing

# Dead letters that one request replays: some seconds of work, well below the web server's timeout.
REPLAY_LIMIT = 5000
CHECKS = 5  # names that one request looks up: each may take two seconds
LINKS = 5  # test deliveries that a message links to

_SPANS = {
    "1h": ("the last hour", timedelta(hours=1)),
    "24h": ("the last 24 hours", timedelta(hours=24)),
    "7d": ("the last 7 days", timedelta(days=7)),
    "all": ("ever", None),
}


class OverlapForm(forms.Form):
    overlap = forms.TypedChoiceField(
        label="The present secrets keep signing for",
        choices=[(0, "no time: they end now"), (3600, "1 hour"), (86_400, "24 hours"), (604_800, "7 days")],
        initial=86_400,
        coerce=int,
        help_text="During the overlap deliveries carry both signatures, so the receiver can change over calmly.",
    )


class SinceForm(forms.Form):
    since = forms.ChoiceField(label="Died", initial="24h", widget=forms.RadioSelect)

    def __init__(self, letters: list[UUID], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(key, f"{name}: {_count(letters, span)}") for key, (name, span) in _SPANS.items()]
        self.fields["since"].choices = choices  # type: ignore[attr-defined]


def _count(letters: list[UUID], span: timedelta | None) -> str:
    found = len(_younger(letters, span))
    return f"more than {REPLAY_LIMIT}" if found > REPLAY_LIMIT else f"{found}"


def _younger(letters: list[UUID], span: timedelta | None) -> list[UUID]:
    oldest = ids.floor(datetime.now(UTC) - span) if span else UUID(int=0)
    return [letter for letter in letters if letter >= oldest]


def _chosen(queryset: QuerySet[Endpoint]) -> list[Endpoint]:
    return list(queryset.select_related(None).only("id", "url"))


if TYPE_CHECKING:
    _Base = ClarionAdmin[Endpoint]
else:
    _Base = object


class EndpointActions(_Base):
    """Mixed into the endpoint's admin."""

    actions = (
        "pause", "resume", "enable", "disable", "send_test", "check_address", "rotate_secret", "validate", "replay",
    )  # fmt: skip
    buttons = actions

    def button_fits(self, name: str, obj: Endpoint) -> bool:
        if obj.deleted_at:
            return False
        fits = {
            "pause": obj.state == Endpoint.State.ACTIVE,
            "resume": obj.state == Endpoint.State.PAUSED,
            "enable": obj.state == Endpoint.State.DISABLED,
            "disable": obj.state != Endpoint.State.DISABLED,
            "validate": bool(obj.validation),
        }
        return fits.get(name, True)

    @operation("Pause selected")
    def pause(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        self._each(request, queryset, endpoints.pause, "Paused")

    @operation("Resume selected")
    def resume(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        self._each(request, queryset, endpoints.resume, "Resumed")

    @operation("Enable selected")
    def enable(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        self._each(request, queryset, endpoints.enable, "Enabled")

    @operation("Disable selected")
    def disable(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        reason = f"disabled by {request.user.get_username()}"
        self._each(request, queryset, partial(endpoints.disable, reason=reason), "Disabled")

    @operation("Send a test to selected", button="Send test")
    def send_test(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        """A test event goes the ordinary way; its page shows what came of it."""

        def test(key: UUID) -> None:
            _, delivery = testing.send_test(key)
            made.append(delivery)

        made: list[UUID] = []
        self._each(request, queryset, test, "Test sent to", ring=doorbells.ring_deliver)
        for delivery in made[:LINKS]:
            text = ids.show(ids.DELIVERY, delivery)
            link = markup.link(Delivery(pk=delivery), text)
            self.message_user(request, format_html("See what came of it: {}", link))

    @operation("Check the address of selected", button="Check address")
    def check_address(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        """What ``unreachable_target`` stands for. Needs the change permission: it tells what lives inside."""
        rows = _chosen(queryset)
        for row in rows[:CHECKS]:
            cause = target_check.why_unreachable(row.pk)
            text = f"Nothing can be sent to {row.url}: {cause}" if cause else f"Deliveries can be sent to {row.url}"
            self.message_user(request, text, messages.WARNING if cause else messages.SUCCESS)
        if len(rows) > CHECKS:
            self.message_user(request, f"Only the first {CHECKS} were checked.", messages.WARNING)

    @operation("Rotate the secret of selected", button="Rotate secret", needs="reveal")
    def rotate_secret(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> HttpResponseBase:
        rows = _chosen(queryset)
        form = OverlapForm(request.POST if confirmed(request) else None)
        if not form.is_valid():
            return confirmation(
                self, request, title="Rotate signing secrets", objects=rows, button="Rotate", form=form,
                sentence="Each endpoint gets a new secret, which is shown once on the next page.",
            )  # fmt: skip
        with transaction.atomic():
            shown = [(row.url, endpoints.rotate_secret(row.pk, form.cleaned_data["overlap"])) for row in rows]
            self.record(request, rows, "Rotated the signing secret.")
        return reveal(
            self, request, title="New signing secret", secrets=shown, back=request.path,
            sentence="Copy it now and give it to the receiver. It is not shown again.",
        )  # fmt: skip

    @operation("Ask the receivers of selected for consent again", button="Validate again")
    def validate(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        """Deliveries are held until the receiver has consented anew."""
        self._each(request, queryset, handshake.restart, "Asked for consent of")

    @operation("Replay the dead deliveries of selected", button="Replay dead")
    def replay(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> HttpResponseBase | None:
        """Open dead letters, newest first, up to REPLAY_LIMIT; the rest by doing it again."""
        rows = _chosen(queryset)
        letters = list(
            DeadLetter.objects.filter(
                endpoint_id__in=[row.pk for row in rows], resolution=DeadLetter.Resolution.OPEN
            ).order_by("-pk").values_list("pk", flat=True)[: REPLAY_LIMIT + 1]
        )  # fmt: skip
        form = SinceForm(letters, request.POST if confirmed(request) else None)
        if not form.is_valid():
            return confirmation(
                self, request, title="Replay dead deliveries", objects=rows, button="Replay", form=form,
                sentence="Open dead letters of these endpoints are delivered again, as new deliveries.",
            )  # fmt: skip
        chosen = _younger(letters, _SPANS[form.cleaned_data["since"]][1])
        doorbells.on_commit(doorbells.ring, dead_letters.replay(chosen[:REPLAY_LIMIT]))
        self.record(request, rows, f"Replayed {min(len(chosen), REPLAY_LIMIT)} dead deliveries.")
        more = " There are more: replay again." if len(chosen) > REPLAY_LIMIT else ""
        level = messages.SUCCESS if chosen else messages.WARNING
        self.message_user(request, f"Replayed {min(len(chosen), REPLAY_LIMIT)} dead deliveries.{more}", level)
        return None

    def _each(
        self, request: HttpRequest, queryset: QuerySet[Endpoint], call: Callable[[UUID], Any], done: str,
        ring: Callable[[list[UUID]], None] = doorbells.ring_settle,
    ) -> None:  # fmt: skip
        """Call a service for each endpoint; one that refuses does not keep the others from it."""
        changed = []
        for endpoint in _chosen(queryset):
            try:
                call(endpoint.pk)
            except ClarionError as error:
                self.message_user(request, f"{endpoint.url}: {error}", messages.ERROR)
            else:
                changed.append(endpoint)
        doorbells.on_commit(ring, [endpoint.pk for endpoint in changed])
        doorbells.on_commit(doorbells.ring_validate, [endpoint.pk for endpoint in changed])
        self.record(request, changed, f"{done}.")
        if changed:
            names = changed[0].url if len(changed) == 1 else f"{len(changed)} endpoints"
            self.message_user(request, f"{done} {names}.", messages.SUCCESS)
