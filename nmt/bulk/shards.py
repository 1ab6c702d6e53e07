"""Shards: a file's rows in portions, cut alike whenever the file is read, and named by file and rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LARGEST_BYTES = 1 << 24
"""Number of bytes of rows behind which a shard ends, however few they are."""

RAW = "json"
"""Name of the one column of a table of JSON lines, which holds the lines."""

HEAD = b"nmt.head"
"""Key of a table's metadata: of CSV and TSV, what separates columns, and whether these have names, as JSON."""


@dataclass(frozen=True)
class Shard:
    """Some rows of a file, one after the other.

    Attributes:
        first: number of the first row, counted from 1.
        table: the rows as a table of pyarrow; of JSON lines, the lines themselves.
        position: bytes of the file that were read when it was complete.
        faults: by the places of rows that are broken, what is wrong with them.
        warnings: of rows that had to be mended, since the shard before.
    """

    first: int
    table: Any
    position: int
    faults: Mapping[int, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def name(self, file: str) -> str:
        """Returns the name of its output without its ending; those of a file sort in the order of its rows."""
        return f"{file}-{self.first:012}-{self.first + self.table.num_rows - 1:012}"


def file_of(output: str) -> str:
    """Returns the name of the file that an output is named by."""
    return output.rpartition("-")[0].rpartition("-")[0]
