"""The one stream of ``manage.py up``: every line of every process, with the process's name in front."""

from __future__ import annotations

import re
import sys
from typing import Any, TextIO

# Attack: text from outside (a receiver's answer in a log line) that moves the cursor or retitles the window.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_COLOURS = (36, 32, 33, 35, 34, 96, 92, 93, 95, 94)  # ANSI foregrounds; red is left for failures
_LONGEST_LINE = 65_536  # bytes held back while waiting for a line's end


class Output:
    """Writes whole lines to ``target``. Colours only on a terminal. A reader that went away is no failure."""

    def __init__(self, names: list[str], target: TextIO | None = None) -> None:
        self._target = target or sys.stdout
        self._width = max(len(name) for name in names) + 2
        self._colours = (
            {name: _COLOURS[place % len(_COLOURS)] for place, name in enumerate(names)} if self._target.isatty() else {}
        )

    def line(self, name: str, text: str) -> None:
        """One line of the process ``name``."""
        tag = f"[{name}]".ljust(self._width)
        if name in self._colours:
            tag = f"\x1b[{self._colours[name]}m{tag}\x1b[0m"
        self.raw(f"{tag} {_CONTROL.sub(' ', text)}\n")

    def raw(self, text: str) -> None:
        """Text as it is, for the supervisor's own pages."""
        try:
            self._target.write(text)
            self._target.flush()
        except (OSError, ValueError):
            return


class ProcessStream:
    """Circus hands over chunks of a process's output; this cuts them into lines."""

    def __init__(self, output: Output, name: str) -> None:
        self._output = output
        self._name = name
        self._rest: dict[str, bytes] = {}  # by channel: stdout, stderr

    def __call__(self, chunk: dict[str, Any]) -> None:
        """``chunk``: {"data": bytes, "name": "stdout" | "stderr", "pid": int}."""
        channel, data = chunk["name"], chunk["data"]
        *lines, rest = (self._rest.pop(channel, b"") + data).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            lines, rest = [*lines, rest], b""
        for line in lines:
            if line.strip():  # Celery's banner is half empty
                self._output.line(self._name, line.decode(errors="replace"))
        if rest:
            self._rest[channel] = rest

    def close(self) -> None:
        """Write what the process left without a line's end."""
        for rest in self._rest.values():
            self._output.line(self._name, rest.decode(errors="replace"))
        self._rest.clear()
