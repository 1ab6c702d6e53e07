"""Between text and the model: lines become segments of tokens, and their hypotheses become translations of lines.

A line is one segment, unless it has more tokens than the model was trained for: then it is cut at white space.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from nmt.io.lines import is_blank, output_line
from nmt.model.seq2seq import SearchState
from nmt.search.hypothesis import Hypothesis
from nmt.search.shortlist import RestrictedVocabularies, Shortlist
from nmt.tokenization.tokenizers import Tokenizers
from nmt.translation.options import TranslateOptions
from nmt.translation.result import Output, SegmentAttention, Translation


class Segment(NamedTuple):
    """A line, or a piece of one that is too long for the model."""

    line: int  # the line's index among those translated
    key: tuple[int, int]  # the line's number and the segment's place in the line, from 0
    ids: list[int]  # its tokens, without marks
    words: list[int]  # for each token its word in the line; filled if attention is kept or the line was cut
    prefix: list[int]  # target tokens that its translation must begin with
    candidates: NDArray[np.int64] | None  # target tokens that it may be translated to, ascending; None for all


class EncodedSegments(NamedTuple):
    """A batch of segments after the encoder, before the first word of their translations."""

    state: SearchState
    source_lengths: Tensor  # (B,) int64, end marks counted
    vocabularies: RestrictedVocabularies | None  # None for the whole vocabulary


class SegmentResult(NamedTuple):
    """A segment with the hypotheses that a search found for it, best first."""

    segment: Segment
    hypotheses: list[Hypothesis]


@dataclass(frozen=True)
class LineSegmenter:
    """Cuts lines into segments, and joins the results of a line's segments."""

    tokenizers: Tokenizers
    longest: int  # maximum number of tokens of a segment, marks aside
    shortlist: Shortlist | None

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
            words: list[int] = []
            if options.attention or len(ids) > self.longest:
                ids, words = source.encode_with_words(texts[line])
            cuts = cut_at_words(words, self.longest) if len(ids) > self.longest else [(0, len(ids))]
            for place, (start, stop) in enumerate(cuts):
                own_prefix, own = [] if place else prefix, ids[start:stop]
                candidates = self._candidates(own, own_prefix, options.search.shortlist)
                yield Segment(line, (int(number), place), own, words[start:stop], own_prefix, candidates)

    def _candidates(self, ids: list[int], prefix: list[int], count: int) -> NDArray[np.int64] | None:
        """Returns the tokens that a segment may be translated to: with its prefix's and, if shared, its own."""
        if not count or self.shortlist is None:
            return None
        others = prefix + (ids if self.tokenizers.are_shared else [])
        return self.shortlist.candidates([*ids, self.tokenizers.source.special.eos], others, count)

    def translation(self, line: str, results: Sequence[SegmentResult], options: TranslateOptions) -> Translation:
        """Joins the results of a search with these options for the segments of a line, which is blank without any."""
        if not results:
            return Translation(line, ())
        together = zip(*(result.hypotheses for result in results), strict=False)
        outputs = [self._join(results, hypotheses, options) for hypotheses in together]
        if len(results) > 1 and options.sampling is None:
            # The first stays, so that it does not depend on the number of translations.
            outputs[1:] = sorted(outputs[1:], key=lambda output: -output.score)
        if not options.attention:
            return Translation(line, tuple(outputs))
        ids = [token for result in results for token in result.segment.ids]
        return Translation(line, tuple(outputs), tuple(map(self.tokenizers.source.piece, ids)))

    def _join(
        self, results: Sequence[SegmentResult], hypotheses: Sequence[Hypothesis], options: TranslateOptions
    ) -> Output:
        """Makes one output of a hypothesis of each segment."""
        target = self.tokenizers.target
        texts: list[str] = []
        attention: list[SegmentAttention] = []
        count = 0  # of words
        for result, hypothesis in zip(results, hypotheses, strict=True):
            if hypothesis.attention is None:
                texts.append(target.decode(hypothesis.tokens))
                continue
            text, of_tokens = target.decode_with_words(hypothesis.tokens)
            texts.append(text)
            words = range(count, count + len(text.split()))
            of_text = tuple(words[word] if word >= 0 else -1 for word in of_tokens)
            weights = hypothesis.attention.numpy()[: len(hypothesis.tokens), : len(result.segment.ids) + 1]
            unknown = tuple(place for place, token in enumerate(hypothesis.tokens) if token == target.special.unk)
            attention.append(SegmentAttention(weights, tuple(result.segment.words), of_text, words, unknown))
            count = words.stop
        tokens = tuple(target.piece(token) for hypothesis in hypotheses for token in hypothesis.tokens)
        text = output_line(" ".join(filter(None, texts)))
        log_probability = sum(hypothesis.log_probability for hypothesis in hypotheses)
        score, ends = joined_score(hypotheses, options), sum(hypothesis.finished for hypothesis in hypotheses)
        return Output(text, score, log_probability, tokens, tuple(attention) or None, ends, ends < len(hypotheses))


def joined_score(hypotheses: Sequence[Hypothesis], options: TranslateOptions) -> float:
    """Scores hypotheses as one: normalised by the length of all of them, with the coverage penalty of each."""
    if len(hypotheses) == 1:
        return hypotheses[0].score
    exponent = options.search.length_penalty
    score = sum(one.log_probability for one in hypotheses) / math.pow(sum(one.length for one in hypotheses), exponent)
    if options.search.coverage_penalty:
        score += sum(one.score - one.log_probability / math.pow(one.length, exponent) for one in hypotheses)
    return score


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
