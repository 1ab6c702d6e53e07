"""How a process tells of its failure, and how it ends where it can tell nobody."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from nmt.errors import ModelError, NmtError, StoppedError
from nmt.training.distributed import launcher
from nmt.training.distributed.failures import failure_as_json, failure_from_json
from nmt.training.distributed.rank import ProcessRank

WITH_RESTARTS = ProcessRank(1, 2, 0, True, "job", restarts_left=3)

BLOCKED = """
import logging, sys, threading, time
from nmt.training.distributed.failures import abandon
from nmt.training.distributed.rank import ProcessRank

class Hanging(logging.Handler):
    def emit(self, record):
        time.sleep(1000)

logging.getLogger("nmt").addHandler(Hanging())
threading.Thread(target=logging.getLogger("nmt").error, args=("a terminal that is stopped",), daemon=True).start()
time.sleep(0.2)
lost = "process 1 has not been heard of"
threading.Thread(target=abandon, args=(ProcessRank(), lost), daemon=True).start()
time.sleep(1000)
"""

TELL = """
import io, sys
from contextlib import redirect_stderr
from nmt.errors import NmtError
from nmt.training.distributed.failures import tell_on_this_machine
from nmt.training.distributed.rank import ProcessRank

with redirect_stderr(io.StringIO()):
    tell_on_this_machine(ProcessRank(3, 4, int(sys.argv[1])), NmtError("a", "cannot be reached"))
"""


def test_an_error_comes_back_with_its_code_and_its_process() -> None:
    found = failure_from_json(failure_as_json(2, ModelError("a", "is damaged")))
    assert isinstance(found, NmtError) and str(found) == "a: is damaged (process 2)"
    assert found.exit_code == ModelError.exit_code


def test_a_stop_is_no_error_of_another_process() -> None:
    found = failure_from_json(failure_as_json(2, StoppedError("", "asked to stop", signal.SIGTERM)))
    assert isinstance(found, StoppedError) and found.exit_code == 128 + signal.SIGTERM


def test_a_fault_comes_with_its_traceback() -> None:
    found = failure_from_json(failure_as_json(1, ZeroDivisionError("by zero")))
    assert isinstance(found, RuntimeError) and "process 1" in str(found) and "ZeroDivisionError" in str(found)


@pytest.mark.parametrize(("local_rank", "told"), [(0, "nmt: error: a: cannot be reached (process 3)\n"), (1, "")])
def test_one_process_of_a_machine_tells_what_the_first_may_not_hear_of(local_rank: int, told: str) -> None:
    done = subprocess.run([sys.executable, "-c", TELL, str(local_rank)], capture_output=True, text=True, check=True)
    assert done.stderr == told


def test_a_process_that_lost_the_others_ends_though_nothing_can_be_written() -> None:
    done = subprocess.run([sys.executable, "-c", BLOCKED], timeout=60, check=False)
    assert done.returncode == NmtError.exit_code


@pytest.mark.parametrize("change", ["parent", "refused", "rank"])
def test_only_its_own_launcher_is_asked_to_end(change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def kill(process: int, number: int) -> None:
        asked.append((process, number))
        if change == "refused":
            raise PermissionError

    monkeypatch.setattr(os, "kill", kill)
    launcher.end_launcher(WITH_RESTARTS)
    assert asked == [(os.getppid(), signal.SIGTERM)]
    if change == "parent":
        monkeypatch.setattr(os, "getppid", lambda: 1)  # the launcher is dead, and this process somebody else's
        launcher.end_launcher(WITH_RESTARTS)
    if change == "rank":
        launcher.end_launcher(ProcessRank(1, 2, 1, True, "job", restarts_left=3))
    assert len(asked) == 1


@pytest.mark.parametrize(("left", "code", "ends"), [(3, 2, True), (3, 4, True), (3, 70, False), (0, 2, False)])
def test_restarts_end_for_what_they_cannot_change(left: int, code: int, ends: bool) -> None:
    assert launcher.has_to_end(ProcessRank(0, 2, 0, True, "job", restarts_left=left), code) == ends
