"""Which files hold pairs of two languages, and which of them belong together."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import NamedTuple

from nmt.errors import DataError, Problem
from nmt.io.compression import unpacked_name
from nmt.io.file_kind import ARCHIVES, FileKind
from nmt.preparation.readers.names import Languages, paired
from nmt.preparation.readers.sources import CSV_LOOKS, Look, Source

_SHOWN_MEMBERS = 5

_EXPECTED = (
    "expected a file of source⇥target, CSV, TMX, XLIFF, PO, Parquet, a test set of WMT or IWSLT, "
    "a zip or tar archive of such, "
    "or two files of lines whose names differ in the language, such as {0} and {1}"
)


_ADVICE = {
    FileKind.UTF16: "convert it to UTF-8: iconv -f UTF-16 -t UTF-8",
    FileKind.OFFICE: "save it as text in UTF-8: a table of source and target parted by tabs, or a file for each "
    "language with a sentence a line",
    FileKind.PDF: "take the text out of it, as pdftotext does: a file for each language with a sentence a line",
    **dict.fromkeys(ARCHIVES, "unpack it first"),
}


class Form(Enum):
    """How pairs stand in files."""

    COLUMNS = auto()
    CSV = auto()
    LINES = auto()
    TMX = auto()
    XLIFF = auto()
    PO = auto()
    TEST_SET = auto()
    TEST_SET_PAIR = auto()
    PARQUET = auto()


class Reading(NamedTuple):
    """Files to read together: one, or those of source and target."""

    form: Form
    sources: tuple[Source, ...]


_TABBED = (Look.COLUMNS, Look.IDENTIFIED_COLUMNS)
_ALONE = {
    FileKind.TMX: Form.TMX,
    FileKind.XLIFF: Form.XLIFF,
    FileKind.PO: Form.PO,
    FileKind.PARQUET: Form.PARQUET,
}
_IN_PAIRS = {FileKind.TEXT: Form.LINES, FileKind.TEST_SET: Form.TEST_SET_PAIR}


def _form_alone(source: Source) -> Form | None:
    """Returns how pairs stand in a file that needs no other; None if it needs one, or has no pairs."""
    if source.kind is FileKind.TEXT:
        return Form.CSV if source.look in CSV_LOOKS else Form.COLUMNS if source.look in _TABBED else None
    return Form.TEST_SET if source.is_complete_set else _ALONE.get(source.kind)


def readings_of_inputs(sources: Sequence[Source], languages: Languages) -> list[Reading]:
    """Returns how inputs are to be read: each of them, in their order.

    Raises:
        DataError: some hold no pairs; it names each.
    """
    readings = [Reading(form, (one,)) for one in sources if (form := _form_alone(one))]
    problems = []
    for kind in _IN_PAIRS:
        needy = [one for one in sources if one.kind is kind and not _form_alone(one)]
        found, others = _in_pairs(kind, needy, languages)
        if len(others) == 2 and not found:
            found, others = [_in_order(kind, others, languages)], []
        readings += found
        problems += [Problem(one.name, _lack(one, languages)) for one in others]
    problems += [
        Problem(one.name, _wrong_kind(one, languages))
        for one in sources
        if not _form_alone(one) and one.kind not in _IN_PAIRS
    ]
    if problems:
        raise DataError.from_problems(problems)
    order = {id(one): index for index, one in enumerate(sources)}
    return sorted(readings, key=lambda reading: min(order[id(one)] for one in reading.sources))


def readings_of_archive(name: str, members: Sequence[Source], languages: Languages) -> list[Reading]:
    """Returns how those members of an archive are to be read that hold pairs of both languages.

    Raises:
        DataError: there are none; it says what there is.
    """
    readings = []
    for kind in _IN_PAIRS:
        needy = [one for one in members if one.kind is kind and not _form_alone(one)]
        readings += _in_pairs(kind, needy, languages)[0]
    alone = [Reading(form, (one,)) for one in members if (form := _form_alone(one))]
    # Where some are named by both languages, the others are of other languages.
    named = [reading for reading in alone if languages.are_both_in(reading.sources[0].name.removeprefix(name))]
    readings += named or alone
    if not readings:
        shown = ", ".join(one.name.removeprefix(f"{name}/") for one in members[:_SHOWN_MEMBERS])
        more = f" and {len(members) - _SHOWN_MEMBERS:,} others" if len(members) > _SHOWN_MEMBERS else ""
        what = f"holds no pairs of {languages}, but {shown}{more}" if members else "holds no files of a corpus"
        kinds = dict.fromkeys(one.kind for one in members if one.kind in _ADVICE)
        advice = [f"what is {kind} in it: {_ADVICE[kind]}" for kind in kinds] or [_expected(languages)]
        raise DataError(name, "; ".join([what, *advice]))
    return readings


def _in_pairs(kind: FileKind, needy: list[Source], languages: Languages) -> tuple[list[Reading], list[Source]]:
    pairs, others = paired([one.name for one in needy], languages)
    readings = [Reading(_IN_PAIRS[kind], (needy[source], needy[target])) for source, target in pairs]
    return readings, [needy[index] for index in others]


def _in_order(kind: FileKind, two: list[Source], languages: Languages) -> Reading:
    """Takes two files as source and target, in this order unless their names tell the other."""
    sides = [languages.side_of_name(one.name) for one in two]
    if sides[0] == sides[1] is not None:
        code = languages.names[sides[0] or 0]
        raise DataError(f"{two[0].name}, {two[1].name}", f"are both in {code} by their names; {_expected(languages)}")
    is_swapped = sides[0] == 1 or sides[1] == 0
    return Reading(_IN_PAIRS[kind], (two[1], two[0]) if is_swapped else (two[0], two[1]))


def _lack(source: Source, languages: Languages) -> str:
    is_set = source.kind is FileKind.TEST_SET
    if source.look is Look.LIKE_CSV:
        return "looks like CSV: columns parted by commas or semicolons; where its name ends in .csv, it is read as such"
    if unpacked_name(source.name).lower().endswith(".csv"):
        what = "is CSV by its name, but not all lines have as many columns, two at least"
        return f"{what}; put texts that hold a comma in quotation marks, or save it as text parted by tabs"
    what = f"is {source.kind} in one language" if is_set else "has no tabs between source and target"
    return f"{what}, and no other input is its translation by its name: give that, too; {_expected(languages)}"


def _wrong_kind(source: Source, languages: Languages) -> str:
    if source.kind is FileKind.EMPTY:
        return "is empty"
    return f"is {source.kind}; {_ADVICE.get(source.kind) or _expected(languages)}"


def _expected(languages: Languages) -> str:
    return _EXPECTED.format(*(f"X.{language}" for language in languages.names))
