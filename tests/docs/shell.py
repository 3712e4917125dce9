"""A bash in which the commands of a page are typed one after the other."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path


class Shell:
    """``env``: None for that of this process."""

    def __init__(self, folder: Path, env: Mapping[str, str] | None = None) -> None:
        self._bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def type(self, commands: str) -> str:
        """Run commands and return what they print."""
        assert self._bash.stdin
        assert self._bash.stdout
        self._bash.stdin.write(f"{commands}\nprintf '\\nended %s\\n' $?\n")
        self._bash.stdin.flush()
        printed = ""
        for line in self._bash.stdout:
            if match := re.fullmatch(r"ended (\d+)\n", line):
                assert match[1] == "0", f"status {match[1]}:\n{printed}"
                return printed
            printed += line
        raise AssertionError(f"bash has ended:\n{printed}")

    def close(self) -> None:
        self._bash.communicate()
