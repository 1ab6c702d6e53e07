"""The processes that were launched together, joined at their first use. Nothing here needs torch before that."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from nmt.errors import NmtError
from nmt.training.distributed.rank import ProcessRank

if TYPE_CHECKING:
    from nmt.training.distributed.peers import Peers
    from nmt.training.distributed.process_group import ProcessGroup


class Launch:
    """The processes that were launched together with this one."""

    def __init__(self, process: ProcessRank | None = None) -> None:
        """Takes the rank of this process, which is the only one by default."""
        self.process = process or ProcessRank()
        self._is_unreachable = False

    @cached_property
    def group(self) -> ProcessGroup:
        """The group of all of them; raises ConfigError or NmtError if they cannot be reached."""
        from nmt.training.distributed.process_group import ProcessGroup

        return ProcessGroup(self.process, None if self.process.is_alone else self._others)

    @cached_property
    def _others(self) -> Peers:
        from nmt.training.distributed.peers import Peers

        try:
            return Peers(self.process)
        except NmtError:
            self._is_unreachable = True  # to try again would take as long once more
            raise

    def dismiss(self, exit_code: int) -> None:
        """Lets the others, if there are any, leave with the exit code of this process, the first."""
        if self.process.is_alone or self._is_unreachable:
            return
        with suppress(NmtError, RuntimeError):  # the others cannot be reached, or have gone
            self._others.dismiss(exit_code)
