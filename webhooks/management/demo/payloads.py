"""The real input of the demonstration: GitHub's payloads in ``demo/github``."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

_NOT_IN_A_TYPE = re.compile(r"[^A-Za-z0-9_.]")


@dataclass(frozen=True, slots=True)
class Payload:
    """A file: ``type`` is ``github.<event>.<action>``, ``data`` the JSON text byte for byte."""

    type: str
    data: bytes

    @property
    def sha256(self) -> str:
        """Of ``data``, in hex."""
        return hashlib.sha256(self.data).hexdigest()


def load_payloads(folder: Path) -> list[Payload]:
    """All ``*.json`` of the folder in order of their names; FileNotFoundError when there are none."""
    files = sorted(folder.glob("*.json"))
    if not files:
        raise FileNotFoundError(f"{folder} holds no payloads: run this from a clone of the repository")
    return [Payload(f"github.{_NOT_IN_A_TYPE.sub('_', file.stem)}", file.read_bytes().strip()) for file in files]
