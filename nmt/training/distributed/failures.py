"""How a process fails: what it tells another of its error, and how it ends when it has lost all others."""

from __future__ import annotations

import logging
import os
import sys
import threading
import traceback
from contextlib import redirect_stderr
from typing import Any

import torch.distributed as dist

from nmt.device import is_out_of_memory
from nmt.errors import MemoryExhaustedError, NmtError, Problem, StoppedError, error_from_json
from nmt.training.distributed.rank import ProcessRank
from nmt.training.distributed.timeouts import SECONDS_TO_TELL

logger = logging.getLogger(__name__)


def failure_as_json(rank: int, error: BaseException) -> dict[str, Any]:
    """Describes the error that ended a process."""
    if not isinstance(error, NmtError) and is_out_of_memory(error):
        error = MemoryExhaustedError("", "out of memory")
    if not isinstance(error, NmtError):
        return {"rank": rank, "traceback": "".join(traceback.format_exception(error))}
    return {"rank": rank, "error": error.as_json()}


def failure_from_json(failure: dict[str, Any]) -> Exception:
    """Returns an error to raise for the one that `failure_as_json` described; it names the process."""
    process = f"process {failure['rank']}"
    if "traceback" in failure:
        return RuntimeError(f"in {process}:\n{failure['traceback']}")
    error = error_from_json(failure["error"])
    if isinstance(error, StoppedError):
        return StoppedError("", f"{process} was asked to stop", error.exit_code - 128)
    return error.from_problems([Problem(problem.where, f"{problem.what} ({process})") for problem in error.problems])


def tell_on_this_machine(process: ProcessRank, error: NmtError) -> None:
    """Tells an error that the first process may never hear of, once on each machine.

    Other messages of a worker go nowhere, as they would be those of the first process once more.
    """
    if process.local_rank == 0:
        with redirect_stderr(sys.__stderr__):
            for problem in error.problems:
                logger.error("nmt: error: %s (process %s)", problem, process.rank)


def abandon(process: ProcessRank, what: str) -> None:
    """Ends this process, which has lost the others. It may be blocked anywhere, and hold what others wait for.

    Args:
        process: which of them this is.
        what: has happened, for the message.
    """
    # Also where a message cannot be written, since a terminal is stopped or a disk hangs.
    late = threading.Timer(SECONDS_TO_TELL, os._exit, [NmtError.exit_code])
    late.daemon = True
    late.start()
    what = f"{what}; the same command goes on from the last checkpoint"
    if process.is_first:
        logger.error("%s", what)
    else:
        tell_on_this_machine(process, NmtError("", what))
    os._exit(NmtError.exit_code)


def is_lost_connection(error: BaseException) -> bool:
    """Returns True if this error means that another process, or the store, cannot be reached any more."""
    # Gloo has no class for it; its messages name a path in its source.
    return isinstance(error, dist.DistError) or (isinstance(error, RuntimeError) and "gloo/" in str(error))
