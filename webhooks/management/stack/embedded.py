"""Real PostgreSQL and Valkey from Python wheels, for machines without services and for tests.

>>> with Postgres(folder / "postgres", durable=False) as database, Valkey(folder / "valkey") as cache:
...     database.url, cache.database_url(1)
"""

from webhooks.management.stack.postgres import Postgres
from webhooks.management.stack.service import Service, StackFailure
from webhooks.management.stack.valkey import Valkey

__all__ = ["Postgres", "Service", "StackFailure", "Valkey"]
