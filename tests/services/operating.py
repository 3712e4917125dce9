"""Driving operations without workers: step after step, without the pauses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models.functions import Now

from webhooks.models import Operation, Tenant
from webhooks.services.operations import creating, running


def order(tenant: Tenant, type: str, params: Any = None, **more: Any) -> UUID:
    """An operation that nobody has begun."""
    return creating.create(tenant.id, type, params, **more).id


def finish(operation_id: UUID, after: Callable[[int], None] = lambda steps: None) -> Operation:
    """Do all steps of an operation. ``after`` is called after each with the number of them."""
    for number in range(1, 10_000):
        done = running.step(operation_id)
        after(number)
        operation = Operation.objects.get(id=operation_id)
        if operation.finished:
            return operation
        assert done.word == "more", done
        at_once(operation_id)
    raise AssertionError("it does not come to an end")


def at_once(operation_id: UUID) -> None:
    """Let its pause be over."""
    Operation.objects.filter(id=operation_id).update(next_run_at=Now())


def run(tenant: Tenant, type: str, params: Any = None, **more: Any) -> Operation:
    """Order an operation and do all its steps."""
    return finish(order(tenant, type, params, **more))
