"""Misalignment: stretches of a corpus whose lines fit other lines than those beside them, or none."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, count, groupby, repeat
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nmt.preflight.findings import Findings, Group
from nmt.preflight.lexical_fit import MOST_SHIFT, LexicalFit
from nmt.preflight.reading import LinePair
from nmt.preflight.stems import stems

SHIFTS = range(-MOST_SHIFT, MOST_SHIFT + 1)
_NONE = len(SHIFTS)  # the state in which lines fit no other
_STATES = _NONE + 1
_HERE = SHIFTS.index(0)
# In nats: the cost of a change, so that a few odd lines make none; and the maximum evidence of a line.
_CHANGE, _MOST = 25.0, 8.0
_LEAST_SHIFTED, _LEAST_UNFIT = 5, 20  # lines of a stretch that is reported
_LEAST_HITS = 10
_SHOWN = 5

Row = NDArray[np.float64]  # (SHIFTS + 1,) expected words for each shift, and all words at shift 0


class Stretch(NamedTuple):
    """Lines `first` to `last`, from 1, whose targets stand `shift` lines further down; None if no lines fit."""

    first: int
    last: int
    shift: int | None


class FoundStretch(NamedTuple):
    """A stretch of a file, and whether lines before it were left unread, so that it may begin earlier."""

    stretch: Stretch
    is_cut: bool


class _Start(NamedTuple):
    """The start of a stretch, with the state and the start of the one before it."""

    line: int
    sums: Row  # over all lines before it
    before: tuple[int, _Start] | None


class Segmentation:
    """Finds the most probable stretches of lines, each of one shift, by the algorithm of Viterbi (1967)."""

    def __init__(self, fit: LexicalFit) -> None:
        # Half of the usual share: a text of which the lexicon knows less is still aligned.
        chance = min(max(fit.chance, 0.002), 0.4)
        usual = max(fit.hit / 2, 1.5 * chance)
        self._hit = math.log(usual / chance)
        self._miss = math.log((1 - usual) / (1 - chance))
        self._scores = np.full(_STATES, -_CHANGE)
        self._scores[_HERE] = 0.0
        self._lines = 0
        self._sums: Row = np.zeros(len(SHIFTS) + 1)
        self._starts = [_Start(0, self._sums, None)] * _STATES

    def add(self, hits: Row, words: Row) -> None:
        """Takes in the next line: (SHIFTS,) expected words of the target line at each shift, and all words of it."""
        best = int(self._scores.argmax())
        least = self._scores[best] - _CHANGE
        start = _Start(self._lines, self._sums, (best, self._starts[best]))
        for state in np.flatnonzero(self._scores < least).tolist():
            self._starts[state] = start
        evidence = hits * (self._hit - self._miss) + words * self._miss
        evidence = np.minimum(np.maximum(evidence, -_MOST), _MOST)  # `clip` takes twice as long
        self._scores = np.maximum(self._scores, least)
        self._scores[:_NONE] += evidence
        self._scores -= self._scores.max()
        self._lines += 1
        sums = self._sums.copy()
        sums[:_NONE] += hits
        sums[_NONE] += words[_HERE]
        self._sums = sums

    def stretches(self) -> list[Stretch]:
        """Returns the stretches worth reporting: lines that fit much better at a shift, and lines that fit nowhere."""
        found: list[Stretch] = []
        end, sums = self._lines, self._sums
        best = int(self._scores.argmax())
        last: tuple[int, _Start] | None = (best, self._starts[best])
        while last is not None:
            state, start = last
            if stretch := _judged(state, start.line, end, sums - start.sums):
                found.append(stretch)
            end, sums, last = start.line, start.sums, start.before
        return found[::-1]


def _judged(state: int, start: int, end: int, sums: Row) -> Stretch | None:
    lines, here = end - start, sums[_HERE]
    if state == _NONE:
        elsewhere = (sums[:_NONE].sum() - here) / (_NONE - 1)
        words = sums[-1]
        unfit = lines >= _LEAST_UNFIT and words >= 2 * lines and here <= 1.5 * elsewhere + 0.02 * words
        return Stretch(start + 1, end, None) if unfit else None
    shift, there = SHIFTS[state], sums[state]
    if shift and lines >= _LEAST_SHIFTED and there >= _LEAST_HITS and there >= 2 * here:
        return Stretch(start + 1, end, shift)
    return None


def find_stretches(pairs: Iterable[LinePair], fit: LexicalFit) -> list[Stretch]:
    """Finds the stretches of the pairs of one file."""
    segmentation = Segmentation(fit)
    for hits, words in _rows(pairs, fit):
        segmentation.add(hits, words)
    return segmentation.stretches()


def find_all_stretches(pairs: Iterable[LinePair], fit: LexicalFit) -> list[FoundStretch]:
    """Finds the stretches of the pairs of one file that were read, with lines left out between some of them.

    One that goes on where reading does is one with what comes after.
    """
    found: list[FoundStretch] = []
    end = latest = 0  # of the run of lines before, and of this one

    def noted(run: Iterable[LinePair]) -> Iterator[LinePair]:
        nonlocal latest
        for pair in run:
            latest = pair.source.number
            yield pair

    places = count()
    for _, run in groupby(pairs, key=lambda pair: pair.source.number - next(places)):
        first = next(run)
        begin = first.source.number
        for stretch in find_stretches(noted(chain([first], run)), fit):
            moved = stretch._replace(first=stretch.first + begin - 1, last=stretch.last + begin - 1)
            before = found[-1].stretch if found and moved.first == begin else None
            if before is not None and before.last == end and before.shift == moved.shift:
                found[-1] = FoundStretch(before._replace(last=moved.last), found[-1].is_cut)
            else:
                found.append(FoundStretch(moved, moved.first == begin > end + 1))
        end = latest
    return found


def report_stretches(found: Sequence[FoundStretch], source: str, target: str, findings: Findings) -> None:
    """Adds the stretches of one pair of files to the findings."""
    for stretch, is_cut in found[:_SHOWN]:
        lines = f"lines {stretch.first:,} to {stretch.last:,}"
        if stretch.shift is None:
            kind, what = "unfit", f"{lines} do not seem to be what {target} has beside them"
            advice = "look at both files there"
        else:
            number, way = abs(stretch.shift), "further down" if stretch.shift > 0 else "further up"
            there = f"{number} line{'s' if number > 1 else ''} {way}"
            kind, what = "shifted", f"the translation of {lines} seems to stand {there} in {target}"
            more, less = ("too many", "too few") if stretch.shift > 0 else ("too few", "too many")
            advice = f"look for lines {more} in {target}, or {less} in {source}, shortly before"
        advice += "; it may begin in lines before that were not read: --full reads them" if is_cut else ""
        findings.warn(Group.PAIRS, kind, f"{source}:{stretch.first}", what, advice)
    if len(found) > _SHOWN:
        more_lines = sum(stretch.last - stretch.first + 1 for stretch, _ in found[_SHOWN:])
        what = f"{len(found) - _SHOWN:,} further stretches, of {more_lines:,} lines, fit badly"
        findings.warn(Group.PAIRS, "misaligned", source, what)


def _rows(pairs: Iterable[LinePair], fit: LexicalFit) -> Iterator[tuple[Row, Row]]:
    """Yields for each line, by shift, the number of expected words of the target line, and of all its words."""
    no_words: set[str] = set()
    waiting: deque[set[str]] = deque()  # words expected by lines of which not all targets are known
    targets = deque([no_words] * len(SHIFTS), maxlen=len(SHIFTS))  # those around the first waiting line
    lengths = deque([0] * len(SHIFTS), maxlen=len(SHIFTS))
    for expected, found in chain(_words(pairs, fit), repeat((no_words, no_words), MOST_SHIFT)):
        waiting.append(expected)
        targets.append(found)
        lengths.append(len(found))
        if len(waiting) > MOST_SHIFT:
            first = waiting.popleft()
            hits = np.array([len(first & target) if target else 0 for target in targets], np.float64)
            yield hits, np.array(lengths, np.float64)


def _words(pairs: Iterable[LinePair], fit: LexicalFit) -> Iterator[tuple[set[str], set[str]]]:
    """Yields for each pair the words that its source expects, and the informative ones of its target."""
    for pair in map(LinePair.shortened, pairs):
        table = fit.judge(pair.number)
        yield table.expected(stems(pair.source)), table.informative(stems(pair.target))
