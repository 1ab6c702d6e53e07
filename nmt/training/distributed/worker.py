"""A worker: a process of several that is not the first. It helps to compute, and prints nothing."""

from __future__ import annotations

import os
from contextlib import redirect_stderr
from pathlib import Path

from nmt.errors import NmtError, StoppedError
from nmt.training.distributed.failures import is_lost_connection, tell_on_this_machine
from nmt.training.distributed.peers import DismissedError, Peers
from nmt.training.distributed.process_group import ProcessGroup
from nmt.training.distributed.rank import ProcessRank
from nmt.training.distributed.timeouts import SECONDS_TO_TELL
from nmt.training.malloc import keep_freed_memory
from nmt.training.pipeline import train_along
from nmt.training.signals import StopRequest


def run_worker(process: ProcessRank, stop: StopRequest) -> int:
    """Takes part in the training of the first process for as long as that goes on; returns the exit code.

    It is that of the first process, unless this one fails by itself; then the first process reports why.
    """
    with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
        keep_freed_memory()
        try:
            others = Peers(process)
            others.join(stop)
        except NmtError as error:
            tell_on_this_machine(process, error)  # that of the first process may find all others
            return error.exit_code
        except DismissedError as error:
            return error.exit_code
        except RuntimeError:  # the store is gone
            return NmtError.exit_code
        try:
            train_along(ProcessGroup(process, others), stop)
        except DismissedError as error:
            return error.exit_code
        except StoppedError as error:
            # The first process is saving. If this one left, the launcher would soon end both.
            exit_code = others.dismissal()
            return error.exit_code if exit_code is None else exit_code
        except BaseException as error:
            if not is_lost_connection(error):
                return others.report(error)
            # Another process has failed; if it is the first, it has published the exit code.
            return others.dismissal(SECONDS_TO_TELL) or NmtError.exit_code
        return others.dismissal() or 0
