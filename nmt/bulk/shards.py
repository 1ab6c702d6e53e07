"""Shards: a file's rows in portions, cut alike whenever the file is read, and named by file and rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from nmt.io.atomic_files import TEMPORARY_PREFIX

LARGEST_BYTES = 1 << 24
"""Number of bytes of rows behind which a shard ends, however few they are."""

RAW_LINE = "json"
"""Name of the one column of a table of JSON lines, which holds the lines; and of the field of a line that is none."""

TABLE_HEAD = b"nmt.head"
"""Key of a table's metadata: of CSV and TSV, what separates columns, and whether these have names, as JSON."""

_NAME = re.compile(r"(.+)-(\d{12,})-(\d{12,})", re.DOTALL)


class ShardName(NamedTuple):
    """The name of a shard: a file and its rows, counted from 1; a file without rows has one shard, of rows 1 to 0."""

    file: str
    first: int
    last: int

    def __str__(self) -> str:
        """Returns the name of its output without its ending; those of a file sort in the order of its rows."""
        return f"{self.file}-{self.first:012}-{self.last:012}"

    @property
    def where(self) -> str:
        """The place of its rows, for errors."""
        return f"{self.file}:{self.first}-{self.last}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Returns the shard of such a name; None if it is none."""
        found = _NAME.fullmatch(text)
        if found is None or any(part.startswith(TEMPORARY_PREFIX) for part in text.split("/")):
            return None
        name = cls(found[1], int(found[2]), int(found[3]))
        return name if str(name) == text else None


@dataclass(frozen=True)
class Shard:
    """Some rows of a file, one after the other.

    Attributes:
        first: number of the first row, counted from 1.
        table: the rows as a table of pyarrow; of JSON lines, the lines themselves.
        position: bytes of the file that were read when it was complete.
        row_errors: by the indices of rows that are broken, what is wrong with them.
        surplus: by the indices of rows that are wider than their table, the columns that they have more.
        warnings: of rows that had to be mended, since the shard before.
    """

    first: int
    table: Any
    position: int
    row_errors: Mapping[int, str] = field(default_factory=dict)
    surplus: Mapping[int, Sequence[str]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def name(self, file: str) -> ShardName:
        """Returns its name as a shard of a file."""
        return ShardName(file, self.first, self.first + self.table.num_rows - 1)


def find_gap(shards: Iterable[ShardName], rows: int) -> str | None:
    """Returns what keeps the shards of a file from having each of its rows once; None if they do."""
    following = 1
    names = sorted(shards, key=lambda shard: (shard.first, shard.last))
    for shard in names:
        if shard.first < following:
            return f"has row {shard.first:,} twice"
        if shard.first > following:
            return f"lacks rows {following:,} to {shard.first - 1:,}"
        following = shard.last + 1
    if not names or following <= rows:
        return f"lacks rows {following:,} to {rows:,}" if rows else "lacks the file of no rows"
    return None if following == rows + 1 else f"has rows up to {following - 1:,}, of {rows:,}"
