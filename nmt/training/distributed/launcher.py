"""The launcher of the processes, torchrun, which starts them again when one fails, whatever the reason."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

from nmt.errors import ConfigError, DataError, InputFileError, ModelError, NonFiniteError, RunInUseError
from nmt.training.distributed.rank import ProcessRank

# What all machines have in common is wrong: the configuration, the data, the model or the run. What is wrong with one
# machine (a disk, memory, a device, a fault) may go with it.
_NOT_RETRYABLE = frozenset(
    error.exit_code for error in (ConfigError, ModelError, NonFiniteError, DataError, InputFileError, RunInUseError)
)
_PARENT = os.getppid()  # when this process began; another one later is not the launcher


def is_final(exit_code: int) -> bool:
    """Returns True if nothing is left to do for processes that ended with this exit code, or nothing can be done."""
    return exit_code == 0 or exit_code in _NOT_RETRYABLE


def has_to_end(process: ProcessRank, exit_code: int) -> bool:
    """Returns True if the launcher would start this process again, for an error that no restart can change."""
    return process.restarts_left > 0 and exit_code in _NOT_RETRYABLE


def end_launcher(process: ProcessRank) -> None:
    """Asks the launcher of this process to end, with all that it has started.

    Torchrun restarts what fails with any exit code, and knows no other way to be told not to. The processes of each
    machine end alike, so that each of its launchers is asked; one process of each does.
    """
    if process.local_rank != 0 or os.name == "nt":  # on Windows that would kill it, and leave what it has started
        return
    with suppress(OSError):  # it has ended, or belongs to somebody else
        if os.getppid() == _PARENT:
            os.kill(_PARENT, signal.SIGTERM)
