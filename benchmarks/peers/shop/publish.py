"""``python -m shop.publish FIRST COUNT ORDER``: save orders of consecutive numbers, made of the JSON text ORDER."""

from __future__ import annotations

import json
import sys

import django

django.setup()

from shop.models import Order  # noqa: E402


def main(first: int, count: int, order: dict[str, object]) -> None:
    for number in range(first, first + count):
        Order.objects.create(**order | {"order_id": f"ord_{number:08}"})


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3]))
