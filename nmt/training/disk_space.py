"""The disk space that the checkpoints of a run will need. Nothing here needs torch."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Self

from nmt.checkpoint.run_directory import checkpoints_to_replace
from nmt.config import Config
from nmt.errors import StorageError


class DiskSpace(NamedTuple):
    """Disk space for checkpoints: the number written beyond those whose place they take, and the bytes of each."""

    checkpoints: int
    size: int

    @classmethod
    def required(cls, config: Config, run: Path, weights: int) -> Self:
        """Counts the best, the last, those kept besides, and one being written, for `weights` bytes of weights.

        Raises ModelError if the folder of the checkpoints cannot be read.
        """
        # The optimizer has two moments of each weight; and the average of weights comes on top of them.
        size = weights * (4 if config.training.average_decay else 3)
        return cls(max(1, config.training.keep_checkpoints + 3 - checkpoints_to_replace(run)), size)

    @property
    def bytes(self) -> int:
        """Bytes of all checkpoints."""
        return self.checkpoints * self.size

    def check(self, run: Path, free: int) -> None:
        """Raises StorageError unless `free` bytes suffice."""
        if free < self.bytes:
            raise StorageError(
                str(run),
                f"{free / 1e6:,.1f} MB are free, but {self.checkpoints} checkpoints of {self.size / 1e6:,.1f} MB, "
                f"together {self.bytes / 1e6:,.1f} MB, will be written; free some, or lower training.keep_checkpoints",
            )
