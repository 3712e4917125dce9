"""What stands in place of content that was purged: the row stays, what it held is gone.

The marker is JSON, so whatever reads the data of events goes on reading. A publisher who publishes exactly this gets
what he asks for: an event that is not delivered.
"""

from __future__ import annotations

MARKER = b'{"clarion":"purged"}'
BODY = b"[purged]"  # in place of a stored answer or a received body
REASON = "the event's data was purged"


def is_purged(data: bytes | memoryview | None) -> bool:
    """Whether an event's data was purged. Bytes are compared, whatever kind they come as."""
    return data is not None and len(data) == len(MARKER) and bytes(data) == MARKER
