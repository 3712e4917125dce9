"""Filters of lists. Times become bounds on the UUIDv7 key: only the partitions of those days are read.

Which of the other filters has an index, and how a page is found for those without: :mod:`webhooks.models.keyset`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Q, QuerySet
from django_filters import rest_framework as django_filters
from django_filters.constants import EMPTY_VALUES

from webhooks.api.authentication import caller
from webhooks.api.filter_kinds import (
    ChoiceFilter,
    EventTypeFilter,
    IdFilter,
    MetadataFilter,
    MomentField,
    MomentFilter,
    NumberFilter,
    TextFilter,
)
from webhooks.api.searching import by_content, named_events
from webhooks.core import ids, inbound
from webhooks.models import (
    Attempt,
    AuditEntry,
    Endpoint,
    Event,
    Operation,
    ReceivedKey,
    ReceivedMessage,
    Source,
    Trigger,
)
from webhooks.models.deliveries import FAILURE
from webhooks.models.keyset import Searched, in_order

_SAME_KEY = 250  # sources whose providers gave one id, as many as a page has rows
_PRINTABLE = r"\A[^\x00-\x1f\x7f]{1,128}\Z"


def webhook() -> IdFilter:
    """``?webhook=`` of what has an endpoint."""
    return IdFilter(field_name="endpoint_id", prefix=ids.WEBHOOK, help_text="Only of this webhook.")


def response_status() -> NumberFilter:
    """``?response_status=``."""
    return NumberFilter("response_status", 100, 599, "HTTP status of the last answer.")


def correlation(what: str) -> TextFilter:
    """``?correlation_id=``."""
    return TextFilter(
        field_name="correlation_id",
        pattern=_PRINTABLE,
        wrong="takes a correlation id of at most 128 printable characters",
        help_text=f"Only {what} with this correlation id, exactly.",
    )


def search(what: str) -> TextFilter:
    """``?search=``: whatever name of an event somebody has at hand."""
    return TextFilter(
        field_name="id",
        pattern=_PRINTABLE,
        wrong="takes the id of an event, or a correlation id, of at most 128 printable characters",
        help_text=f"Only {what} with this id (Clarion's or the publisher's own) or this correlation id, exactly.",
    )


class Period(django_filters.FilterSet):  # type: ignore[misc]  # the library has no types
    """``created_after`` (inclusive) and ``created_before`` (exclusive), in milliseconds as in the key."""

    base_filters: dict[str, django_filters.Filter]  # the metaclass fills it

    created_after = MomentFilter(method="after", help_text="Made at or after this time (RFC 3339).")
    created_before = MomentFilter(method="before", help_text="Made before this time (RFC 3339).")

    def __init__(self, data: Mapping[str, Any] | None = None, *args: Any, **kwargs: Any) -> None:
        """Only what the query string names is made: each filter and its form field are copied for every request."""
        if data is not None:
            self.base_filters = {name: self.base_filters[name] for name in data if name in self.base_filters}
        super().__init__(data, *args, **kwargs)

    def after(self, rows: QuerySet[Any], name: str, moment: datetime) -> QuerySet[Any]:
        return rows.filter(id__gte=ids.floor(moment))

    def before(self, rows: QuerySet[Any], name: str, moment: datetime) -> QuerySet[Any]:
        return rows.filter(id__lt=ids.floor(moment))

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The filters that an index serves, then those that are searched for."""
        given = {name: value for name, value in self.form.cleaned_data.items() if value not in EMPTY_VALUES}
        for name in [name for name in given if name not in self.searched]:
            queryset = self.filters[name].filter(queryset, given.pop(name))
        return self.search_for(queryset, given) if given else queryset

    # Filters that :meth:`search_for` gets as name -> value, because what to do depends on the value or on the others.
    searched: ClassVar[frozenset[str]] = frozenset()

    def search_for(self, rows: QuerySet[Any], asked: dict[str, Any]) -> QuerySet[Any]:
        """Narrow the rows by the filters of ``searched`` that are on."""
        raise NotImplementedError

    @property
    def tenant_id(self) -> UUID | None:
        return caller(self.request).tenant_id


def period(parameters: Mapping[str, str]) -> tuple[UUID | None, UUID | None]:
    """The period of a checked query string as keys: lower (inclusive) and upper (exclusive)."""
    field = MomentField(required=False)
    moments = (field.clean(parameters.get(name)) for name in ("created_after", "created_before"))
    after, before = (ids.floor(moment) if moment else None for moment in moments)
    return after, before


class WebhookFilters(Period):
    status = ChoiceFilter(Endpoint.State.values, "state", "Only webhooks in this state.")


class SourceFilters(Period):
    provider = ChoiceFilter(list(inbound.PROVIDERS), "provider", "Only sources of this provider.")


class ReceivedFilters(Period):
    source = IdFilter(field_name="source_id", prefix=ids.SOURCE, help_text="Only of this source.")
    status = ChoiceFilter(ReceivedMessage.Status.values, "status", "Only messages in this state.")
    verification = TextFilter(
        field_name="verification",
        pattern=r"\A[a-z_]{1,16}\Z",
        wrong="takes a word such as verified",
        help_text="Only messages whose check of origin went so, such as `verified`.",
    )
    event_type = EventTypeFilter(field_name="event_type", help_text="Only what becomes events of this type, exactly.")
    key = TextFilter(
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
        if source := self.form.cleaned_data.get("source"):
            keys = keys.filter(source_id=source)
        else:
            keys = keys.filter(source__in=Source.objects.for_tenant(self.tenant_id))
        return rows.filter(id__in=list(keys.values_list("received_id", flat=True)[:_SAME_KEY]))

    def search_for(self, rows: QuerySet[Any], asked: dict[str, Any]) -> QuerySet[Any]:
        """What failed has an index of its own."""
        if asked.get("status") == ReceivedMessage.Status.FAILED:
            rows = rows.filter(status=asked.pop("status"))
        return Searched.of(rows, rows.filter(**asked), in_order) if asked else rows


class RoutingFilters(Period):
    webhook = IdFilter(field_name="id", prefix=ids.WEBHOOK, help_text="Only this webhook.")


class EventFilters(Period):
    event_type = EventTypeFilter(field_name="type", help_text="Only of this type, exactly.")
    status = ChoiceFilter(
        ("accepted", "routed"), "fanned_out_at", "Only events that still wait for their routing, or that are routed."
    )
    matched = NumberFilter(
        "matched", 0, 1_000_000, "Only routed events that so many webhooks wanted; `0`: those that nobody wanted."
    )
    origin = ChoiceFilter(Event.Origin.values, "origin", "Only events that came to Clarion this way.")
    correlation_id = correlation("events")
    search = search("events")
    metadata = MetadataFilter(
        field_name="metadata",
        help_text="Only events whose metadata has this, exactly: `key:value`, or a JSON object that the metadata "
        'contains, such as `{"order":{"id":17}}`.',
    )
    searched = frozenset({"event_type", "status", "matched", "origin", "correlation_id", "search", "metadata"})

    def search_for(self, rows: QuerySet[Any], asked: dict[str, Any]) -> QuerySet[Any]:
        """Take the filter that an index serves best (they begin with the tenant); look through what it leaves."""
        if (text := asked.pop("search", None)) is not None:
            if (named := named_events(self.tenant_id, text)) is not None:
                few = rows.filter(id__in=named) if named else rows.none()
                return few.filter(*(_event_condition(name, value) for name, value in asked.items()))
            if asked.setdefault("correlation_id", text) != text:
                return rows.none()
        wide = self._served(rows, asked) if self.tenant_id else rows
        found = wide.filter(*(_event_condition(name, value) for name, value in asked.items()))
        look = by_content if "metadata" in asked and wide is rows else in_order
        return Searched.of(wide, found, look) if asked else wide

    def _served(self, rows: QuerySet[Any], asked: dict[str, Any]) -> QuerySet[Any]:
        """Apply the filter that leaves the fewest rows as a rule, and take it from ``asked``."""
        for name in ("correlation_id", "metadata", "matched", "status", "event_type"):
            if name not in asked:
                continue
            if name == "metadata":
                return rows
            if (name == "matched" and asked[name]) or (name == "status" and asked[name] != "accepted"):
                continue
            return rows.filter(_event_condition(name, asked.pop(name)))
        return rows


def _event_condition(name: str, value: Any) -> Q:
    if name == "metadata":
        either = Q()
        for wanted in value:
            either |= Q(metadata__contains=wanted)
        return either
    if name == "status":
        return Q(fanned_out_at__isnull=value == "accepted")
    if name in ("matched", "correlation_id"):
        return Q(**{name: value}, fanned_out_at__isnull=False)
    return Q(**{"type" if name == "event_type" else name: value})


class AttemptFilters(Period):
    status = ChoiceFilter(Attempt.Outcome.values, "outcome", "Only attempts that ended so.")
    response_status = response_status()
    trigger = ChoiceFilter(Trigger.values, "trigger", "Only attempts that were made for this reason.")
    error = TextFilter(
        field_name="error",
        pattern=r"\A[a-z_]{1,32}\Z",
        wrong="takes a class of errors, such as timeout",
        help_text="Only attempts that failed with this class of error.",
    )
    searched = frozenset({"status", "response_status", "trigger", "error"})

    def search_for(self, rows: QuerySet[Any], asked: dict[str, Any]) -> QuerySet[Any]:
        """What did not succeed has an index; an answer of 300 or more is never a success, nor is an error as a rule."""
        status = asked.get("status", "")
        if (status and status != Attempt.Outcome.SUCCEEDED) or asked.get("response_status", 0) >= FAILURE:
            rows = rows.exclude(outcome=Attempt.Outcome.SUCCEEDED)
        if "status" in asked:
            asked["outcome"] = asked.pop("status")
        return Searched.of(rows, rows.filter(**asked), in_order)


class OperationFilters(Period):
    """A tenant has few operations: what no index serves is searched for."""

    type = ChoiceFilter(Operation.Type.values, "type", "Only operations of this type.")
    status = ChoiceFilter(Operation.Status.values, "status", "Only operations in this state.")
    searched = frozenset({"type", "status"})

    def search_for(self, rows: QuerySet[Any], asked: dict[str, Any]) -> QuerySet[Any]:
        return Searched.of(rows, rows.filter(**asked), in_order)


class AuditFilters(Period):
    action = TextFilter(
        field_name="action",
        pattern=r"\A[a-z_]{1,32}(?:\.[a-z_]{1,32})?\Z",
        wrong="takes an action such as webhook.updated, or its first part alone",
        help_text="Only this action, such as `webhook.updated`; `webhook` alone: all actions on webhooks.",
        method="acted",
    )
    actor = TextFilter(
        field_name="actor_id",
        pattern=r"\A[A-Za-z0-9_.@:+-]{1,64}\Z",
        wrong="takes the id of an actor, such as key_0199…",
        help_text="Only what this actor did, by its id as answers show it.",
        method="done_by",
    )
    object = TextFilter(
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
