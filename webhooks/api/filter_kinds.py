"""Kinds of filters: what a parameter of a list takes, and the sentence for what it does not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django_filters import rest_framework as django_filters
from drf_spectacular.drainage import set_override

from webhooks.core import ids, patterns
from webhooks.services import moments

MAX_METADATA = 512  # characters of a search by metadata


class MomentField(forms.CharField):
    def to_python(self, value: Any) -> datetime | None:  # type: ignore[override]
        text = super().to_python(value)
        if not text:
            return None
        moment = moments.parse(text)
        if moment is None:
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


class _MetadataField(forms.CharField):
    def to_python(self, value: Any) -> list[dict[str, Any]]:  # type: ignore[override]
        text = str(super().to_python(value) or "")
        if not text:
            return []
        if "\0" in text:
            raise forms.ValidationError("takes no NUL character")
        if len(text) > MAX_METADATA:
            raise forms.ValidationError(f"takes at most {MAX_METADATA} characters")
        if text.startswith("{"):
            found = _json(text)
            if not isinstance(found, dict) or not found:
                raise forms.ValidationError('takes key:value, or a JSON object such as {"order_id":17}')
            return [found]
        key, colon, wanted = text.partition(":")
        if not key or not colon:
            raise forms.ValidationError("takes key:value, such as order_id:17")
        parsed = _json(wanted)
        return [{key: wanted}] + ([{key: parsed}] if isinstance(parsed, bool | int | float) or parsed is None else [])


_NOTHING = object()


def _json(text: str) -> Any:
    """The value of a JSON text that PostgreSQL can store; _NOTHING for what is none."""
    try:
        value = json.loads(text, parse_constant=lambda _: _NOTHING)
        stored = json.dumps(value, ensure_ascii=False, allow_nan=False)
        stored.encode()
    except (ValueError, TypeError, RecursionError):
        return _NOTHING
    return _NOTHING if "\\u0000" in stored else value


class Described(django_filters.Filter):  # type: ignore[misc]  # the library has no types
    """A filter that the schema shows with its description."""

    schema: ClassVar[dict[str, Any]] = {"type": "string"}

    def __init__(self, *args: Any, help_text: str, **kwargs: Any) -> None:
        super().__init__(*args, help_text=help_text, **kwargs)
        set_override(self, "field", {**self.schema, "description": help_text})


class MomentFilter(Described):
    field_class = MomentField
    schema: ClassVar[dict[str, Any]] = {"type": "string", "format": "date-time"}


class IdFilter(Described):
    field_class = _IdField
    schema: ClassVar[dict[str, Any]] = {"type": "string", "maxLength": 64}


class EventTypeFilter(Described):
    field_class = _EventTypeField
    schema: ClassVar[dict[str, Any]] = {"type": "string", "maxLength": patterns.MAX_LENGTH}


class TextFilter(Described):
    """Text of one pattern; ``wrong`` says what it takes."""

    field_class = forms.RegexField

    def __init__(self, *, pattern: str, wrong: str, **kwargs: Any) -> None:
        shown = pattern.replace(r"\A", "^").replace(r"\Z", "$")  # as ECMA-262 writes it
        self.schema = {"type": "string", "pattern": shown}  # type: ignore[misc]
        super().__init__(regex=pattern, error_messages={"invalid": wrong}, **kwargs)


class NumberFilter(Described):
    """A whole number from ``low`` to ``high``."""

    field_class = forms.IntegerField

    def __init__(self, field: str, low: int, high: int, help_text: str) -> None:
        self.schema = {"type": "integer", "minimum": low, "maximum": high}  # type: ignore[misc]
        super().__init__(field, help_text=help_text, min_value=low, max_value=high)


class MetadataFilter(Described):
    """``order_id:17`` or a JSON object; the value is a list of objects, of which the metadata has to contain one."""

    field_class = _MetadataField
    schema: ClassVar[dict[str, Any]] = {"type": "string", "maxLength": MAX_METADATA, "examples": ["order_id:17"]}


class ChoiceFilter(Described):
    """One of some words."""

    field_class = forms.ChoiceField

    def __init__(self, words: Sequence[str], field: str, help_text: str) -> None:
        self.schema = {"type": "string", "enum": list(words)}  # type: ignore[misc]
        wrong = {"invalid_choice": f"takes one of {', '.join(words)}"}
        choices = [(word, word) for word in words]
        super().__init__(field, help_text=help_text, choices=choices, error_messages=wrong)
