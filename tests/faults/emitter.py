"""Publishes with ``webhooks.emit`` from a process of its own, as a Django project does.

``python -m tests.faults.emitter --tenant SLUG --name NAME --events N --rollbacks SHARE --seed S`` prints
``{"committed": {id: type}, "rolled_back": [ids], "slowest": seconds}``.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator
from typing import Any

from tests.faults.load import TYPES


class Changed(Exception):
    """The caller changes its mind: everything in its transaction is rolled back."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.emitter")
    parser.add_argument("--tenant", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--events", type=int, required=True)
    parser.add_argument("--rollbacks", type=float, default=0.0)
    parser.add_argument("--seed", required=True)
    options = parser.parse_args()
    import django

    django.setup()
    said: dict[str, Any] = {"committed": {}, "rolled_back": [], "slowest": 0.0}
    draw = random.Random(options.seed)
    for group in _groups(options.events, options.name, draw):
        began = time.monotonic()
        if _transaction(group, options.tenant, back=draw.random() < options.rollbacks):
            said["committed"] |= {event["id"]: event["type"] for event in group}
        else:
            said["rolled_back"] += [event["id"] for event in group]
        said["slowest"] = max(said["slowest"], time.monotonic() - began)
    sys.stdout.write(json.dumps(said))


def _groups(count: int, name: str, draw: random.Random) -> Iterator[list[dict[str, Any]]]:
    number = 0
    while number < count:
        size = min(draw.randint(1, 20), count - number)
        yield [{"id": f"{name}-{n}", "type": draw.choice(TYPES), "n": n} for n in range(number, number + size)]
        number += size


def _transaction(group: list[dict[str, Any]], tenant: str, *, back: bool) -> bool:
    """Emit a group in one transaction; False when it was rolled back."""
    from django.db import transaction

    import webhooks

    try:
        with transaction.atomic():
            for event in group:
                webhooks.emit(event["type"], {"n": event["n"]}, tenant=tenant, id=event["id"])
            if back:
                raise Changed
    except Changed:
        return False
    return True


if __name__ == "__main__":
    main()
