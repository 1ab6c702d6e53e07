"""Numbers, addresses and tags of the source carried over into its translation, where attention shows their place.

Nothing is put where no word looked: an item of the source stands in the translation already, or takes the place of
something of its kind (or of an unknown word) that looked at it most, or is missing, and stays so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import NamedTuple

from nmt.alignment.words import word_blocks
from nmt.postprocessing.editing import Edit, word_spans
from nmt.postprocessing.entities import Item, core, is_fragment, mangled_core, pieces_of, resembles, tag_pairs
from nmt.postprocessing.matching import match_items, placed_items
from nmt.postprocessing.unknown_words import UnknownWord
from nmt.translation.result import Output


class Copied(NamedTuple):
    """What became of the items of a line.

    Attributes:
        edits: what is put in, in the order of the text.
        missing: words of the source with an item that is not in the translation, ascending.
    """

    edits: list[Edit]
    missing: list[int]


def copy_items(source: str, output: Output, unknown: Sequence[UnknownWord], kinds: Collection[str]) -> Copied:
    """How the items of some `kinds` (see `nmt.postprocessing.entities`) get from the source into the output."""
    copying = _Copying(source, output, unknown)
    places = [place for place, one in enumerate(copying.source) if one.item.kind in kinds]
    for place in places:
        copying.put(place)
    copying.order_tags()
    missing = {copying.source[place].word for place in places if not copying.is_there(place)}
    return Copied(sorted(copying.edits.values()), sorted(missing))


class _Copying:
    """The items of a line and of its translation, and what was put in so far.

    Attributes:
        source, target: the items of both.
        edits: by the place of their items in `source`.
    """

    def __init__(self, source: str, output: Output, unknown: Sequence[UnknownWord]) -> None:
        self._words = source.split()
        self._text, self._spans = output.text, word_spans(output.text)
        self._looked_at, self._weights = _most_looked_at(output, len(self._spans.starts))
        self.source = placed_items(source, word_spans(source))
        self.target = placed_items(output.text, self._spans)
        self._matched, self._used = match_items(self.source, self.target, (source, output.text), self._looked_at)
        self.edits: dict[int, Edit] = {}
        self._copied_words: set[int] = set()  # of the source, in place of an unknown word
        self._kept = {self.target[place].word for place in self._used}  # words of the text that hold what stays
        self._gone: set[int] = set()  # words of the text that were replaced as a whole
        self._unknown = {one.source_word: one for one in reversed(unknown)}
        self._looking: dict[int, list[int]] = defaultdict(list)
        for word, most in enumerate(self._looked_at):
            self._looking[most].append(word)
        self._candidates: dict[tuple[int, str], list[int]] = defaultdict(list)  # places in `target`, the best last
        unused = [place for place in range(len(self.target)) if place not in self._used]
        for place in sorted(unused, key=lambda place: (self._weights[self.target[place].word], -place)):
            found = self.target[place]
            self._candidates[self._looked_at[found.word], found.item.kind].append(place)

    def is_there(self, place: int) -> bool:
        """Whether an item of the source stands in the translation, or was put there."""
        return place in self._matched or place in self.edits or self.source[place].word in self._copied_words

    def put(self, place: int) -> None:
        """Puts an item of the source into the translation, if it is not there and something in it shows where."""
        if self.is_there(place):
            return
        item, word = self.source[place]
        start, stop = core(self._words[word])
        is_alone = item.kind != "numbers" and self._words[word][start:stop] == item.text
        edit = self._in_place_of_words(item, word) if is_alone else None
        edit = edit or self._in_place_of_its_kind(item, word) or self._in_place_of_unknown(word)
        if edit:
            self.edits[place] = edit

    def order_tags(self) -> None:
        """Sees that no tag that was put in closes before it is opened.

        Two that were both put in change places; one that fits no other is taken out again.
        """
        places = [place for place, one in enumerate(self.source) if one.item.kind == "tags"]
        for first, second in tag_pairs([self.source[place].item for place in places]):
            opening, closing = places[first], places[second]
            before, after = self._stands_at(opening), self._stands_at(closing)
            if before is None or after is None or before < after:
                continue
            one, other = self.edits.get(opening), self.edits.get(closing)
            if one and other:
                self.edits[opening] = one._replace(start=other.start, stop=other.stop)
                self.edits[closing] = other._replace(start=one.start, stop=one.stop)
            else:
                self.edits.pop(opening, None)
                self.edits.pop(closing, None)

    def _stands_at(self, place: int) -> int | None:
        if place in self.edits:
            return self.edits[place].start
        return self.target[self._matched[place]].item.start if place in self._matched else None

    def _in_place_of_its_kind(self, item: Item, word: int) -> Edit | None:
        """In place of an item of its kind that is in no other's place; the rest of that word stays."""
        candidates = self._candidates[word, item.kind]
        while candidates:
            found = self.target[candidates.pop()]
            if found.word not in self._gone:
                self._kept.add(found.word)
                return Edit(found.item.start, found.item.stop, item.text, word)
        return None

    def _in_place_of_words(self, item: Item, word: int) -> Edit | None:
        """In place of a word that may be a mangled one of its kind, and of its neighbours that may be pieces of it."""
        free = {place for place in self._looking[word] if place not in self._kept and place not in self._gone}
        resembling = {place for place in free if resembles(self._word(place), item.kind)}
        if not resembling:
            return None
        pieces = pieces_of(item.text)
        belonging = resembling | {place for place in free if is_fragment(self._word(place), pieces)}
        first = last = max(resembling, key=lambda place: (self._weights[place], -place))
        while first - 1 in belonging:
            first -= 1
        while last + 1 in belonging:
            last += 1
        while first not in resembling and not pieces_of(self._word(first)):
            first += 1
        while last not in resembling and not pieces_of(self._word(last)):
            last -= 1
        self._gone.update(range(first, last + 1))
        start, _ = mangled_core(self._word(first), item.kind)
        _, stop = mangled_core(self._word(last), item.kind)
        return Edit(self._spans.starts[first] + start, self._spans.starts[last] + stop, item.text, word)

    def _in_place_of_unknown(self, word: int) -> Edit | None:
        """The source word, with all it holds, in place of an unknown word."""
        found = self._unknown.get(word)
        if found is None or found.word in self._kept or found.word in self._gone:
            return None
        self._gone.add(found.word)
        self._copied_words.add(word)
        start, stop = (0, None) if found.stands_for_all else core(self._words[word])
        return Edit(found.start, found.stop, self._words[word][start:stop], word)

    def _word(self, place: int) -> str:
        return self._text[self._spans.starts[place] : self._spans.stops[place]]


def _most_looked_at(output: Output, words: int) -> tuple[list[int], list[float]]:
    """Of each word of the text the source word it looked at most (-1 without attention), and how much."""
    looked_at, most = [-1] * words, [0.0] * words
    for target, source, weights in word_blocks(output.parts or ()):
        looked_at[target : target + len(weights)] = (source + weights.argmax(axis=1)).tolist()
        most[target : target + len(weights)] = weights.max(axis=1).tolist()
    return looked_at, most
