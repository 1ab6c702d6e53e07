"""The processes that were launched together, joined at their first use. Nothing here needs torch before that."""

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
        """The group of all of them; raises ConfigError or NmtError if they cannot be reached."""
        from nmt.training.distributed.process_group import ProcessGroup

        return ProcessGroup(self.process)
