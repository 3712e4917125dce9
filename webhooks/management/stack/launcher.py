"""Become another program that cannot outlive its parent: ``launcher.py --parent PID --signal N -- argv``.

Runs as a plain script (``python -I -S``) because it must be quick and must not import Clarion. Steps, in this
order: give up root, ask the kernel to send the signal when the parent dies, check that the parent has not
died meanwhile, exec. The kernel forgets the request when the user id changes, hence after giving up root.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(argv: list[str]) -> None:
    """Never returns: execs, or exits with 126 (no such program) or 0 (the parent is gone)."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--signal", type=int, required=True)
    parser.add_argument("--uid", type=int)
    parser.add_argument("--gid", type=int)
    parser.add_argument("command", nargs="+")
    wanted = parser.parse_args(argv)
    if wanted.uid is not None:
        os.setgroups([wanted.gid])
        os.setgid(wanted.gid)
        os.setuid(wanted.uid)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, wanted.signal, 0, 0, 0)
        if os.getppid() != wanted.parent:
            raise SystemExit(0)
    try:
        os.execv(wanted.command[0], wanted.command)  # noqa: S606 - this is what it is for
    except OSError as error:
        sys.stderr.write(f"{wanted.command[0]} cannot be run: {error.strerror}\n")
        raise SystemExit(126) from None


if __name__ == "__main__":
    main(sys.argv[1:])
