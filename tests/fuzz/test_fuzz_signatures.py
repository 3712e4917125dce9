"""A short run of the fuzz target; a long one is started by hand."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest


@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris is not installed: the verifiers are NOT fuzzed here")
def test_the_verifiers_withstand_a_short_fuzzing() -> None:
    target = Path(__file__).with_name("fuzz_signatures.py")
    done = subprocess.run(
        [sys.executable, target, "-runs=5000", "-max_len=700", "-len_control=0"],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
