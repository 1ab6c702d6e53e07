"""Cleaning: each pair of a batch is mended, and kept or rejected with a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nmt.corpus.faults import Fault, SideRules, safe_fault, storage_fault, strict_fault
from nmt.corpus.mending import Mend, mend
from nmt.io.lines import without_surrogates
from nmt.preflight.languages import base_code, frequent_words, script_of
from nmt.preparation.folding import digest, fold
from nmt.preparation.readers.names import Languages

LONGEST = 0xFFFF
"""The length from which on lengths are counted as this, in words or characters."""

MEND_EXAMPLES = 3


class CleaningLevel(StrEnum):
    """How much is cleaned."""

    NONE = "none"
    SAFE = "safe"
    STRICT = "strict"


@dataclass(frozen=True)
class CleaningRules:
    """What a pair is cleaned by."""

    level: CleaningLevel
    sides: tuple[SideRules, SideRules]
    languages: Languages

    @classmethod
    def for_languages(cls, level: CleaningLevel, languages: tuple[str, str]) -> CleaningRules:
        """Gathers what is known of both languages."""
        return cls(level, (_side_rules(languages[0]), _side_rules(languages[1])), Languages(languages))

    def fault(self, source: str, target: str, number: int) -> Fault | None:
        """Returns why a pair of lines, mended ones unless the level is none, is left out; None if it is not.

        `number` is that of the pair in its file, counted from 1.
        """
        fault = storage_fault(source, target)
        if number == 1 and self.level != CleaningLevel.NONE and self.languages.is_header(source, target):
            return Fault.HEADER
        if fault is None and self.level != CleaningLevel.NONE:
            fault = safe_fault(source, target, self.sides)
        if fault is None and self.level == CleaningLevel.STRICT:
            fault = strict_fault(source, target, self.sides)
        return fault


def _side_rules(language: str) -> SideRules:
    known = frequent_words()
    code = base_code(language)
    own = known.get(code, frozenset())
    foreign = tuple(words - own for other, words in known.items() if other != code) if own else ()
    return SideRules(code, script_of(code), own, foreign)


class RawPairs(NamedTuple):
    """Neighbouring pairs of one file, as they were read."""

    file: int
    numbers: list[int]  # of the pairs in their file, counted from 1
    sources: list[str]
    targets: list[str]
    too_long: frozenset[int] = frozenset()  # numbers of those that were not read, since they are too long


class Rejected(NamedTuple):
    """A pair that is left out, as it was read."""

    reason: Fault
    number: int
    source: str
    target: str


class MendedText(NamedTuple):
    """A line before and after mending."""

    number: int
    before: str
    after: str


class CleanedPairs(NamedTuple):
    """The pairs of a batch after cleaning."""

    file: int
    read: int
    text: bytes  # of the pairs kept: the source, a line feed, the target, a line feed
    numbers: NDArray[np.uint64]  # (kept,)
    hashes: NDArray[np.uint64]  # (kept, 3): of the pair, of the folded source and of the folded target
    lengths: NDArray[np.uint16]  # (kept, 4): words of source and target, characters of source and target
    rejected: list[Rejected]
    mended: Counter[Mend]  # numbers of lines
    mend_examples: dict[Mend, list[MendedText]]


def clean(pairs: RawPairs, rules: CleaningRules) -> CleanedPairs:
    """Mends and judges each pair."""
    rejected: list[Rejected] = []
    numbers: list[int] = []
    lines: list[str] = []
    lengths: list[int] = []
    digests: list[bytes] = []
    mends = _Mends()
    for number, raw_source, raw_target in zip(pairs.numbers, pairs.sources, pairs.targets, strict=True):
        source, target = without_surrogates(raw_source), without_surrogates(raw_target)
        if rules.level != CleaningLevel.NONE:
            source, target = mends.mend(number, source), mends.mend(number, target)
        fault = Fault.TOO_LONG if number in pairs.too_long else rules.fault(source, target, number)
        if fault is not None:
            rejected.append(Rejected(fault, number, raw_source, raw_target))
            continue
        numbers.append(number)
        lines += source, target
        digests += digest(f"{source}\n{target}"), digest(fold(source)), digest(fold(target))
        lengths += len(source.split()), len(target.split()), len(source), len(target)
    lines.append("")
    return CleanedPairs(
        file=pairs.file,
        read=len(pairs.numbers),
        text="\n".join(lines).encode(),
        numbers=np.array(numbers, np.uint64),
        hashes=np.frombuffer(b"".join(digests), "<u8").reshape(-1, 3),
        lengths=np.minimum(np.array(lengths, np.int64), LONGEST).astype(np.uint16).reshape(-1, 4),
        rejected=rejected,
        mended=mends.counts,
        mend_examples=mends.examples,
    )


def begin_cleaning(rules: CleaningRules) -> Callable[[RawPairs], CleanedPairs]:
    """Returns the function that cleans batches by rules."""
    return lambda pairs: clean(pairs, rules)


class _Mends:
    """Counts the mends of a batch, and keeps the first few of each kind."""

    def __init__(self) -> None:
        self.counts: Counter[Mend] = Counter()
        self.examples: dict[Mend, list[MendedText]] = {}

    def mend(self, number: int, text: str) -> str:
        mended, kinds = mend(text)
        for kind in kinds:
            self.counts[kind] += 1
            examples = self.examples.setdefault(kind, [])
            if len(examples) < MEND_EXAMPLES:
                examples.append(MendedText(number, text, mended))
        return mended
