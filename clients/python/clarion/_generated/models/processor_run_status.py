from typing import Literal

ProcessorRunStatus = Literal["dead", "pending", "running", "succeeded"]

PROCESSOR_RUN_STATUS_VALUES: set[ProcessorRunStatus] = {
    "dead",
    "pending",
    "running",
    "succeeded",
}


def check_processor_run_status(value: str) -> ProcessorRunStatus:
    if value in PROCESSOR_RUN_STATUS_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {PROCESSOR_RUN_STATUS_VALUES!r}")
