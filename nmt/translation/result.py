"""A line with its translations, and what was asked of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from nmt.config import SearchConfig
from nmt.search.hypothesis import Hypothesis
from nmt.search.sampling import SamplingOptions

Attention = NDArray[np.float32]


@dataclass(frozen=True)
class TranslateOptions:
    """How to translate; see the section `search` of the configuration, from which `of` takes the values.

    Attributes:
        n_best: translations of each line; the beam is as wide at least.
        sampling: draw translations at random instead of searching for the best.
        attention: keep the attention of each translation.
    """

    beam_size: int = 5
    n_best: int = 1
    length_penalty: float = 1.0
    coverage_penalty: float = 0.0
    no_repeat_ngram: int = 0
    max_length: int = 256
    max_length_ratio: float = 3.0
    shortlist: int = 0
    batch_tokens: int = 4096
    sampling: SamplingOptions | None = None
    attention: bool = False

    @classmethod
    def of(cls, search: SearchConfig, **others: Any) -> Self:
        """The options of a configuration, with `others` in place of or beside them."""
        return cls(**{**search.model_dump(), **others})

    @property
    def width(self) -> int:
        """How many hypotheses of a sentence the search keeps, or how many samples are drawn at once."""
        return self.n_best if self.sampling else max(self.beam_size, self.n_best)


class SegmentAttention(NamedTuple):
    """The attention of one part of a line (see `Translator.translate`); nothing of it looks outside the part.

    Attributes:
        weights: (tokens, source tokens and the end mark), each row summing to 1.
        source_words: for each source token the word of the whole `source.split()` it belongs to.
        target_words: for each token the word of the whole `text.split()` it belongs to; -1 for none.
        words: the words of `text.split()` that this part was translated to.
        unknown: the tokens that stand for a word the model does not know.
        further_words: (token, word) for further words of a token, where several words were put in its place.
    """

    weights: Attention
    source_words: tuple[int, ...]
    target_words: tuple[int, ...]
    words: range
    unknown: tuple[int, ...] = ()
    further_words: tuple[tuple[int, int], ...] = ()


class TranslationWarning(NamedTuple):
    """A reason to doubt a translation; see `nmt.postprocessing.confidence`.

    Attributes:
        kind: what is wrong.
        source_words, target_words: the words of `source.split()` or `text.split()` that it is about.
    """

    kind: str
    source_words: tuple[int, ...] = ()
    target_words: tuple[int, ...] = ()


class Confidence(NamedTuple):
    """How far a translation may be trusted.

    Attributes:
        probability: the geometric mean of the probabilities of its tokens, end mark included.
        warnings: reasons to doubt it.
    """

    probability: float
    warnings: tuple[TranslationWarning, ...] = ()


class Annotations(NamedTuple):
    """What `nmt.revision` has to say of a translation; None for what was not asked for.

    Attributes:
        replaced: (source word, word of the text) for each place where words of the source were put in.
        confidence: how far the translation may be trusted.
    """

    replaced: tuple[tuple[int, int], ...] | None = None
    confidence: Confidence | None = None


NO_ANNOTATIONS = Annotations()


@dataclass(frozen=True)
class Output:
    """One translation of a line.

    Attributes:
        text: the translation, one line of output.
        score: log-probability (natural logarithm) after length normalisation.
        log_probability: the same before it.
        tokens: the translation's subwords.
        parts: the attention of each part of the line; None unless asked for, and without attention in the model.
        end_marks: how many of the line's parts ended by themselves.
        is_cut: whether the limit of the length ended a part.
        annotations: what was found out about it afterwards.
    """

    text: str
    score: float
    log_probability: float
    tokens: tuple[str, ...]
    parts: tuple[SegmentAttention, ...] | None
    end_marks: int = 1
    is_cut: bool = False
    annotations: Annotations = NO_ANNOTATIONS

    @property
    def probability(self) -> float:
        """The geometric mean of the probabilities of the tokens, end marks included."""
        return math.exp(min(0.0, self.log_probability) / max(1, len(self.tokens) + self.end_marks))

    @property
    def attention(self) -> Attention | None:
        """(tokens, source tokens), each row summing to 1, the last column the end mark's; None where `parts` is.

        Its size is quadratic in the length of the line.
        """
        if self.parts is None:
            return None
        whole = np.zeros((len(self.tokens), 1 + sum(len(part.source_words) for part in self.parts)), dtype=np.float32)
        row = column = 0
        for part in self.parts:
            rows, columns = len(part.target_words), len(part.source_words)
            whole[row : row + rows, column : column + columns] = part.weights[:, :-1]
            whole[row : row + rows, -1] = part.weights[:, -1]
            row, column = row + rows, column + columns
        return whole


@dataclass(frozen=True)
class Translation:
    """A line with its translations, the best first; a blank line has none.

    `source_tokens` are filled where attention is asked for, `annotations` are those of a line without a translation.
    """

    source: str
    outputs: tuple[Output, ...]
    source_tokens: tuple[str, ...] = ()
    annotations: Annotations = NO_ANNOTATIONS

    @cached_property
    def text(self) -> str:
        """The best translation; empty for a blank line."""
        return self.outputs[0].text if self.outputs else ""

    def __str__(self) -> str:
        return self.text


def joined_score(hypotheses: Sequence[Hypothesis], options: TranslateOptions) -> float:
    """The score of hypotheses as one: normalised by the length of all of them, with the coverage penalty of each."""
    if len(hypotheses) == 1:
        return hypotheses[0].score
    exponent = options.length_penalty
    score = sum(one.log_probability for one in hypotheses) / math.pow(sum(one.length for one in hypotheses), exponent)
    if options.coverage_penalty:
        score += sum(one.score - one.log_probability / math.pow(one.length, exponent) for one in hypotheses)
    return score


def cut_at_words(words: Sequence[int], longest: int) -> list[tuple[int, int]]:
    """Cuts tokens into the fewest parts of at most `longest` that end where a word ends, as (start, stop).

    A single word of more than `longest` tokens is cut inside.
    """
    cuts = []
    start = 0
    while start < len(words):
        stop = min(start + longest, len(words))
        if stop < len(words):
            ends = [end for end in range(start + 1, stop + 1) if words[end] != words[end - 1]]
            stop = ends[-1] if ends else stop
        cuts.append((start, stop))
        start = stop
    return cuts
