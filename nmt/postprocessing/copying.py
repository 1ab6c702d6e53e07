"""Numbers, addresses and tags of the source, carried over to where attention shows their place in the translation.

An entity of the source stands in the translation already, or replaces something of its kind (or an unknown word) that
attended to it most. Otherwise it is missing, and stays so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import NamedTuple

from nmt.alignment.word_attention import word_blocks
from nmt.postprocessing.editing import Edit, word_spans
from nmt.postprocessing.entities import Entity, core, is_fragment, mangled_core, pieces_of, resembles, tag_pairs
from nmt.postprocessing.matching import match_entities, placed_entities
from nmt.postprocessing.unknown_words import UnknownWord
from nmt.translation.result import Output


class Copied(NamedTuple):
    """The entities of a line, carried over and missing."""

    edits: list[Edit]  # replacements by entities, in the order of the text
    missing: list[int]  # words of the source with an entity that is not in the translation, ascending


def copy_entities(source: str, output: Output, unknown: Sequence[UnknownWord], kinds: Collection[str]) -> Copied:
    """Finds the edits that carry entities of some `kinds` (see `nmt.postprocessing.entities`) over into the output."""
    copying = _Copying(source, output, unknown)
    indices = [index for index, one in enumerate(copying.source) if one.entity.kind in kinds]
    for index in indices:
        copying.carry_over(index)
    copying.order_tags()
    missing = {copying.source[index].word for index in indices if not copying.is_present(index)}
    return Copied(sorted(copying.edits.values()), sorted(missing))


class _Copying:
    """The entities of a line and of its translation, and the edits found so far.

    Attributes:
        source, target: the entities of each.
        edits: by the index of their entity in `source`.
    """

    def __init__(self, source: str, output: Output, unknown: Sequence[UnknownWord]) -> None:
        self._words = source.split()
        self._text, self._spans = output.text, word_spans(output.text)
        self._attended, self._weights = _most_attended(output, len(self._spans.starts))
        self.source = placed_entities(source, word_spans(source))
        self.target = placed_entities(output.text, self._spans)
        self._matched, self._used = match_entities(self.source, self.target, (source, output.text), self._attended)
        self.edits: dict[int, Edit] = {}
        self._copied_words: set[int] = set()  # of the source, which replace an unknown word
        self._kept = {self.target[index].word for index in self._used}  # words of the text with an entity that stays
        self._replaced: set[int] = set()  # words of the text, replaced as a whole
        self._unknown = {one.source_word: one for one in reversed(unknown)}
        self._attending: dict[int, list[int]] = defaultdict(list)
        for word, most in enumerate(self._attended):
            self._attending[most].append(word)
        self._candidates: dict[tuple[int, str], list[int]] = defaultdict(list)  # indices in `target`, the best last
        unused = [index for index in range(len(self.target)) if index not in self._used]
        for index in sorted(unused, key=lambda index: (self._weights[self.target[index].word], -index)):
            found = self.target[index]
            self._candidates[self._attended[found.word], found.entity.kind].append(index)

    def is_present(self, index: int) -> bool:
        """Returns whether an entity of the source stands in the translation, or was carried over."""
        return index in self._matched or index in self.edits or self.source[index].word in self._copied_words

    def carry_over(self, index: int) -> None:
        """Carries an entity of the source over, if it is absent and something in the translation attended to it."""
        if self.is_present(index):
            return
        entity, word = self.source[index]
        start, stop = core(self._words[word])
        is_alone = entity.kind != "numbers" and self._words[word][start:stop] == entity.text
        edit = self._in_place_of_words(entity, word) if is_alone else None
        edit = edit or self._in_place_of_its_kind(entity, word) or self._in_place_of_unknown(word)
        if edit:
            self.edits[index] = edit

    def order_tags(self) -> None:
        """Sees to it that no tag that was carried over closes before it is opened.

        Two tags that were both carried over are exchanged; one without its counterpart is taken out again.
        """
        indices = [index for index, one in enumerate(self.source) if one.entity.kind == "tags"]
        for first, second in tag_pairs([self.source[index].entity for index in indices]):
            opening, closing = indices[first], indices[second]
            before, after = self._stands_at(opening), self._stands_at(closing)
            if before is None or after is None or before < after:
                continue
            one, other = self.edits.pop(opening, None), self.edits.pop(closing, None)
            if one and other:
                self.edits[opening] = one._replace(start=other.start, stop=other.stop)
                self.edits[closing] = other._replace(start=one.start, stop=one.stop)

    def _stands_at(self, index: int) -> int | None:
        if index in self.edits:
            return self.edits[index].start
        return self.target[self._matched[index]].entity.start if index in self._matched else None

    def _in_place_of_its_kind(self, entity: Entity, word: int) -> Edit | None:
        """Replaces an entity of the same kind that matches no other; the rest of that word stays."""
        candidates = self._candidates[word, entity.kind]
        while candidates:
            found = self.target[candidates.pop()]
            if found.word not in self._replaced:
                self._kept.add(found.word)
                return Edit(found.entity.start, found.entity.stop, entity.text, word)
        return None

    def _in_place_of_words(self, entity: Entity, word: int) -> Edit | None:
        """Replaces a word that may be a mangled entity of its kind, with neighbours that may be pieces of it."""
        free = set(self._attending[word]) - self._kept - self._replaced
        resembling = {index for index in free if resembles(self._word(index), entity.kind)}
        if not resembling:
            return None
        pieces = pieces_of(entity.text)
        belonging = resembling | {index for index in free if is_fragment(self._word(index), pieces)}
        first = last = max(resembling, key=lambda index: (self._weights[index], -index))
        while first - 1 in belonging:
            first -= 1
        while last + 1 in belonging:
            last += 1
        while first not in resembling and not pieces_of(self._word(first)):
            first += 1
        while last not in resembling and not pieces_of(self._word(last)):
            last -= 1
        self._replaced.update(range(first, last + 1))
        start, _ = mangled_core(self._word(first), entity.kind)
        _, stop = mangled_core(self._word(last), entity.kind)
        return Edit(self._spans.starts[first] + start, self._spans.starts[last] + stop, entity.text, word)

    def _in_place_of_unknown(self, word: int) -> Edit | None:
        """Replaces an unknown word by the source word as a whole."""
        found = self._unknown.get(word)
        if found is None or found.word in self._kept or found.word in self._replaced:
            return None
        self._replaced.add(found.word)
        self._copied_words.add(word)
        start, stop = (0, None) if found.stands_for_all else core(self._words[word])
        return Edit(found.start, found.stop, self._words[word][start:stop], word)

    def _word(self, index: int) -> str:
        return self._text[self._spans.starts[index] : self._spans.stops[index]]


def _most_attended(output: Output, words: int) -> tuple[list[int], list[float]]:
    """Finds for each word of the text the source word it attended to most (-1 without attention), and how much."""
    attended, most = [-1] * words, [0.0] * words
    for target, source, weights in word_blocks(output.segments or ()):
        attended[target : target + len(weights)] = (source + weights.argmax(axis=1)).tolist()
        most[target : target + len(weights)] = weights.max(axis=1).tolist()
    return attended, most
