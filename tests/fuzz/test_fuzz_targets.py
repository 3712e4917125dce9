"""Each fuzz target runs for a bounded number of inputs; longer by hand, see README.md beside this file."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TARGETS = sorted(path.stem for path in HERE.glob("fuzz_*.py"))
RUNS = 15_000  # inputs of one target: some seconds


@pytest.mark.parametrize("target", TARGETS)
def test_a_fuzz_target_finds_nothing(target: str, tmp_path: Path) -> None:
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is not installed: pip install atheris")
    words = HERE / f"{target}.dict"
    options = [f"-runs={RUNS}", f"-artifact_prefix={tmp_path}/", "-seed=1", "-len_control=0", "-max_len=300"]
    options += [f"-dict={words}"] if words.exists() else []
    done = subprocess.run(
        [sys.executable, "-m", f"tests.fuzz.{target}", *options],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    assert f"Done {RUNS} runs" in done.stderr
