"""Lexical fit of lines: the share of a target line that a lexicon, learned from the corpus, expects of its source."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Self

import numpy as np

from nmt.corpus.ibm_model1 import learn_lexicon
from nmt.corpus.parallel import Pair
from nmt.corpus.store import Side, TokenPairs
from nmt.preflight.stems import stems
from nmt.preflight.windows import BLOCK_PAIRS

MOST_SHIFT = 8
"""Maximum number of lines by which a translation may have slipped and still be found."""

# Cells of a lexicon: half a second of a processor, and less where many lexicons are tried.
_MOST_CELLS, _FEWER_CELLS = 1 << 20, 1 << 18
_TRANSLATIONS = 3
_LEAST_LINES = 3  # with a word, for it to be learned
_LEAST_WORDS = 200  # to judge by
# Ratios of the words expected by the own source to those expected by a source nearby.
_GOOD, _NONE = 2.0, 1.3
_LEAST_CHANCE_HITS = 30  # from which a ratio to chance means something
# A line is judged by itself if it has so many known words, of which a translation has some with all but this
# probability; and a share of such lines is significant from so many of them, and so many standard deviations.
_LEAST_KNOWN, _MOST_DOUBT, _LEAST_JUDGED, _DEVIATIONS = 3, 0.05, 100, 3.0
_PRIOR_OCCURRENCES = 2.0
_END = 0

SERIOUS_STRAYS = 0.05
"""Share of stray lines that is worth a warning."""

_StemPairs = Sequence[tuple[list[str], list[str]]]


def _as_ids(lines: Sequence[Sequence[str]]) -> tuple[list[str], Side]:
    """Returns the words that occur in several lines, from index 1 on, and all lines as indices of these."""
    counts = Counter(word for line in lines for word in set(line))
    words = ["", *(word for word, count in counts.items() if count >= _LEAST_LINES)]
    ids = {word: number for number, word in enumerate(words) if number}
    encoded = [np.array([ids[word] for word in line if word in ids], np.int64) for line in lines]
    return words, Side.from_sentences(encoded)


class TranslationTable(NamedTuple):
    """Translations of words, by which the words of a target line are expected."""

    translations: Mapping[str, frozenset[str]]  # the most probable ones of each source word
    frequent: frozenset[str]  # target words that occur everywhere, and so are not informative
    known: frozenset[str]  # target words that occur in enough lines to be learned

    @classmethod
    def learn(cls, pairs: _StemPairs, seed: int, most_cells: int) -> Self:
        """Learns a table by IBM Model 1 (Brown et al. 1993)."""
        known, source = _as_ids([source for source, _ in pairs])
        other, target = _as_ids([target for _, target in pairs])
        lexicon = learn_lexicon(TokenPairs(source, target), len(known), len(other), _END, seed, most_cells)
        best = lexicon.translations[:, :_TRANSLATIONS]
        translations = {
            word: frozenset(other[number] for number in numbers if number > 0)
            for word, numbers in zip(known, best.tolist(), strict=True)
        }
        frequent = frozenset(other[number] for number in lexicon.frequent.tolist())
        return cls(translations, frequent, frozenset(other[1:]))

    def expected(self, source: Sequence[str]) -> set[str]:
        """Returns words that a translation may have, among them those of the source: numbers and names."""
        return set(source).union(*(self.translations.get(word, ()) for word in source)) - self.frequent

    def informative(self, target: Sequence[str]) -> set[str]:
        """Returns the informative words of a target line."""
        return set(target) - self.frequent


class LexicalFit(NamedTuple):
    """The lexical fit of a corpus, where its lines belong together.

    The lines of even and of odd blocks are judged by two tables, each learned from the other blocks, since a pair
    always fits a table that was learned from it.
    """

    folds: tuple[TranslationTable, TranslationTable]
    shift: int  # number of lines by which the target of most pairs stands further down
    words: int  # number of informative words in the target lines of the sample
    hit: float  # share of these that their own source expects
    chance: float  # share of these that a source nearby expects
    judged: int  # number of lines with enough known words to be judged one by one
    stray: int  # number of judged lines of which no word is expected
    usual_strays: float  # number of these that would be so in an aligned corpus

    @property
    def has_strays(self) -> bool:
        """True if more lines than free translation explains stand beside a line that they do not translate."""
        usual = self.usual_strays + _DEVIATIONS * math.sqrt(self.usual_strays + 1)
        return self.judged >= _LEAST_JUDGED and self.stray > SERIOUS_STRAYS * self.judged + usual

    @property
    def is_good(self) -> bool:
        """True if lines that belong together can be distinguished from others."""
        return self.words >= _LEAST_WORDS and self.hit >= _GOOD * self.chance

    @property
    def is_none(self) -> bool:
        """True if there were enough words, and no lines belong together."""
        known = self.words >= 10 * _LEAST_WORDS and self.chance * self.words >= _LEAST_CHANCE_HITS
        return known and self.hit <= _NONE * self.chance

    def judge(self, number: int) -> TranslationTable:
        """Returns the table by which to judge the line of that number."""
        return self.folds[fold(number)]


def fold(number: int) -> int:
    """Returns to which of the two folds a line belongs: 0 for lines of even blocks, 1 for those of odd ones."""
    return (number - 1) // BLOCK_PAIRS % 2


def learn_lexical_fit(blocks: Sequence[Sequence[Pair]], seed: int, tick: Callable[[], None]) -> LexicalFit:
    """Learns the fit of a sample as it stands if that is good, or else the best fit at a shift of the target."""
    blocks_of_stems = [
        (fold(block[0].number), [(stems(pair.source), stems(pair.target)) for pair in block]) for block in blocks
    ]
    fit = _fit(blocks_of_stems, 0, seed, _MOST_CELLS)
    if fit.is_good:
        return fit
    tried = []
    for step in range(1, MOST_SHIFT + 1):
        for shift in (step, -step):
            tick()
            tried.append(_fit(blocks_of_stems, shift, seed, _FEWER_CELLS))
    best = max(tried, key=lambda shifted: shifted.hit)
    return _fit(blocks_of_stems, best.shift, seed, _MOST_CELLS) if best.is_good else fit


def _fit(blocks: Sequence[tuple[int, _StemPairs]], shift: int, seed: int, most_cells: int) -> LexicalFit:
    halves = [
        [pair for half, lines in blocks if half != number for pair in _shifted(lines, shift)] for number in (0, 1)
    ]
    folds = tuple(TranslationTable.learn(pairs, seed, most_cells) for pairs in halves)
    words = hits = others = 0
    lines: list[_JudgedLine] = []
    for half, block in blocks:
        table = folds[half]
        pairs = _shifted(block, shift)
        for number, (source, target) in enumerate(pairs):
            other, _ = pairs[(number + len(pairs) // 2) % len(pairs)]  # half a block away, for comparison
            informative, expected = table.informative(target), table.expected(source)
            words += len(informative)
            hits += len(informative & expected)
            others += len(informative & table.expected(other))
            known = informative & table.known
            if len(known) >= _LEAST_KNOWN:
                lines.append(_JudgedLine(known, known & expected))
    chance = max(others, 1) / max(1, words)
    return LexicalFit((folds[0], folds[1]), shift, words, hits / max(1, words), chance, *_strays(lines))


class _JudgedLine(NamedTuple):
    """The known words of a target line, and those of them that its source expects."""

    known: set[str]
    expected: set[str]


def _strays(lines: Sequence[_JudgedLine]) -> tuple[int, int, float]:
    """Returns how many lines can be judged one by one, how many of these are stray, and how many would be anyway.

    Of some words no translation is learned, in a language of many forms of nearly all. So each word counts by how often
    it is expected in the other lines: a line is judged if a translation would hardly have none of its words expected.
    """
    occurrences = Counter(word for line in lines for word in line.known)
    hits = Counter(word for line in lines for word in line.expected)
    prior = _PRIOR_OCCURRENCES * hits.total() / max(1, occurrences.total())
    judged, stray, usual = 0, 0, 0.0
    for line in lines:
        doubt = 1.0
        for word in line.known:
            elsewhere = hits[word] - (word in line.expected)
            doubt *= 1 - (elsewhere + prior) / (occurrences[word] - 1 + _PRIOR_OCCURRENCES)
        if doubt <= _MOST_DOUBT:
            judged += 1
            stray += not line.expected
            usual += doubt
    return judged, stray, usual


def _shifted(lines: _StemPairs, shift: int) -> _StemPairs:
    sources, targets = lines[max(0, -shift) :], lines[max(0, shift) :]
    return [(source, target) for (source, _), (_, target) in zip(sources, targets, strict=False)]
