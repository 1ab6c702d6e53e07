"""Between text and the model: lines as parts of tokens, and what was found for the parts as translations of lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nmt.io.lines import is_blank, output_line
from nmt.search.hypothesis import Hypothesis
from nmt.search.shortlist import Shortlist
from nmt.tokenization.tokenizer import Tokenizer
from nmt.translation.result import Output, SegmentAttention, TranslateOptions, Translation, cut_at_words, joined_score


class Part(NamedTuple):
    """A line, or a piece of one that is too long for the model."""

    line: int  # its place in what is translated, from 0
    key: tuple[int, int]  # the line's number and the part's in it, from 0
    ids: list[int]
    words: list[int]  # for each token its word in the line
    prefix: list[int]
    candidates: NDArray[np.int64] | None  # the target tokens it may be translated to; None for all


class Found(NamedTuple):
    """What a search found for a line."""

    line: str
    parts: list[Part]  # none where there is nothing to translate
    hypotheses: list[list[Hypothesis]]  # of each part


class Tokenizers(NamedTuple):
    """The tokenizers of both sides; one and the same where they share a vocabulary."""

    source: Tokenizer
    target: Tokenizer

    def parts(
        self,
        lines: Sequence[str],
        prefixes: Sequence[str] | None,
        numbers: Sequence[int],
        options: TranslateOptions,
        *,
        longest: int,
        shortlist: Shortlist | None,
    ) -> Iterator[Part]:
        """The parts of `lines`, none of a blank one, each of at most `longest` tokens."""
        texts = ["" if is_blank(line) else line for line in lines]
        of_lines = self.source.encode(texts)
        beginnings = [[]] * len(lines) if prefixes is None else self.target.encode(prefixes)
        for line, (number, ids, beginning) in enumerate(zip(numbers, of_lines, beginnings, strict=True)):
            if not ids:
                continue
            words: list[int] = []
            if options.attention or len(ids) > longest:
                ids, words = self.source.encode_with_words(texts[line])
            cuts = cut_at_words(words, longest) if len(ids) > longest else [(0, len(ids))]
            for part, (start, stop) in enumerate(cuts):
                prefix, own = [] if part else beginning, ids[start:stop]
                candidates = None
                if options.shortlist and shortlist is not None:
                    candidates = self._candidates(own, prefix, shortlist, options.shortlist)
                yield Part(line, (int(number), part), own, words[start:stop], prefix, candidates)

    def _candidates(self, source: list[int], prefix: list[int], shortlist: Shortlist, count: int) -> NDArray[np.int64]:
        """What a sentence may be translated to: what begins it, and with one vocabulary its own tokens, too."""
        others = prefix + (source if self.source is self.target else [])
        return shortlist.candidates([*source, self.source.eos_id], others, count)

    def translation(self, found: Found, options: TranslateOptions) -> Translation:
        """The translations of a line that a search with these options found."""
        line, parts, hypotheses_of_parts = found
        if not parts:
            return Translation(line, ())
        outputs = [self._join(parts, hypotheses, options) for hypotheses in zip(*hypotheses_of_parts, strict=False)]
        if len(parts) > 1 and options.sampling is None:
            # The first stays, so that it does not depend on how many are asked for.
            outputs[1:] = sorted(outputs[1:], key=lambda output: -output.score)
        if not options.attention:
            return Translation(line, tuple(outputs))
        ids = [token for part in parts for token in part.ids]
        return Translation(line, tuple(outputs), tuple(map(self.source.piece, ids)))

    def _join(self, parts: list[Part], hypotheses: Sequence[Hypothesis], options: TranslateOptions) -> Output:
        """One output of the hypotheses of a line's parts."""
        texts: list[str] = []
        attention: list[SegmentAttention] = []
        count = 0
        for part, hypothesis in zip(parts, hypotheses, strict=True):
            if hypothesis.attention is None:
                texts.append(self.target.decode(hypothesis.tokens))
                continue
            text, of_tokens = self.target.decode_with_words(hypothesis.tokens)
            texts.append(text)
            words = range(count, count + len(text.split()))
            weights = hypothesis.attention.numpy()[: len(hypothesis.tokens), : len(part.ids) + 1]
            of_text = tuple(words[word] if word >= 0 else -1 for word in of_tokens)
            unknown = tuple(place for place, token in enumerate(hypothesis.tokens) if token == self.target.unk_id)
            attention.append(SegmentAttention(weights, tuple(part.words), of_text, words, unknown))
            count = words.stop
        tokens = tuple(self.target.piece(token) for hypothesis in hypotheses for token in hypothesis.tokens)
        text = output_line(" ".join(filter(None, texts)))
        log_probability = sum(hypothesis.log_probability for hypothesis in hypotheses)
        score, ends = joined_score(hypotheses, options), sum(hypothesis.finished for hypothesis in hypotheses)
        return Output(text, score, log_probability, tokens, tuple(attention) or None, ends, ends < len(hypotheses))
