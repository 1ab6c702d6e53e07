"""Templates: a long run of words that most lines of a side begin or end with, such as an attribution."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from nmt.preflight.conventions import NumberedText
from nmt.preflight.findings import Findings, Group, share

_LEAST_LINES = 50
_MOST = 0.5  # share of lines above which a run of words is no chance
_WORDS, _CHARACTERS = 3, 8  # length of a run, in words, or in characters of scripts without spaces
_WINDOW_WORDS, _WINDOW_CHARACTERS = 16, 40  # at an end of a line
_LONG_WORD = 15  # characters a word above which a text has no spaces between its words
_LONGEST = 16
_MOST_CHARACTERS = 400  # of a line that are looked at
_NUMBER = re.compile(r"\d+")

_Units = tuple[str, ...]


class _Template(NamedTuple):
    """A run of units that most lines hold near one of their ends."""

    run: _Units
    lines: int  # that hold it
    distance: int  # units between the run and that end, summed over these lines
    first: int  # index of the first of them


def report_templates(side: str, name: str, lines: Sequence[NumberedText], findings: Findings) -> None:
    """Reports what most lines of a side of a set begin or end with, numbers aside."""
    if len(lines) < _LEAST_LINES:
        return
    spaced = sum(len(line.text.split()) for line in lines) * _LONG_WORD >= sum(len(line.text) for line in lines)
    found: list[tuple[int, str, _Template]] = []
    for way, backward in (("begin", False), ("end", True)):
        ends = [_units(line.text, backward, spaced) for line in lines]
        if template := _commonest(ends, _WORDS if spaced else _CHARACTERS):
            found.append((template.distance, way, template))
    if not found:
        return
    _, way, template = min(found)  # of short lines, both ends hold what stands at one
    run = template.run if way == "begin" else template.run[::-1]
    shown = (" " if spaced else "").join(run)
    what = f"{share(template.lines, len(lines))} sampled {side} lines of {name} {way} with “{shown}” or nearly so"
    advice = (
        "take it away from every line, since a model learns to write it; of a table with a column of attributions, "
        "`nmt prepare` takes only the texts"
    )
    findings.warn(Group.TEXT, "template", lines[template.first].where, what, advice)


def _units(text: str, backward: bool, spaced: bool) -> _Units:
    """Returns the words or characters at an end of a line, the outermost first, with 0 for numbers."""
    text = _NUMBER.sub("0", text[-_MOST_CHARACTERS:] if backward else text[:_MOST_CHARACTERS])
    units = text.split() if spaced else text.strip()
    return tuple(units[::-1] if backward else units)[: _WINDOW_WORDS if spaced else _WINDOW_CHARACTERS]


def _runs(units: _Units, length: int) -> list[_Units]:
    return [units[start : start + length] for start in range(len(units) - length + 1)]


def _commonest(ends: Sequence[_Units], length: int) -> _Template | None:
    """Returns the longest run of at least `length` units that most of the ends hold."""
    best: tuple[_Units, int] | None = None
    while length <= _LONGEST:
        counts = Counter(run for end in ends for run in set(_runs(end, length)))
        run, count = max(counts.items(), key=lambda item: (item[1], item[0]), default=((), 0))
        if count <= _MOST * len(ends):
            break
        best, length = (run, count), length + 1
    if best is None:
        return None
    run, count = best
    held = [(number, runs.index(run)) for number, end in enumerate(ends) if run in (runs := _runs(end, len(run)))]
    return _Template(run, count, sum(distance for _, distance in held), held[0][0])
