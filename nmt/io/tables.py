"""What all readers of tables of text share: the separator of CSV, columns by number, and the longest row."""

from __future__ import annotations

import re

LONGEST_ROW = 1 << 22
"""Maximum number of characters of a row, or of bytes of a line; a longer one is broken, or no table."""

_QUOTED = re.compile(r'"(?:[^"]|"")*"')


def separator_of(line: str) -> str:
    """Returns what separates the columns of CSV: of comma, semicolon and tab the most frequent outside quotes."""
    return max(",;\t", key=_QUOTED.sub("", line).count)


def is_column_number(column: str) -> bool:
    """Returns whether a column is asked for by its number, not by its name."""
    return column.isascii() and column.isdigit()
