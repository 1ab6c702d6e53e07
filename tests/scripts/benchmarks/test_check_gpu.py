"""`scripts/benchmarks/check_gpu.py` runs to its end without a GPU, so that it does where there is one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "scripts" / "benchmarks" / "check_gpu.py"


@pytest.mark.slow
def test_all_that_needs_no_gpu_is_checked_and_measured(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    command = [sys.executable, str(SCRIPT), "--device", "cpu", "--tiny", "--json", str(report)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(report.read_text())
    results = [check["result"] for check in found["checks"]]
    assert results.count("passed") == 5 and results.count("skipped") == 3
    assert found["speed"][0]["tokens_a_second"] > 0


def test_a_check_that_fails_is_exit_1() -> None:
    broken = "import sys, check_gpu, gpu_checks; gpu_checks.distance = lambda *_: 1.0;"
    broken += (
        "gpu_checks.Checks.all = lambda checks: [checks.fast_loops_equal_the_processor]; sys.exit(check_gpu.main())"
    )
    command = [sys.executable, "-c", broken, "--device", "cpu", "--tiny", "--only", "checks"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=SCRIPT.parent)
    assert done.returncode == 1
    assert "FAILED   fast loops equal the processor" in done.stdout
