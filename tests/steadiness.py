"""What keeps a run's outcome apart from how busy the machine is and from how the run was started."""

from __future__ import annotations

import signal

# The longest files first: at the end they would leave all other processes idle. The rest follows in the random order of
# the run. The Makefile says --no-loadscope-reorder, for xdist by itself begins with the files that have the most tests.
LONGEST_FIRST = tuple(
    f"tests/{name}.py"
    for name in (
        "api/test_outage",
        "stack/test_up",
        "api/test_searching",
        "inbound/test_forwarded",
        "commands/test_doctor",
        "api/test_access",
        "faults/test_faults",
        "api/test_refusals",
        "admin/test_roles",
        "docs/test_host_project",
        "docs/test_readme",
        "api/test_cors",
        "api/test_schemathesis",
        "services/test_plans",
        "commands/test_listen",
        "stack/test_embedded",
        "demo/test_stack_run",
        "services/test_write_paths",
        "api/test_lists",
        "security/test_canaries",
        "workers/test_worker_dies",
        "workers/test_broker_dies",
        "workers/test_fairness",
    )
)
PATIENCE = 10.0  # seconds; production gives a Redis that is slow up after 0.1 and 1 s


def place(path: str) -> int:
    """The place of a test file in the order of the run."""
    return LONGEST_FIRST.index(path) if path in LONGEST_FIRST else len(LONGEST_FIRST)


def be_patient_with_redis() -> None:
    """A guard that gives Redis up lets everything through: on a busy machine limits would seem not to hold."""
    from webhooks.guards import api_rate, receive_rate, store

    store.TIMEOUT = api_rate._TIMEOUT = receive_rate._TIMEOUT = PATIENCE


def hear_interruptions() -> None:
    """Let SIGINT end child processes as a terminal's would.

    A shell starts what it runs in the background with SIGINT ignored, and every child inherits that: it could not
    be stopped by Ctrl-C.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
