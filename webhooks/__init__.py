"""Clarion: send and receive webhooks.

``webhooks.emit("order.created", {...}, tenant=...)`` inside a transaction is all a sender needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["GiveUp", "downgrade", "emit", "emit_many", "processor"]

if TYPE_CHECKING:
    from webhooks.core.conversions import downgrade
    from webhooks.core.processors import processor
    from webhooks.emitting import emit, emit_many
    from webhooks.errors import GiveUp


def __getattr__(name: str) -> Any:
    """Load lazily: Django imports this package before its models are ready."""
    if name == "downgrade":
        from webhooks.core import conversions

        return conversions.downgrade
    if name == "processor":
        from webhooks.core import processors

        return processors.processor
    if name == "GiveUp":
        from webhooks import errors

        return errors.GiveUp
    if name in __all__:
        from webhooks import emitting

        return getattr(emitting, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
