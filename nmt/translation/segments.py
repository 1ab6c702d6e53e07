"""Between text and the model: lines become segments of tokens, and their hypotheses become translations of lines.

A line is one segment, unless it is cut into its sentences, where that is asked for; and what has more tokens than the
model was trained for is cut at white space. A line or a sentence without a letter passes unchanged, without asking the
model.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nmt.config import Config
from nmt.io.lines import is_blank, output_line, without_surrogates
from nmt.search.hypothesis import Hypothesis
from nmt.tokenization.tokenizers import Tokenizers
from nmt.translation.joined_text import JoinedText
from nmt.translation.options import TranslateOptions
from nmt.translation.result import Annotations, Attention, Output, SegmentAttention, Translation, by_utility
from nmt.translation.sentences import joined_where, sentences, writes_spaces
from nmt.translation.terms import GlossaryTerms, SegmentTerm

if TYPE_CHECKING:
    from torch import Tensor

    from nmt.search.shortlist import RestrictedVocabularies, Shortlist
    from nmt.translation.ensemble import EnsembleState

_WORD = re.compile(r"\S+")


class Segment(NamedTuple):
    """A line, a sentence of one, or a piece of one of these that is too long for the model."""

    line: int  # the line's index among those translated
    key: tuple[int, int]  # the line's number and the segment's place in the line, from 0
    ids: list[int]  # its tokens, without marks
    words: list[int]  # for each token its word in the line; filled if attention is kept or the line was cut
    prefix: list[int]  # target tokens that its translation must begin with
    candidates: NDArray[np.int64] | None  # target tokens that it may be translated to, ascending; None for all
    before: str = ""  # what stands between its translation and that of the segment before
    unchanged: str = ""  # text that passes without being translated; such a segment has no `ids`, and a word a token
    terms: tuple[SegmentTerm, ...] = ()  # of the glossary


def longest_translation(segment: Segment, options: TranslateOptions) -> int:
    """Returns the maximum number of tokens of a segment's translation, which is more than its prefix has."""
    limit = int(len(segment.ids) * options.search.max_length_ratio + 10)
    return max(min(limit, options.search.max_length), len(segment.prefix) + 1)


class EncodedSegments(NamedTuple):
    """A batch of segments after the encoder, before the first word of their translations."""

    state: EnsembleState
    source_lengths: Tensor  # (B,) int64, end marks counted, a tag not
    vocabularies: RestrictedVocabularies | None  # None for the whole vocabulary
    tag: str | None = None  # before each source


class SegmentResult(NamedTuple):
    """A segment with the hypotheses that a search found for it, best first."""

    segment: Segment
    hypotheses: list[Hypothesis]


class _Cut(NamedTuple):
    """The source side of a segment; its fields are those of `Segment`."""

    ids: list[int]
    words: list[int]
    before: str = " "
    unchanged: str = ""
    terms: tuple[SegmentTerm, ...] = ()


class _Written(NamedTuple):
    """The target side of a segment, where the last three are filled with attention only.

    Attributes:
        text: its translation.
        tokens: the same as the tokenizer spells it.
        of_tokens: for each token its word in `text`.
        weights: (tokens, source tokens and the end mark) attention.
        unknown: tokens that stand for a word the model does not know.
    """

    text: str
    tokens: tuple[str, ...]
    of_tokens: Sequence[int] = ()
    weights: Attention = np.zeros((0, 0), np.float32)
    unknown: tuple[int, ...] = ()


@dataclass(frozen=True)
class LineSegmenter:
    """Cuts lines into segments, and joins the results of a line's segments."""

    tokenizers: Tokenizers
    config: Config  # of the model
    shortlist: Shortlist | None
    has_attention: bool
    terms: GlossaryTerms

    @property
    def longest(self) -> int:
        """Maximum number of tokens of a segment, marks aside."""
        return self.config.data.max_length

    def segments(
        self, lines: Sequence[str], prefixes: Sequence[str] | None, numbers: Sequence[int], options: TranslateOptions
    ) -> Iterator[Segment]:
        """Yields the segments of `lines`, none of a blank one; arguments are those of `Translator.translate`."""
        source, target = self.tokenizers
        texts = ["" if is_blank(line) else line for line in lines]
        prefix_ids = [[]] * len(lines) if prefixes is None else target.encode(prefixes)
        for line, (number, ids, prefix) in enumerate(zip(numbers, source.encode(texts), prefix_ids, strict=True)):
            if not ids:
                continue
            for place, cut in enumerate(self._cuts(texts[line], ids, options, is_forced=bool(prefix))):
                own_prefix, key = [] if place else prefix, (int(number), place)
                candidates = self._candidates(cut, own_prefix, options.search.shortlist)
                others = cut.before, cut.unchanged, cut.terms
                yield Segment(line, key, cut.ids, cut.words, own_prefix, candidates, *others)

    def _cuts(self, text: str, ids: list[int], options: TranslateOptions, *, is_forced: bool) -> Iterator[_Cut]:
        """Yields what becomes the segments of a line of these tokens, for which `is_forced` tells of a prefix."""
        is_asked = options.translate_all or is_forced or has_letters(text) or self.terms.find(text, options.glossary)
        if not is_asked:
            yield from _unchanged_cuts(text, self.longest)
        elif options.split_sentences:
            yield from self._sentence_cuts(without_surrogates(text), options, is_forced=is_forced)
        else:
            yield from self._word_cuts(text, ids, options)

    def _sentence_cuts(self, text: str, options: TranslateOptions, *, is_forced: bool) -> Iterator[_Cut]:
        """Cuts a line into its sentences, each of them as a line of its own would be."""
        are_counted = options.attention or options.glossary is not None
        stops = [word.end() for word in _WORD.finditer(text)] if are_counted else []
        usual = " " if writes_spaces(self.config.data.target_language) else ""
        one, before = replace(options, split_sentences=False), ""
        pieces = sentences(text, self.config.data.source_language)
        if options.glossary is not None and len(pieces) > 1:
            pieces = joined_where(pieces, text, [(term.start, term.stop) for term in options.glossary.find(text)])
        for place, sentence in enumerate(pieces):
            before += sentence.before
            [ids] = self.tokenizers.source.encode([sentence.text])
            if not ids:
                continue
            first_word = bisect_right(stops, sentence.start)
            for number, cut in enumerate(self._cuts(sentence.text, ids, one, is_forced=is_forced and place == 0)):
                words = [first_word + word for word in cut.words]
                terms = tuple(term.moved(first_word) for term in cut.terms)
                yield cut._replace(words=words, before=cut.before if number else before or usual, terms=terms)
            before = ""

    def _word_cuts(self, text: str, ids: list[int], options: TranslateOptions) -> Iterator[_Cut]:
        """Cuts text at the ends of words where it has too many tokens."""
        words: list[int] = []
        found = self.terms.find(text, options.glossary)
        if options.attention or len(ids) > self.longest:
            ids, words = self.tokenizers.source.encode_with_words(text)
        cuts = cut_at_words(words, self.longest) if len(ids) > self.longest else [(0, len(ids))]
        for (start, stop), terms in zip(cuts, self.terms.of_cuts(text, found, cuts), strict=True):
            yield _Cut(ids[start:stop], words[start:stop], terms=terms)

    def _candidates(self, cut: _Cut, prefix: list[int], count: int) -> NDArray[np.int64] | None:
        """Returns the tokens that a segment may be translated to, with its prefix's and, if shared, its own."""
        if not count or self.shortlist is None:
            return None
        others = [*prefix, *(cut.ids if self.tokenizers.are_shared else ())]
        return self.shortlist.candidates([*cut.ids, self.tokenizers.source.special.eos], others, count)

    def results(
        self,
        lines: Sequence[str],
        prefixes: Sequence[str] | None,
        numbers: Sequence[int],
        options: TranslateOptions,
        find: Callable[[list[Segment]], list[list[Hypothesis]]],
    ) -> list[list[SegmentResult]]:
        """Returns the segments of each line with the hypotheses that `find` finds; none of one that passes unchanged.

        The other arguments are those of `segments`.
        """
        segments = list(self.segments(lines, prefixes, numbers, options))
        searched = [place for place, segment in enumerate(segments) if not segment.unchanged]
        hypotheses = dict(zip(searched, find([segments[place] for place in searched]), strict=True))
        of_lines: list[list[SegmentResult]] = [[] for _ in lines]
        for place, segment in enumerate(segments):
            of_lines[segment.line].append(SegmentResult(segment, hypotheses.get(place, [])))
        return of_lines

    def translation(self, line: str, results: Sequence[SegmentResult], options: TranslateOptions) -> Translation:
        """Joins the results of a search with these options for the segments of a line, which is blank without any."""
        if not results:
            return Translation(line, (), annotations=Annotations(terms=None if options.glossary is None else ()))
        # What passes unchanged has one translation, which stands beside each of the others.
        count = min((len(one.hypotheses) for one in results if not one.segment.unchanged), default=1)
        outputs = [self._join(results, place, options) for place in range(count)]
        if options.glossary is not None:
            terms = [term for segment, _ in results for term in segment.terms]
            outputs = [self.terms.judge(output, terms) for output in outputs]
        if len(results) > 1 and (options.mbr or options.sampling is None):
            # The first stays, so that it does not depend on the number of translations.
            key = by_utility if options.mbr else lambda output: -output.score
            outputs[1:] = sorted(outputs[1:], key=key)
        if not options.attention:
            return Translation(line, tuple(outputs))
        piece = self.tokenizers.source.piece
        of_segments = (segment.unchanged.split() or map(piece, segment.ids) for segment, _ in results)
        return Translation(line, tuple(outputs), tuple(chain.from_iterable(of_segments)))

    def _join(self, results: Sequence[SegmentResult], place: int, options: TranslateOptions) -> Output:
        """Makes one output of the hypothesis of each segment that has this place."""
        has_attention = options.attention and self.has_attention
        joined = JoinedText()
        tokens: list[str] = []
        attention: list[SegmentAttention] = []
        hypotheses = [of_segment[place] for segment, of_segment in results if not segment.unchanged]
        for segment, of_segment in results:
            written = _unchanged(segment) if segment.unchanged else self._written(segment, of_segment[place])
            tokens += written.tokens
            words = joined.append(written.text, segment.before)
            if has_attention:
                # A word that two segments share, for want of white space between them, belongs to the first.
                numbers = [joined.first_word + word if word >= 0 else -1 for word in written.of_tokens]
                of_text = tuple(number if number in words else -1 for number in numbers)
                of_source = tuple(segment.words)
                attention.append(SegmentAttention(written.weights, of_source, of_text, words, written.unknown))
        text = output_line("".join(joined.pieces))
        log_probability = sum((hypothesis.log_probability for hypothesis in hypotheses), 0.0)
        score, ends = joined_score(hypotheses, options), sum(hypothesis.finished for hypothesis in hypotheses)
        is_cut, utility = ends < len(hypotheses), joined_utility(hypotheses) if options.mbr else None
        return Output(text, score, log_probability, tuple(tokens), tuple(attention) or None, ends, is_cut, utility)

    def _written(self, segment: Segment, hypothesis: Hypothesis) -> _Written:
        """Makes text of a hypothesis."""
        target, ids = self.tokenizers.target, hypothesis.tokens
        tokens = tuple(map(target.piece, ids))
        if hypothesis.attention is None:
            return _Written(target.decode(ids), tokens)
        text, of_tokens = target.decode_with_words(ids)
        weights = hypothesis.attention.numpy()[: len(ids), : len(segment.ids) + 1]
        unknown = tuple(place for place, token in enumerate(ids) if token == target.special.unk)
        return _Written(text, tokens, of_tokens, weights, unknown)


def has_letters(text: str) -> bool:
    """Returns whether a text has a letter of any script; digits, signs and emoji alone are no language."""
    return any(map(str.isalpha, text))


def _unchanged_cuts(text: str, longest: int) -> Iterator[_Cut]:
    """Cuts text that passes unchanged into segments of at most so many words, which together are the text."""
    begins = [word.start() for word in _WORD.finditer(text)]
    for first in range(0, len(begins), longest):
        following = min(first + longest, len(begins))
        stop = begins[following] if following < len(begins) else len(text)
        yield _Cut([], list(range(first, following)), "", text[begins[first] if first else 0 : stop])


def _unchanged(segment: Segment) -> _Written:
    """Returns the words of a segment that passes unchanged as its tokens, each of which attends to itself."""
    tokens = tuple(segment.unchanged.split())
    weights = np.eye(len(tokens), len(tokens) + 1, dtype=np.float32)
    return _Written(segment.unchanged, tokens, range(len(tokens)), weights)


def joined_score(hypotheses: Sequence[Hypothesis], options: TranslateOptions) -> float:
    """Scores hypotheses as one: normalised by the length of all of them, with the coverage penalty of each.

    Without any, where all passes unchanged, the score is 0, that of what is certain.
    """
    if len(hypotheses) <= 1:
        return hypotheses[0].score if hypotheses else 0.0
    exponent = options.search.length_penalty
    score = sum(one.log_probability for one in hypotheses) / math.pow(sum(one.length for one in hypotheses), exponent)
    if options.search.coverage_penalty:
        score += sum(one.score - one.log_probability / math.pow(one.length, exponent) for one in hypotheses)
    return score


def joined_utility(hypotheses: Sequence[Hypothesis]) -> float:
    """Returns the mean of the expected utilities of hypotheses; 100 without any, where all passes unchanged."""
    utilities = [one.utility for one in hypotheses if one.utility is not None]
    return sum(utilities) / len(utilities) if utilities else 100.0


def cut_at_words(words: Sequence[int], longest: int) -> list[tuple[int, int]]:
    """Cuts tokens into the fewest segments of at most `longest` that end where a word ends, as (start, stop).

    `words` names for each token its word, never falling. A single word of more than `longest` tokens is cut inside.
    """
    cuts, start = [], 0
    while start < len(words):
        stop = min(start + longest, len(words))
        if stop < len(words):
            ends = [end for end in range(start + 1, stop + 1) if words[end] != words[end - 1]]
            stop = ends[-1] if ends else stop
        cuts.append((start, stop))
        start = stop
    return cuts
