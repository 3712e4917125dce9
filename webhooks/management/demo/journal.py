"""What the demonstration receiver has received: ``<state dir>/received.ndjson``, one JSON object a line.

A line is written before the request is answered, so a request that was answered is never missing, also when
the receiver is killed and started again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

_FILE = "received.ndjson"
_LONGEST = 64 * 1024 * 1024  # bytes; then the file is moved aside, so that a long run cannot fill the disk


@dataclass(frozen=True, slots=True)
class Record:
    """One request. ``status`` is the answer that was decided on; ``arrived_at`` is unix time in seconds.

    ``fault`` is empty when both signatures were right, else it says what was wrong. ``data_sha256`` is of the
    bytes of ``data`` as they stood in the envelope, of the whole body when there is no envelope.
    """

    path: str
    webhook_id: str
    event_type: str
    delivery: str
    attempt: str
    body_sha256: str
    data_sha256: str
    size: int
    fault: str
    status: int
    arrived_at: float

    @property
    def verified(self) -> bool:
        """Whether the official library and the plain hex signature both said yes."""
        return not self.fault


class Journal:
    """The receiver's end: appends records; safe for several threads of one process."""

    def __init__(self, state_dir: Path, longest: int = _LONGEST) -> None:
        """Keeps what is there. A line torn by a kill is ended, so that the next one stands alone."""
        self._file = state_dir / _FILE
        self._longest = longest
        self._lock = threading.Lock()
        state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._stream = self._open()
        if self._stream.tell() and not self._file.read_bytes().endswith(b"\n"):
            self._stream.write(b"\n")

    def append(self, record: Record) -> None:
        """Write one line and hand it to the operating system."""
        line = msgspec.json.encode(record) + b"\n"
        with self._lock:
            if self._stream.tell() > self._longest:
                self._stream.close()
                self._file.replace(self._file.with_suffix(".old.ndjson"))
                self._stream = self._open()
            self._stream.write(line)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._stream.close()

    def _open(self) -> BinaryIO:
        self._file.touch(mode=0o600)
        return self._file.open("ab", buffering=0)


def read_records(state_dir: Path) -> Iterator[Record]:
    """All whole lines of the journal in order of arrival; nothing when there is none yet."""
    try:
        content = (state_dir / _FILE).read_bytes()
    except FileNotFoundError:
        return
    for line in content.split(b"\n"):
        try:
            yield msgspec.json.decode(line, type=Record)
        except msgspec.DecodeError:
            continue  # a torn line, or the end of the file
