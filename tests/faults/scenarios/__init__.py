"""Every scenario, one small function each, by theme. Importing this registers them in the order of the report."""

from tests.faults.scenarios import workers, broker, database, receivers, endpoints, publishing  # noqa: F401, I001 - the order of the report
