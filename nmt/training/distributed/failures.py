"""Failures of a process, as it tells another of them."""

from __future__ import annotations

import logging
import sys
import traceback
from contextlib import redirect_stderr
from typing import Any

import torch.distributed as dist

from nmt.device import is_out_of_memory
from nmt.errors import MemoryExhaustedError, NmtError, Problem, StoppedError
from nmt.training.distributed.rank import ProcessRank

logger = logging.getLogger(__name__)


def failure_as_json(rank: int, error: BaseException) -> dict[str, Any]:
    """Describes the error that ended a process."""
    if not isinstance(error, NmtError) and is_out_of_memory(error):
        error = MemoryExhaustedError("", "out of memory")
    if not isinstance(error, NmtError):
        return {"rank": rank, "traceback": "".join(traceback.format_exception(error))}
    problems = [[problem.where, problem.what] for problem in error.problems]
    return {"rank": rank, "exit_code": error.exit_code, "problems": problems}


def failure_from_json(failure: dict[str, Any]) -> Exception:
    """Returns an error to raise for the one that `failure_as_json` described; it names the process."""
    process = f"process {failure['rank']}"
    if "traceback" in failure:
        return RuntimeError(f"in {process}:\n{failure['traceback']}")
    exit_code = failure["exit_code"]
    if exit_code > 128:
        return StoppedError("", f"{process} was asked to stop", exit_code - 128)
    error = NmtError.from_problems([Problem(where, f"{what} ({process})") for where, what in failure["problems"]])
    error.exit_code = exit_code
    return error


def tell_on_this_machine(process: ProcessRank, error: NmtError) -> None:
    """Tells an error that the first process may never hear of, once on each machine.

    Other messages of a worker go nowhere, as they would be those of the first process once more.
    """
    if process.local_rank == 0:
        with redirect_stderr(sys.__stderr__):
            for problem in error.problems:
                logger.error("nmt: error: %s (process %s)", problem, process.rank)


def is_lost_connection(error: BaseException) -> bool:
    """Returns True if this error means that another process, or the store, cannot be reached any more."""
    # Gloo has no class for it; its messages name a path in its source.
    return isinstance(error, dist.DistError) or (isinstance(error, RuntimeError) and "gloo/" in str(error))
