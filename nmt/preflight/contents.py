"""What files hold, by their beginnings: text, or a table with several texts in a line, or XML and the like."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from typing import NamedTuple

from nmt.errors import InputFileError
from nmt.io.file_kind import HEAD_BYTES, FileKind, kind_of
from nmt.io.streams import open_input, read_lines
from nmt.preflight.findings import Findings, Group, share

INSPECTED_LINES = 500
_LEAST_LINES = 5
_MOST = 0.9  # share of the lines, so that the file is a table
_SHOWN = 60
_PREPARE = "`{prepare}` reads it"
_EXTRACT = "take the text out of it, a sentence a line"
# Archives and the like are refused by who reads them.
_NO_LINES = {
    FileKind.TMX: _PREPARE,
    FileKind.XLIFF: _PREPARE,
    FileKind.PO: _PREPARE,
    FileKind.TEST_SET: _PREPARE,
    FileKind.XML: _EXTRACT,
    FileKind.HTML: _EXTRACT,
    FileKind.JSON: _EXTRACT,
    FileKind.BINARY: "see what it is",
}
_NUMBER = re.compile(r"[\d.)]+")


class Table(NamedTuple):
    """What the first lines of a file say of its columns."""

    columns: int
    rows: int  # lines with so many columns
    read: int
    first: int  # number of the first such line
    example: str

    @property
    def has_numbers_first(self) -> bool:
        """True if the first of two columns is a number, in the example."""
        return self.columns == 2 and bool(_NUMBER.fullmatch(self.example.split("\t")[0].strip()))


def table_of(path: str) -> Table | None:
    """Returns the table that a file seems to be, by its first lines; None if it is none.

    Raises InputFileError if it cannot be read.
    """
    lines = [line for line in islice(read_lines(path, _ignore), INSPECTED_LINES) if line.text.strip()]
    rows = [(line.number, line.text) for line in lines if len(_cells(line.text)) > 1]
    if len(lines) < _LEAST_LINES or len(rows) <= _MOST * len(lines):
        return None
    columns, _ = Counter(len(_cells(text)) for _, text in rows).most_common(1)[0]
    number, example = next(row for row in rows if len(_cells(row[1])) == columns)
    return Table(columns, len(rows), len(lines), number, example)


def report_contents(paths: Sequence[str], languages: tuple[str, str], findings: Findings) -> set[str]:
    """Reports files that training would read and that hold no lines of text, and returns them.

    Those that cannot be read are left to who reads them to their ends.
    """
    found = set()
    for path in paths:
        prepare = f"nmt prepare {shlex.quote(path)} --output DIR --source-language {languages[0]}"
        prepare += f" --target-language {languages[1]}"
        with suppress(InputFileError):
            with open_input(path) as stream:
                kind = kind_of(stream.read()[:HEAD_BYTES])
            if kind in _NO_LINES:
                what = f"is {kind}, not text: training would take its lines for sentences"
                findings.warn(Group.FILES, "not_text", path, what, _NO_LINES[kind].format(prepare=prepare))
                found.add(path)
            elif (table := table_of(path)) is not None:
                _report_table(path, table, prepare, findings)
                found.add(path)
    return found


def _cells(text: str) -> Sequence[str]:
    return [cell for cell in text.split("\t") if cell.strip()]


def _report_table(path: str, table: Table, prepare: str, findings: Findings) -> None:
    row = table.example.replace("\t", "⇥")
    shown = f"“{row[:_SHOWN]}{'…' if len(row) > _SHOWN else ''}”"
    lines = "lines" if table.read < INSPECTED_LINES else "first lines"
    what = f"{share(table.rows, table.read)} {lines} have {table.columns} columns parted by a tab, first {shown}"
    if table.has_numbers_first:
        advice = f"if the first column is no text, leave it out: cut -f 2- {shlex.quote(path)}"
    else:
        what += ": one file holds several texts, and training would take each row for one sentence"
        advice = f"`{prepare}` takes source and target from the first two columns"
    findings.warn(Group.FILES, "columns", f"{path}:{table.first}", what, advice)


def _ignore(_: str) -> None:
    """Drops a warning; the checks of the lines report the same."""
