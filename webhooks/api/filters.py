"""Filters of lists. Times become bounds on the UUIDv7 key: only the partitions of those days are read.

Which of the other filters has an index, and how a page is found for those without: :mod:`webhooks.models.keyset`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime
from django_filters import rest_framework as django_filters
from django_filters.constants import EMPTY_VALUES
from drf_spectacular.drainage import set_override

from webhooks.api.authentication import caller
from webhooks.api.searching import by_event, of_type, pending_of, type_is
from webhooks.core import ids, inbound, patterns
from webhooks.models import (
    Attempt,
    AuditEntry,
    DeadLetter,
    Delivery,
    Endpoint,
    ReceivedKey,
    ReceivedMessage,
    Source,
)
from webhooks.models.deliveries import FAILURE
from webhooks.models.keyset import Searched, by_window
from webhooks.services import waiting

_SAME_KEY = 250  # sources whose providers gave one id, as many as a page has rows


class _MomentField(forms.CharField):
    def to_python(self, value: Any) -> datetime | None:  # type: ignore[override]
        text = super().to_python(value)
        if not text:
            return None
        try:
            moment = parse_datetime(text)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            hint = "; write + as %%2B in a URL" if " " in text else ""  # django-filter formats it
            raise forms.ValidationError(f"takes a time with its zone, such as 2025-09-10T15:30:45Z{hint}")
        return moment


class _IdField(forms.CharField):
    def __init__(self, *, prefix: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.prefix = prefix

    def to_python(self, value: Any) -> UUID | None:  # type: ignore[override]
        text = super().to_python(value)
        if not text:
            return None
        if (found := ids.parse(self.prefix, text)) is None:
            raise forms.ValidationError(f"takes an id such as {self.prefix}_0199…")
        return found


class _EventTypeField(forms.CharField):
    def to_python(self, value: Any) -> str:
        text = str(super().to_python(value) or "")
        if text:
            try:
                patterns.check_event_type(text)
            except patterns.InvalidPattern as error:
                raise forms.ValidationError(str(error)) from None
        return text


class _Described(django_filters.Filter):  # type: ignore[misc]  # the library has no types
    """A filter that the schema shows with its description."""

    schema: ClassVar[dict[str, Any]] = {"type": "string"}

    def __init__(self, *args: Any, help_text: str, **kwargs: Any) -> None:
        super().__init__(*args, help_text=help_text, **kwargs)
        set_override(self, "field", {**self.schema, "description": help_text})


class _Moment(_Described):
    field_class = _MomentField
    schema: ClassVar[dict[str, Any]] = {"type": "string", "format": "date-time"}


class _Id(_Described):
    field_class = _IdField
    schema: ClassVar[dict[str, Any]] = {"type": "string", "maxLength": 64}


class _EventType(_Described):
    field_class = _EventTypeField
    schema: ClassVar[dict[str, Any]] = {"type": "string", "maxLength": patterns.MAX_LENGTH}


class _Text(_Described):
    """Text of one pattern; ``wrong`` says what it takes."""

    field_class = forms.RegexField

    def __init__(self, *, pattern: str, wrong: str, **kwargs: Any) -> None:
        shown = pattern.replace(r"\A", "^").replace(r"\Z", "$")  # as ECMA-262 writes it
        self.schema = {"type": "string", "pattern": shown}  # type: ignore[misc]
        super().__init__(regex=pattern, error_messages={"invalid": wrong}, **kwargs)


class _ResponseStatus(_Described):
    field_class = forms.IntegerField
    schema: ClassVar[dict[str, Any]] = {"type": "integer", "minimum": 100, "maximum": 599}


class _Choice(_Described):
    field_class = forms.ChoiceField

    def __init__(self, words: list[str], field: str, help_text: str) -> None:
        self.schema = {"type": "string", "enum": words}  # type: ignore[misc]
        wrong = {"invalid_choice": f"takes one of {', '.join(words)}"}
        choices = [(word, word) for word in words]
        super().__init__(field, help_text=help_text, choices=choices, error_messages=wrong)


def _webhook() -> _Id:
    return _Id(field_name="endpoint_id", prefix=ids.WEBHOOK, help_text="Only of this webhook.")


def _response_status() -> _ResponseStatus:
    return _ResponseStatus(
        field_name="response_status",
        min_value=100,
        max_value=599,
        help_text="HTTP status of the last answer.",
    )


class Period(django_filters.FilterSet):  # type: ignore[misc]  # the library has no types
    """``created_after`` (inclusive) and ``created_before`` (exclusive), in milliseconds as in the key."""

    created_after = _Moment(method="after", help_text="Made at or after this time (RFC 3339).")
    created_before = _Moment(method="before", help_text="Made before this time (RFC 3339).")

    def after(self, rows: QuerySet[Any], name: str, moment: datetime) -> QuerySet[Any]:
        return rows.filter(id__gte=ids.floor(moment))

    def before(self, rows: QuerySet[Any], name: str, moment: datetime) -> QuerySet[Any]:
        return rows.filter(id__lt=ids.floor(moment))

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The filters that an index serves, then those that are searched for."""
        given = {name: value for name, value in self.form.cleaned_data.items() if value not in EMPTY_VALUES}
        for name in [name for name in given if name not in self.searched]:
            queryset = self.filters[name].filter(queryset, given.pop(name))
        return self.search(queryset, given) if given else queryset

    # Filters that :meth:`search` gets as name -> value, because what to do depends on the value or on the others.
    searched: ClassVar[frozenset[str]] = frozenset()

    def search(self, rows: QuerySet[Any], asked: dict[str, Any]) -> QuerySet[Any]:
        """Narrow the rows by the filters of ``searched`` that are on."""
        raise NotImplementedError

    @property
    def tenant_id(self) -> UUID | None:
        return caller(self.request).tenant_id


def period(parameters: Mapping[str, str]) -> tuple[UUID | None, UUID | None]:
    """The period of a checked query string as keys: lower (inclusive) and upper (exclusive)."""
    field = _MomentField(required=False)
    moments = (field.clean(parameters.get(name)) for name in ("created_after", "created_before"))
    after, before = (ids.floor(moment) if moment else None for moment in moments)
    return after, before


class WebhookFilters(Period):
    status = _Choice(Endpoint.State.values, "state", "Only webhooks in this state.")


class SourceFilters(Period):
    provider = _Choice(list(inbound.PROVIDERS), "provider", "Only sources of this provider.")


class EventFilters(Period):
    event_type = _EventType(field_name="type", help_text="Only of this type, exactly.")
    searched = frozenset({"event_type"})

    def search(self, rows: QuerySet[Any], asked: dict[str, Any]) -> QuerySet[Any]:
        """The index on types begins with the tenant."""
        found = rows.filter(type=asked["event_type"])
        return found if self.tenant_id else Searched.of(rows, found, by_window)


class DeliveryFilters(Period):
    status = _Choice(Delivery.State.values, "state", "Only deliveries in this state.")
    event_type = _EventType(field_name="event__type", help_text="Only of events of this type, exactly.")
    webhook = _webhook()
    response_status = _response_status()
    searched = frozenset({"status", "event_type", "response_status"})

    def search(self, rows: QuerySet[Any], asked: dict[str, Any]) -> QuerySet[Any]:
        """Take the filter that an index serves best; look through what it leaves for the others."""
        webhook = self.form.cleaned_data["webhook"]
        wide = self._served(rows, asked, webhook)
        columns = {"status": "state", "response_status": "response_status"}
        found = wide.filter(**{columns[name]: value for name, value in asked.items() if name in columns})
        if event_type := asked.get("event_type"):
            look = of_type(event_type, found, self.tenant_id) if wide is rows else by_event(event_type, found)
            return Searched.of(wide, found.filter(type_is(event_type)), look)
        if asked.get("status") == Delivery.State.PENDING and not webhook:
            return Searched.of(wide, found, pending_of(self.tenant_id))
        return Searched.of(wide, found, by_window) if asked else wide

    def _served(self, rows: QuerySet[Any], asked: dict[str, Any], webhook: UUID | None) -> QuerySet[Any]:
        """Apply one of the filters by its index and take it from ``asked``; none of them: the same rows."""
        status = asked.get("status")
        if status in Delivery.INDEXED_STATES:
            return rows.filter(state=asked.pop("status"))
        if asked.get("response_status", 0) >= FAILURE and self.tenant_id and not webhook:
            return rows.filter(response_status=asked.pop("response_status"))
        if status not in (Delivery.State.PENDING, Delivery.State.SENDING):
            return rows
        if self.tenant_id or webhook:
            oldest = waiting.oldest(self.tenant_id, webhook)
            rows = rows.none() if oldest is None else rows.filter(id__gte=oldest)
        return rows.filter(state=asked.pop("status")) if status == Delivery.State.SENDING or webhook else rows


class AttemptFilters(Period):
    status = _Choice(Attempt.Outcome.values, "outcome", "Only attempts that ended so.")
    response_status = _response_status()
    searched = frozenset({"status", "response_status"})

    def search(self, rows: QuerySet[Any], asked: dict[str, Any]) -> QuerySet[Any]:
        """What did not succeed has an index; an answer of 300 or more is never a success."""
        status = asked.get("status", "")
        if (status and status != Attempt.Outcome.SUCCEEDED) or asked.get("response_status", 0) >= FAILURE:
            rows = rows.exclude(outcome=Attempt.Outcome.SUCCEEDED)
        columns = {"status": "outcome", "response_status": "response_status"}
        found = rows.filter(**{columns[name]: value for name, value in asked.items()})
        return Searched.of(rows, found, by_window)


class DeadLetterFilters(Period):
    status = _Choice(DeadLetter.Resolution.values, "resolution", "Only dead letters in this state.")
    event_type = _EventType(field_name="event_type", help_text="Only of events of this type, exactly.")
    webhook = _webhook()
    response_status = _response_status()
    searched = frozenset({"event_type", "response_status"})

    def search(self, rows: QuerySet[Any], asked: dict[str, Any]) -> QuerySet[Any]:
        return Searched.of(rows, rows.filter(**asked), by_window)


class ReceivedFilters(Period):
    source = _Id(field_name="source_id", prefix=ids.SOURCE, help_text="Only of this source.")
    status = _Choice(ReceivedMessage.Status.values, "status", "Only messages in this state.")
    verification = _Text(
        field_name="verification",
        pattern=r"\A[a-z_]{1,16}\Z",
        wrong="takes a word such as verified",
        help_text="Only messages whose check of origin went so, such as `verified`.",
    )
    event_type = _EventType(field_name="event_type", help_text="Only what becomes events of this type, exactly.")
    key = _Text(
        field_name="key",
        pattern=r"\A[^\x00]{1,128}\Z",
        wrong="takes a provider's id of at most 128 characters",
        help_text="Only the message with this id of its provider.",
        method="called",
    )
    searched = frozenset({"status", "verification", "event_type"})

    def called(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """By the table of the keys, whose index begins with the source."""
        keys = ReceivedKey.objects.for_tenant(self.tenant_id).filter(key=value)
        if source := self.form.cleaned_data["source"]:
            keys = keys.filter(source_id=source)
        else:
            keys = keys.filter(source__in=Source.objects.for_tenant(self.tenant_id))
        return rows.filter(id__in=list(keys.values_list("received_id", flat=True)[:_SAME_KEY]))

    def search(self, rows: QuerySet[Any], asked: dict[str, Any]) -> QuerySet[Any]:
        """What failed has an index of its own."""
        if asked.get("status") == ReceivedMessage.Status.FAILED:
            rows = rows.filter(status=asked.pop("status"))
        return Searched.of(rows, rows.filter(**asked), by_window) if asked else rows


class AuditFilters(Period):
    action = _Text(
        field_name="action",
        pattern=r"\A[a-z_]{1,32}(?:\.[a-z_]{1,32})?\Z",
        wrong="takes an action such as webhook.updated, or its first part alone",
        help_text="Only this action, such as `webhook.updated`; `webhook` alone: all actions on webhooks.",
        method="acted",
    )
    actor = _Text(
        field_name="actor_id",
        pattern=r"\A[A-Za-z0-9_.@:+-]{1,64}\Z",
        wrong="takes the id of an actor, such as key_0199…",
        help_text="Only what this actor did, by its id as answers show it.",
        method="done_by",
    )
    object = _Text(
        field_name="objects_named",
        pattern=r"\A[A-Za-z0-9_.:-]{1,160}\Z",
        wrong="takes an id such as wh_0199…",
        help_text="Only what was done to this object, by its id.",
        method="done_to",
    )

    def acted(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        if "." in value:
            return rows.filter(action=value)
        return rows.filter(action__gte=f"{value}.", action__lt=f"{value}/")  # "/" follows "."

    def done_by(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Attack: a tenant asks for names it is not shown, and learns by the answer whether one was right."""
        rows = rows.filter(actor_id=value)
        return rows if caller(self.request).is_platform else rows.filter(actor_kind__in=AuditEntry.OF_TENANTS)

    def done_to(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return rows.filter(objects_named__contains=[value])
