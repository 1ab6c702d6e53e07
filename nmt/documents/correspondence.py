"""Which part of a translation belongs to which part of its source: by attention or, without any, in proportion."""

from __future__ import annotations

import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nmt.translation.result import Translation

Weights = NDArray[np.float64]

# Scripts that write no white space between words, and in which each character may stand alone.
_SINGLE = (("\u2e80", "\u9fff"), ("\uac00", "\ud7af"), ("\uf900", "\ufaff"), ("\U00020000", "\U0003ffff"))


class Atom(NamedTuple):
    """A word, a mark of punctuation, or a character of a script without spaces: nothing is put inside of it."""

    start: int
    stop: int


class _Block(NamedTuple):
    """The attention of one segment between atoms."""

    target: int  # its first atom
    source: int
    weights: Weights  # (target atoms, source atoms), rows summing to 1


def atoms(text: str) -> list[Atom]:
    """Cuts a text into its atoms."""
    return [atom for word in _words(text) for atom in _word_atoms(text, *word)]


def _words(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for word in text.split():
        start = text.index(word, start)
        yield start, start + len(word)
        start += len(word)


def _word_atoms(text: str, start: int, stop: int) -> Iterator[Atom]:
    first, last = start, stop
    while first < stop and _is_punctuation(text[first]):
        yield Atom(first, first + 1)
        first += 1
    while last > first and _is_punctuation(text[last - 1]):
        last -= 1
    begin = first
    for place in range(first + 1, last):
        is_cut = any(_is_single(text[at]) for at in (place - 1, place))
        if is_cut and not unicodedata.category(text[place]).startswith("M") and text[place] not in "ーゝゞ々":
            yield Atom(begin, place)
            begin = place
    if begin < last:
        yield Atom(begin, last)
    for place in range(last, stop):
        yield Atom(place, place + 1)


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character)[0] in "PS"


def _is_single(character: str) -> bool:
    # Hangul is written with spaces, but endings are joined to words as if each were one.
    return character >= _SINGLE[0][0] and any(first <= character <= last for first, last in _SINGLE)


class Correspondence:
    """The atoms of a translation, and where among them something of its source belongs.

    Gaps are counted as atoms are: gap g is before atom g. All places of the source are characters.

    Attributes:
        text: of the translation.
        target: its atoms.
    """

    def __init__(self, translation: Translation) -> None:
        self.text = translation.text
        self.target = atoms(self.text)
        self._source = atoms(translation.source)
        self._words = [translation.source[atom.start : atom.stop] for atom in self._source]
        self._length = max(1, len(translation.source))
        self._starts = [atom.start for atom in self._source]
        self._stops = [atom.stop for atom in self._source]
        self._blocks = list(_blocks(translation, self._source, self.target))
        self._block_starts = [block.source for block in self._blocks]

    def gap(self, place: int, gaps: Sequence[tuple[int, int]]) -> int:
        """Returns the gap where something belongs that stood at a place of the source, among some ranges of gaps."""
        before = bisect_right(self._stops, place)
        block = self._block_of(min(before, len(self._source) - 1))
        if block is None:
            return self._in_proportion(place, gaps)
        inner = before - block.source
        left = block.weights[:, :inner].sum(axis=1)
        score = np.concatenate([[0.0], np.cumsum(2 * left - 1)])
        if inner > 0:
            score[1:] += block.weights[:, inner - 1]
        if inner < block.weights.shape[1]:
            score[:-1] += block.weights[:, inner]
        score += self._equal_neighbours(before, block)
        found = [
            (-score[gap - block.target], gap)
            for first, last in gaps
            for gap in range(max(first, block.target), min(last, block.target + len(left)) + 1)
        ]
        return min(found)[1] if found else self._nearest(block.target, gaps)

    def span(self, start: int, stop: int, gaps: Sequence[tuple[int, int]]) -> tuple[int, int]:
        """Returns the range of atoms that translate a part of the source, inside of one of some ranges of gaps.

        It is empty where nothing does.
        """
        first, last = bisect_right(self._stops, start), bisect_left(self._starts, stop)
        block = self._block_of(first)
        if first >= last or block is None or last > block.source + block.weights.shape[1]:
            begin = self.gap(start, gaps)
            [within] = [one for one in gaps if one[0] <= begin <= one[1]][:1]
            end = self.gap(stop, [(begin, within[1])]) if first < last else begin
            return (begin, end) if end > begin or first >= last else _at_least_one(begin, within)
        share = block.weights[:, first - block.source : last - block.source].sum(axis=1)
        best, found = 0.0, None
        for low, high in gaps:
            total, begin = 0.0, max(low, block.target)
            for atom in range(begin, min(high, block.target + len(share))):
                if total <= 0:
                    total, begin = 0.0, atom
                total += share[atom - block.target] - 0.5
                if total > best + 1e-9:
                    best, found = total, (begin, atom + 1)
        if found is None:
            alone = [
                (-share[atom - block.target], atom)
                for low, high in gaps
                for atom in range(max(low, block.target), min(high, block.target + len(share)))
            ]
            if alone and -min(alone)[0] >= _LEAST_SHARE:
                atom = min(alone)[1]
                return atom, atom + 1
            gap = self.gap(start, gaps)
            return gap, gap
        return found

    def nearest_word(self, gap: int, gaps: Sequence[tuple[int, int]]) -> tuple[int, int]:
        """Returns the range of the word that is nearest to a gap, inside of some ranges; an empty one without any."""
        words = [
            (abs(2 * (atom - gap) + 1), atom)
            for first, last in gaps
            for atom in range(first, last)
            if any(map(str.isalnum, self.text[self.target[atom].start : self.target[atom].stop]))
        ]
        if not words:
            return gap, gap
        atom = min(words)[1]
        return atom, atom + 1

    def _equal_neighbours(self, before: int, block: _Block) -> Weights:
        """Rates each gap of a block by its neighbours, which may be those of the source, as punctuation is."""
        rates = np.zeros(block.weights.shape[0] + 1)
        one = self._words[before - 1] if before > block.source else None
        other = self._words[before] if before < block.source + block.weights.shape[1] else None
        for place in range(len(rates) - 1):
            atom = self.target[block.target + place]
            word = self.text[atom.start : atom.stop]
            rates[place + 1] += word == one
            rates[place] += word == other
        return rates

    def _block_of(self, atom: int) -> _Block | None:
        number = bisect_right(self._block_starts, atom) - 1
        if not 0 <= number < len(self._blocks):
            return None
        block = self._blocks[number]
        return block if atom <= block.source + block.weights.shape[1] else None

    def _in_proportion(self, place: int, gaps: Sequence[tuple[int, int]]) -> int:
        wanted = place / self._length * len(self.text)
        ends = [0, *(atom.stop for atom in self.target)]
        number = min(bisect_left(ends, wanted), len(ends) - 1)
        if number and wanted - ends[number - 1] < ends[number] - wanted:
            number -= 1
        return self._nearest(number, gaps)

    def _nearest(self, gap: int, gaps: Sequence[tuple[int, int]]) -> int:
        return min((min(max(gap, first), last) for first, last in gaps), key=lambda one: (abs(one - gap), one))


_LEAST_SHARE = 0.2


def _at_least_one(begin: int, within: tuple[int, int]) -> tuple[int, int]:
    if begin < within[1]:
        return begin, begin + 1
    return (begin - 1, begin) if begin > within[0] else (begin, begin)


def _blocks(translation: Translation, source: Sequence[Atom], target: Sequence[Atom]) -> Iterator[_Block]:
    """Yields the attention of each segment between the atoms that it holds."""
    segments = translation.outputs[0].segments if translation.outputs else None
    if not segments or not source or not target:
        return
    source_words, target_words = list(_words(translation.source)), list(_words(translation.text))
    row = column = next_target = next_source = 0
    for segment in segments:
        sources, targets = segment.source_words, list(segment.target_words)
        of_source = translation.source_tokens[column : column + len(sources)]
        of_target = list(translation.outputs[0].tokens[row : row + len(targets)])
        row, column = row + len(targets), column + len(sources)
        if not segment.words or not sources:
            continue
        rows = [*range(len(targets)), *(token for token, _ in segment.further_words)]
        targets += [word for _, word in segment.further_words]
        of_target += [of_target[token] for token, _ in segment.further_words]
        source_places = _places(sources, of_source, source_words)
        target_places = _places(targets, of_target, target_words)
        first_source = max(next_source, _first(source, source_words[sources[0]][0]))
        stop_source = _first(source, source_words[sources[-1]][1])
        first_target = max(next_target, _first(target, target_words[segment.words.start][0]))
        stop_target = _first(target, target_words[segment.words.stop - 1][1])
        if first_source >= stop_source or first_target >= stop_target:
            continue
        by_source = _shares(source_places, source[first_source:stop_source])
        by_target = _shares(target_places, target[first_target:stop_target])
        weights = by_target.T @ segment.weights[rows, : len(sources)].astype(float) @ by_source
        totals = weights.sum(axis=1, keepdims=True)
        weights = np.where(totals > 0, weights / np.where(totals > 0, totals, 1), 1 / weights.shape[1])
        next_source, next_target = stop_source, stop_target
        yield _Block(first_target, first_source, weights)


def _first(of: Sequence[Atom], place: int) -> int:
    """Returns the first atom at a place or behind it."""
    return bisect_left(of, (place, 0))


def _places(
    words: Sequence[int], pieces: Sequence[str], spans: Sequence[tuple[int, int]]
) -> list[tuple[float, float] | None]:
    """Estimates which characters each token of a text stands for, by the lengths of the tokens of its word."""
    lengths = [_length(piece) for piece in pieces]
    of_word: dict[int, list[int]] = {}
    for token, word in enumerate(words):
        of_word.setdefault(word, []).append(token)
    places: list[tuple[float, float] | None] = [None] * len(words)
    for word, tokens in of_word.items():
        if not 0 <= word < len(spans):
            continue
        start, stop = spans[word]
        ends = [0.0, *accumulate(lengths[token] for token in tokens)]
        scale = (stop - start) / ends[-1]
        for number, token in enumerate(tokens):
            places[token] = start + ends[number] * scale, start + ends[number + 1] * scale
    return places


def _length(piece: str) -> float:
    if len(piece) == 6 and piece.startswith("<0x"):
        return 0.5
    return len(piece.replace("▁", "")) or 0.1


def _shares(places: Sequence[tuple[float, float] | None], of: Sequence[Atom]) -> Weights:
    """Distributes tokens over atoms, as a (tokens, atoms) matrix."""
    shares = np.zeros((len(places), len(of)))
    stops = [atom.stop for atom in of]
    for token, place in enumerate(places):
        if place is None:
            continue
        start, stop = place
        number = bisect_right(stops, start + 1e-6)
        while number < len(of) and of[number].start < stop - 1e-6:
            shares[token, number] = (min(stop, of[number].stop) - max(start, of[number].start)) / (stop - start)
            number += 1
    return shares
