"""The processes that were launched together, joined when they are first asked for. Nothing here needs torch before."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from nmt.training.distributed.rank import ProcessRank

if TYPE_CHECKING:
    from nmt.training.distributed.process_group import ProcessGroup


class Launch:
    """The processes that were launched together with this one."""

    def __init__(self, process: ProcessRank | None = None) -> None:
        """Takes the rank of this process, which is the only one by default."""
        self.process = process or ProcessRank()

    @cached_property
    def group(self) -> ProcessGroup:
        """All of them, as seen from here; raises ConfigError where they cannot be reached."""
        from nmt.training.distributed.process_group import ProcessGroup

        return ProcessGroup(self.process)
