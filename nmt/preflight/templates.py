"""Templates: a long run of words that most lines of a side begin or end with, such as an attribution."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from nmt.preflight.conventions import NumberedText
from nmt.preflight.findings import Findings, Group, share

_LEAST_LINES = 50
_MOST = 0.5  # share of lines above which a run of words is no chance
_WORDS, _CHARACTERS = 3, 8  # length of a run, in words, or in characters of scripts without spaces
_WINDOW_WORDS, _WINDOW_CHARACTERS = 16, 40  # at an end of a line
_LONG_WORD = 15  # characters a word above which a text has no spaces between its words
_LONGEST = 16
_NUMBER = re.compile(r"\d+")

_Units = tuple[str, ...]


def report_templates(side: str, name: str, lines: Sequence[NumberedText], findings: Findings) -> None:
    """Reports what most lines of a side of a set begin or end with, numbers aside."""
    if len(lines) < _LEAST_LINES:
        return
    spaced = sum(len(line.text.split()) for line in lines) * _LONG_WORD >= sum(len(line.text) for line in lines)
    for way, at_end in (("begin", False), ("end", True)):
        ends = [_units(line.text, at_end, spaced) for line in lines]
        count, run = _commonest(ends, _WORDS if spaced else _CHARACTERS)
        if not run:
            continue
        shown = (" " if spaced else "").join(run)
        first = next(line for line, end in zip(lines, ends, strict=True) if run in _runs(end, len(run)))
        what = f"{share(count, len(lines))} sampled {side} lines of {name} {way} with “… {shown} …” or nearly so"
        what = what.replace("“… ", "“") if way == "begin" else what.replace(" …”", "”")
        advice = (
            "take it away from every line, since a model learns to write it: sed can; `nmt prepare` leaves out a "
            "third column with attributions if you give it the table as it was distributed"
        )
        findings.warn(Group.TEXT, "template", first.where, what, advice)


def _units(text: str, at_end: bool, spaced: bool) -> _Units:
    units = tuple(_NUMBER.sub("0", text).split() if spaced else _NUMBER.sub("0", text).strip())
    window = _WINDOW_WORDS if spaced else _WINDOW_CHARACTERS
    return units[-window:] if at_end else units[:window]


def _runs(units: _Units, length: int) -> Iterator[_Units]:
    return (units[start : start + length] for start in range(len(units) - length + 1))


def _commonest(ends: Sequence[_Units], length: int) -> tuple[int, _Units]:
    """Returns the longest run of at least `length` units that most of the ends hold, and how many do."""
    found: tuple[int, _Units] = (0, ())
    while length <= _LONGEST:
        counts = Counter(run for end in ends for run in set(_runs(end, length)))
        run, count = max(counts.items(), key=lambda item: (item[1], item[0]), default=((), 0))
        if count <= _MOST * len(ends):
            break
        found, length = (count, run), length + 1
    return found
