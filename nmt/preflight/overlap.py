"""Overlap: lines that are repeated in the training set, or that a held-out set shares with another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from nmt.corpus.cleaning import SeenPairs
from nmt.preflight.files import PairSet
from nmt.preflight.findings import Findings, Group, share
from nmt.preflight.reading import LinePair

# Pairs whose hashes are remembered. Of more, a part is inspected, which has all copies of a pair or none.
REMEMBERED_PAIRS = 1 << 24
_PAIRS_AT_A_TIME, _CHARACTERS_AT_A_TIME = 4096, 1 << 22
_NOUNS = {"pair": "pairs", "source": "source lines", "target": "target lines"}

# Shares that are worth a warning.
SERIOUS_REPETITION = 0.05
SERIOUS_OVERLAP = 0.01


class RepeatedPairs:
    """Counts repeated pairs, in bounded memory: of very many pairs, it inspects one in `part`."""

    def __init__(self, expected: int) -> None:
        """Prepares for about `expected` pairs."""
        self.part = -(-expected // REMEMBERED_PAIRS) or 1
        self.seen = 0
        self.repeated = 0
        self.first: tuple[int, int] | None = None  # file and line
        self._remembered = SeenPairs()
        self._waiting: list[LinePair] = []
        self._characters = 0  # of the waiting pairs

    def add(self, pair: LinePair) -> None:
        """Takes in the next pair."""
        if self.part == 1 or hash((pair.source.text, pair.target.text)) % self.part == 0:
            self._waiting.append(pair)
            self._characters += len(pair.source.text) + len(pair.target.text)
            if len(self._waiting) == _PAIRS_AT_A_TIME or self._characters > _CHARACTERS_AT_A_TIME:
                self.finish()

    def finish(self) -> None:
        """Counts the waiting pairs."""
        pairs, self._waiting, self._characters = self._waiting, [], 0
        if not pairs:
            return
        fresh = self._remembered.add([pair.source.text for pair in pairs], [pair.target.text for pair in pairs])
        self.seen += len(pairs)
        self.repeated += len(pairs) - int(fresh.sum())
        if self.first is None and not fresh.all():
            first = pairs[int(np.flatnonzero(~fresh)[0])]
            self.first = first.file, first.source.number

    def report(self, training: PairSet, dropped: bool, findings: Findings) -> None:
        """Adds the repeated pairs to the findings; `dropped` if training leaves them out."""
        if self.first is None:
            return
        file, line = self.first
        what = f"{share(self.repeated, self.seen)} pairs came before, the first of them here"
        if self.part > 1:
            what += f" (counted among one pair in {self.part})"
        what += "; training leaves them out" if dropped else ""
        serious = not dropped and self.repeated > SERIOUS_REPETITION * self.seen
        advice = "" if dropped else "data.drop_duplicates=true leaves them out"
        where = f"{training.files.source[file]}:{line}"
        findings.grade(serious, Group.PAIRS, "repeated_pairs", where, what, advice)


_Position = tuple[int, int]  # file and line


def _hashes(pair: LinePair) -> tuple[int, ...]:
    """Hashes a pair, its source and its target; returns nothing if a side is blank."""
    source, target = pair.source.text.strip(), pair.target.text.strip()
    return (hash((source, target)), hash(source), hash(target)) if source and target else ()


class _Lines(NamedTuple):
    """Lines of one kind in a set, by their hashes: their number, and the position of the first."""

    counts: Counter[int]
    positions: dict[int, _Position]


class HeldOutLines:
    """The hashes of the pairs, sources and targets of a set whose lines should not occur in another."""

    def __init__(self, held_out: PairSet, pairs: Iterable[LinePair]) -> None:
        self.set = held_out
        self.lines = [_Lines(Counter(), {}) for _ in _NOUNS]
        self.pairs = 0
        for pair in pairs:
            self.pairs += 1
            for lines, digest in zip(self.lines, _hashes(pair), strict=False):
                lines.counts[digest] += 1
                lines.positions.setdefault(digest, (pair.file, pair.source.number))


class OverlapSearch:
    """Finds the lines of a held-out set that occur in another set, in one pass over the other."""

    def __init__(self, held_out: HeldOutLines, other: PairSet) -> None:
        self._held_out = held_out
        self.other = other
        self._found: list[dict[int, _Position]] = [{} for _ in _NOUNS]

    def add(self, pair: LinePair) -> None:
        """Inspects the next pair of the other set."""
        for lines, found, digest in zip(self._held_out.lines, self._found, _hashes(pair), strict=False):
            if digest in lines.counts:
                found.setdefault(digest, (pair.file, pair.source.number))

    def report(self, extent: str, findings: Findings) -> None:
        """Adds the overlap to the findings; `extent` says how much of the other set was inspected."""
        held_out, other, total = self._held_out.set, self.other, self._held_out.pairs
        advice = (
            f"leave them out of {other.name}, since scores on what was learned by heart mean little: "
            "`nmt prepare` makes sets that share no sentence"
        )
        reported = 0
        for kind, lines, found in zip(_NOUNS, self._held_out.lines, self._found, strict=True):
            count = sum(lines.counts[digest] for digest in found)
            if count <= reported:  # none, or the same lines, reported already
                continue
            reported = count if kind == "pair" else reported
            first = min(found, key=lines.positions.__getitem__)
            ours, theirs = (
                f"{(named.files.target if kind == 'target' else named.files.source)[file]}:{line}"
                for named, (file, line) in ((held_out, lines.positions[first]), (other, found[first]))
            )
            what = f"{share(count, total)} {_NOUNS[kind]} of {held_out.name} stand in {other.name}{extent}"
            what += f", the first of them is this one, at {theirs}"
            findings.grade(count >= SERIOUS_OVERLAP * total, Group.OVERLAP, f"overlap_{kind}", ours, what, advice)
