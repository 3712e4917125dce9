"""``python -m clarion emit TYPE --data @file``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from clarion.emitting import emit
from clarion.errors import ClarionError


def main() -> int:
    """Publish one event; print its id."""
    parser = argparse.ArgumentParser("python -m clarion", description="CLARION_URL and CLARION_API_KEY say where.")
    command = parser.add_subparsers(required=True).add_parser("emit", help="publish an event")
    command.add_argument("type", help="such as order.created")
    command.add_argument("--data", default="null", help="JSON text, @file, or - for standard input")
    command.add_argument("--id", help="an id of your own")
    command.add_argument("--version", help="version of the type")
    command.add_argument("--channel", action="append", dest="channels", help="may be given several times")
    asked = parser.parse_args()
    try:
        data = _data(asked.data)
        published = emit(asked.type, data, id=asked.id, version=asked.version, channels=asked.channels)
    except (ClarionError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{published.id}\n")
    return 0


def _data(given: str) -> bytes:
    if given == "-":
        return sys.stdin.buffer.read()
    return Path(given[1:]).read_bytes() if given.startswith("@") else given.encode()


if __name__ == "__main__":
    sys.exit(main())
