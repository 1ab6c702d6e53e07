"""Whether a target line fits a source line: as a lexicon learned from the corpus itself expects its words there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from nmt.corpus.ibm_model1 import learn_lexicon
from nmt.preflight.reservoir import RUN_PAIRS, Run
from nmt.preflight.stems import words_of

MOST_SHIFT = 8
"""Lines by which a translation may have slipped and still be found."""

# Of a lexicon: half a second of a processor, and less where many are tried.
_MOST_CELLS, _FEWER_CELLS = 1 << 20, 1 << 18
_TRANSLATIONS = 3
_LEAST_LINES = 3  # that a word must be in to be learned
_LEAST_WORDS = 200  # to judge by
# How many times more of a line's words are expected by its own source than by one that stands near.
_GOOD, _NONE = 2.0, 1.3
# A line is judged by itself if so many of its words are known; of so many lines, a share says something.
_LEAST_KNOWN, _LEAST_JUDGED = 3, 100
_END = 0


SERIOUS_STRAYS = 0.05
"""A share of stray lines from which it is worth a warning."""


class _Pairs:
    """Word ids in memory, for `learn_lexicon`."""

    def __init__(self, sources: Sequence[NDArray[np.int64]], targets: Sequence[NDArray[np.int64]]) -> None:
        self._sides = sources, targets
        self._lengths = tuple(np.fromiter(map(len, side), np.int64, len(side)) for side in self._sides)

    def __len__(self) -> int:
        return len(self._sides[0])

    def source(self, index: int) -> NDArray[Any]:
        return self._sides[0][index]

    def target(self, index: int) -> NDArray[Any]:
        return self._sides[1][index]

    def source_lengths(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        return self._lengths[0][indices]

    def target_lengths(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        return self._lengths[1][indices]


class _Vocabulary:
    """Ids, from 1, of the words that are in several lines."""

    def __init__(self, lines: Sequence[Sequence[str]]) -> None:
        counts = Counter(word for line in lines for word in set(line))
        self.words = ["", *(word for word, count in counts.items() if count >= _LEAST_LINES)]
        self._ids = {word: number for number, word in enumerate(self.words) if number}

    def encode(self, line: Sequence[str]) -> NDArray[np.int64]:
        return np.array([self._ids[word] for word in line if word in self._ids], np.int64)


class Translations(NamedTuple):
    """What words of the source lead to expect, and words of the target that tell nothing, being everywhere."""

    of: Mapping[str, frozenset[str]]
    frequent: frozenset[str]
    known: frozenset[str]  # words of the target that are in enough lines to be learned

    @classmethod
    def learn(cls, pairs: Sequence[tuple[list[str], list[str]]], seed: int, most_cells: int) -> Self:
        """By IBM Model 1."""
        sources, targets = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        known, other = _Vocabulary(sources), _Vocabulary(targets)
        tokens = _Pairs(list(map(known.encode, sources)), list(map(other.encode, targets)))
        lexicon = learn_lexicon(tokens, len(known.words), len(other.words), _END, seed, most_cells)
        table = lexicon.translations[:, :_TRANSLATIONS]
        of = {
            word: frozenset(other.words[number] for number in numbers if number > 0)
            for word, numbers in zip(known.words, table.tolist(), strict=True)
        }
        frequent = frozenset(other.words[number] for number in lexicon.frequent.tolist())
        return cls(of, frequent, frozenset(other.words[1:]))

    def expected(self, source: Sequence[str]) -> set[str]:
        """Words that may be in a translation; those of the source as they are, too: numbers and names."""
        return set(source).union(*(self.of.get(word, ()) for word in source)) - self.frequent

    def telling(self, target: Sequence[str]) -> set[str]:
        """Words of a target line that tell something."""
        return set(target) - self.frequent


class Fit(NamedTuple):
    """How lines of this corpus fit, where they belong together.

    Attributes:
        folds: translations by which lines of the even runs are judged, and those of the odd ones: they were learned
            from the others, for a pair always fits what was learned from itself.
        shift: by how many lines the target of most pairs stands further down.
        words: how many words of the sample's target lines tell something.
        hit: the share of these that is expected by the source they belong to.
        chance: the share that is expected by a source near.
        judged: lines with enough known words to be judged one by one.
        stray: those of them of which no more is expected than by chance.
    """

    folds: tuple[Translations, Translations]
    shift: int
    words: int
    hit: float
    chance: float
    judged: int
    stray: int

    @property
    def has_strays(self) -> bool:
        """Whether more lines than free translation explains are beside a line that they do not translate."""
        return self.judged >= _LEAST_JUDGED and self.stray > SERIOUS_STRAYS * self.judged

    @property
    def is_good(self) -> bool:
        """Whether lines that belong together can be told from others."""
        return self.words >= _LEAST_WORDS and self.hit >= _GOOD * self.chance

    @property
    def is_none(self) -> bool:
        """Whether there was enough to see, and nothing belongs together."""
        return self.words >= 10 * _LEAST_WORDS and self.hit <= _NONE * self.chance

    def judge(self, number: int) -> Translations:
        """By which to judge the line of that number."""
        return self.folds[fold(number)]


def fold(number: int) -> int:
    """To which of two halves a line belongs."""
    return (number - 1) // RUN_PAIRS % 2


def learn_fit(runs: Sequence[Run], seed: int, tick: Callable[[], None]) -> Fit:
    """The fit of a sample as it stands, if that is good, or else the best that a shift of the target gives."""
    lines = [(fold(run.first), [(words_of(pair.source), words_of(pair.target)) for pair in run.pairs]) for run in runs]
    fit = _fit(lines, 0, seed, _MOST_CELLS)
    if fit.is_good:
        return fit
    tried = []
    for step in range(1, MOST_SHIFT + 1):
        for shift in (step, -step):
            tick()
            tried.append(_fit(lines, shift, seed, _FEWER_CELLS))
    best = max(tried, key=lambda shifted: shifted.hit)
    return _fit(lines, best.shift, seed, _MOST_CELLS) if best.is_good else fit


_Words = Sequence[tuple[list[str], list[str]]]


def _fit(runs: Sequence[tuple[int, _Words]], shift: int, seed: int, most_cells: int) -> Fit:
    halves = [[pair for half, lines in runs if half != number for pair in _shifted(lines, shift)] for number in (0, 1)]
    folds = tuple(Translations.learn(pairs, seed, most_cells) for pairs in halves)
    words = hits = others = 0
    known_lines: list[tuple[int, int]] = []  # known words, and how many of them are expected
    for half, lines in runs:
        judge = folds[half]
        for source, target, other in _beside(list(_shifted(lines, shift))):
            telling, expected = judge.telling(target), judge.expected(source)
            words += len(telling)
            hits += len(telling & expected)
            others += len(telling & judge.expected(other))
            known = telling & judge.known
            if len(known) >= _LEAST_KNOWN:
                known_lines.append((len(known), len(known & expected)))
    chance = max(others, 1) / max(1, words)
    stray = sum(found <= chance * known for known, found in known_lines)
    return Fit((folds[0], folds[1]), shift, words, hits / max(1, words), chance, len(known_lines), stray)


def _shifted(lines: _Words, shift: int) -> Iterator[tuple[list[str], list[str]]]:
    for number, (source, _) in enumerate(lines):
        if 0 <= number + shift < len(lines):
            yield source, lines[number + shift][1]


def _beside(pairs: Sequence[tuple[list[str], list[str]]]) -> Iterator[tuple[list[str], list[str], list[str]]]:
    """Source, target, and for comparison a source half a run away."""
    for number, (source, target) in enumerate(pairs):
        yield source, target, pairs[(number + len(pairs) // 2) % len(pairs)][0]
