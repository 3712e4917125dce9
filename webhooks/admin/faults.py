"""Services judge what a form holds: their faults become the form's errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.db import transaction

from webhooks.errors import ClarionError, InvalidInput


def add_faults(form: forms.BaseForm, error: InvalidInput, names: Mapping[str, str] | None = None) -> None:
    """Put each fault beside the field its pointer begins with; what belongs to none stands above the form.

    ``names``: fields of the service that the form calls differently.
    """
    for fault in error.errors:
        head, _, rest = fault.pointer.removeprefix("/").partition("/")
        name = (names or {}).get(head, head)
        sentence = f"{rest}: {fault.detail}" if rest else fault.detail[:1].upper() + fault.detail[1:]
        if name in form.fields:
            form.add_error(name, f"{sentence}.".replace("..", "."))
        else:
            form.add_error(None, f"{fault.pointer}: {fault.detail}.")


def rehearse(form: forms.BaseForm, call: Callable[[], Any], names: Mapping[str, str] | None = None) -> None:
    """Let a service do its work in a transaction that is rolled back, and show what it refuses.

    So there is one validation and no copy of it here. What the service rings on commit is dropped as well. ``names``:
    see :func:`add_faults`.
    """
    try:
        with transaction.atomic():
            call()
            transaction.set_rollback(True)
    except InvalidInput as error:
        add_faults(form, error, names)
    except ClarionError as error:
        form.add_error(None, str(error))
