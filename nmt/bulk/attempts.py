"""The attempts at a shard: a row that kills its workers, as a lack of memory does, is found and left out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from nmt.bulk.file_systems import Location, read_whole, remove_file, write_whole
from nmt.bulk.shards import ShardName
from nmt.errors import MemoryExhaustedError

KILLED = "its worker was killed each time, as the system does when memory runs out"

_DEATHS_BY_CHANCE = 2
_MOST_DEATHS = 32  # enough to find one row of any shard, or two


@dataclass
class Attempts:
    """The workers that a shard has killed, and how its rows are translated next.

    A file says so as long as the shard is not finished: a worker that is killed leaves it behind. From the third on,
    the rows that killed it are translated in halves, until the one that kills is found. That one is in no piece.

    Attributes:
        location: of the file.
        deaths: number of workers that were killed.
        pieces: ranges of the indices of rows that are translated together, from the first to before the second.
    """

    location: Location
    deaths: int
    pieces: list[tuple[int, int]]

    @classmethod
    def begin(cls, location: Location, shard: ShardName) -> Self:
        """Begins an attempt at a shard, of which a file tells how those before ended.

        Raises MemoryExhaustedError if too many workers were killed.
        """
        data = read_whole(location)
        if data is None:
            return cls(location, 0, [(0, shard.last - shard.first + 1)])
        before = json.loads(data)
        attempts = cls(location, before["deaths"] + 1, [(start, stop) for start, stop in before["pieces"]])
        if attempts.deaths > _MOST_DEATHS:
            what = f"{attempts.deaths} workers were killed over these rows; memory may run out: try fewer --workers"
            raise MemoryExhaustedError(shard.where, what)
        if attempts.deaths > _DEATHS_BY_CHANCE:
            attempts._halve(before["running"])
        return attempts

    def _halve(self, index: int) -> None:
        start, stop = self.pieces[index]
        half = (start + stop) // 2
        self.pieces[index : index + 1] = [(start, half), (half, stop)] if stop - start > 1 else []

    def each(self) -> Iterator[tuple[int, int]]:
        """Yields the pieces, and notes before each that it is begun; raises StorageError if that cannot be written."""
        for index, piece in enumerate(self.pieces):
            note = {"deaths": self.deaths, "pieces": self.pieces, "running": index}
            write_whole(self.location, json.dumps(note).encode())
            yield piece

    def end(self) -> None:
        """Removes the file, now that the shard is finished."""
        remove_file(self.location)
