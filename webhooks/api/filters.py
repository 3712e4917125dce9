"""Filters of lists. Times become bounds on the UUIDv7 key: only the partitions of those days are read."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.dateparse import parse_datetime
from django_filters import rest_framework as django_filters
from drf_spectacular.drainage import set_override

from webhooks.core import ids, patterns
from webhooks.models import Attempt, DeadLetter, Delivery, Endpoint, Event


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


class _EventType(_Described):
    field_class = _EventTypeField


class _ResponseStatus(_Described):
    field_class = forms.IntegerField
    schema: ClassVar[dict[str, Any]] = {"type": "integer", "minimum": 100, "maximum": 599}


class _Choice(_Described):
    field_class = forms.ChoiceField

    def __init__(self, kind: type[Any], field: str, help_text: str) -> None:
        self.schema = {"type": "string", "enum": kind.values}  # type: ignore[misc]
        wrong = {"invalid_choice": f"takes one of {', '.join(kind.values)}"}
        choices = [(word, word) for word in kind.values]
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


class WebhookFilters(Period):
    status = _Choice(Endpoint.State, "state", "Only webhooks in this state.")


class EventFilters(Period):
    event_type = _EventType(field_name="type", help_text="Only of this type, exactly.")


class DeliveryFilters(Period):
    status = _Choice(Delivery.State, "state", "Only deliveries in this state.")
    event_type = _EventType(method="of_type", help_text="Only of events of this type, exactly.")
    webhook = _webhook()
    response_status = _response_status()

    def of_type(self, rows: QuerySet[Any], name: str, event_type: str) -> QuerySet[Any]:
        """By a look-up for each row: a join would read and sort all deliveries before the first page."""
        of_event = Event.objects.filter(id=OuterRef("event_id")).values("type")
        found: QuerySet[Any] = rows.alias(event_type=Subquery(of_event[:1])).filter(event_type=event_type)
        return found


class AttemptFilters(Period):
    status = _Choice(Attempt.Outcome, "outcome", "Only attempts that ended so.")
    response_status = _response_status()


class DeadLetterFilters(Period):
    status = _Choice(DeadLetter.Resolution, "resolution", "Only dead letters in this state.")
    event_type = _EventType(field_name="event_type", help_text="Only of events of this type, exactly.")
    webhook = _webhook()
    response_status = _response_status()
