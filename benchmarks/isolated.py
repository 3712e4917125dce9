"""One scenario in a process of its own, so that none leaves anything to the next, nor takes the run down with it.

``python -m benchmarks.isolated NAME FILE OPTIONS`` writes ``{"result", "software"}`` or ``{"failed"}`` to FILE.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import registry
from benchmarks.options import Options

_LIMIT = 900.0  # seconds for a scenario beside the load that --minutes sets; the longest takes a third of that
_STOP = 60.0  # seconds for its services to end
Outcome = dict[str, Any]  # {"result": ...} or {"failed": reason}, and "seconds", "software"


def run(name: str, options: Options) -> Outcome:
    """What became of a scenario. Its progress goes to this process's standard error."""
    if not registry.exists(name):
        return {"failed": f"skipped: there is no module {registry.SCENARIOS[name]}", "seconds": 0.0}
    started = time.monotonic()
    limit = _LIMIT + options.minutes * 60
    with tempfile.TemporaryDirectory(prefix="clarion-bench-") as folder:
        file = Path(folder) / "outcome.json"
        command = [sys.executable, "-m", "benchmarks.isolated", name, str(file), json.dumps(asdict(options))]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr)
        try:
            process.wait(limit)
            reason = f"its process ended with status {process.returncode}"
        except subprocess.TimeoutExpired:
            reason = f"not done within {limit:g} s"
        finally:
            _end(process)
        outcome: Outcome = json.loads(file.read_text()) if file.exists() else {"failed": reason}
    return outcome | {"seconds": round(time.monotonic() - started, 1)}


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def main(name: str, file: Path, options: Options) -> None:
    """The body of the process. SIGTERM unwinds it, so that its services stop and its folder goes."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    outcome: Outcome = {}
    try:
        from benchmarks import facts
        from benchmarks.machine import Machine

        with Machine() as machine:
            outcome["software"] = facts.software()
            outcome["result"] = registry.load(name)(machine, options)
        text = json.dumps(outcome, allow_nan=False)
    except Exception as error:
        traceback.print_exc()
        text = json.dumps({"failed": f"{type(error).__name__}: {error}"})
    file.write_text(text)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Options(**json.loads(sys.argv[3])))
