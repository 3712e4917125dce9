"""What is left out of the logs."""

from __future__ import annotations

import logging


class NoDoorbells(logging.Filter):
    """Drops beat's line for each task it sends: the sweep makes one every second."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not (record.name == "celery.beat" and str(record.msg).startswith("Scheduler: Sending"))
