"""The page that ``manage.py up`` prints when everything answers."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table

_WIDTH = 250  # characters; rich would cut a key that does not fit, a terminal only wraps it
_TRAILING = re.compile(r" +$", re.MULTILINE)
_CURL = (
    """curl -X POST {api_url}/events -H 'Authorization: Bearer {api_key}' """
    """-H 'Content-Type: application/json' -d '{{"type": "order.created", "data": {{"amount": 42}}}}'"""
)


def text(facts: dict[str, Any], folders: list[Path]) -> str:
    """``facts``: the content of run.json; ``folders``: where data lies. Coloured only on a terminal."""
    page = io.StringIO()
    console = Console(
        file=page,
        force_terminal=sys.stdout.isatty(),
        width=_WIDTH,
        highlight=False,
        emoji=False,
        markup=False,
    )
    console.print()
    console.print("Clarion is ready", style="bold green")
    console.print(Padding(_table(facts, folders), (0, 2)))
    if facts["api_key"]:
        console.print("\nPublish an event:", style="bold")
        # One unbroken line, so that it can be copied.
        console.print(_CURL.format(**facts), soft_wrap=True)
    console.print("\nCtrl-C stops everything.", style="bold")
    console.print()
    return _TRAILING.sub("", page.getvalue())


def _table(facts: dict[str, Any], folders: list[Path]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(no_wrap=True)
    password = facts["admin_password"] or "the password you gave it (manage.py changepassword admin)"
    table.add_row("API", f"{facts['api_url']}  (documentation: {facts['api_url']}/docs)")
    table.add_row("Admin", f"{facts['admin_url']}  {facts['admin_user']}  {password}")
    table.add_row("Flower", f"{facts['flower_url']}  {facts['flower_user']}  {facts['flower_password']}")
    table.add_row("Metrics", facts["metrics_url"])
    if facts["receiver_url"]:
        table.add_row("Receiver", f"{facts['receiver_url']}  (what arrives is shown below)")
    if facts["api_key"]:
        table.add_row("API key", f"{facts['api_key']}  (tenant demo)")
    table.add_row("Platform key", f"{facts['platform_key']}  (all tenants)")
    for folder in folders:
        table.add_row("Data", f"{folder}  (kept for the next start; delete it to begin anew)")
    return table
