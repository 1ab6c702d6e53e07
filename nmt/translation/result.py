"""The translations of a line, with their scores, attention and annotations."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nmt.translation.notebook import current_display

if TYPE_CHECKING:
    from nmt.search.hypothesis import Hypothesis

Attention = NDArray[np.float32]


class SegmentAttention(NamedTuple):
    """The attention of one segment of a line (see `nmt.translation.segments`), which sees no other segment.

    Attributes:
        weights: (tokens, source tokens and the end mark), each row summing to 1.
        source_words: for each source token the word of the whole `source.split()` it belongs to.
        target_words: for each token the word of the whole `text.split()` it belongs to; -1 for none.
        words: the words of `text.split()` that this segment was translated to.
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
    """A reason to doubt a translation; see `nmt.postprocessing.confidence`."""

    kind: str
    source_words: tuple[int, ...] = ()  # the words of `source.split()` that it is about
    target_words: tuple[int, ...] = ()  # the words of `text.split()`


class Confidence(NamedTuple):
    """The confidence in a translation, and reasons to doubt it."""

    probability: float  # the geometric mean of the probabilities of its tokens, end mark included
    warnings: tuple[TranslationWarning, ...] = ()


class TermResult(NamedTuple):
    """A term of a glossary that stands in a line, and what became of it in a translation."""

    source: str  # as the glossary writes it
    targets: tuple[str, ...]  # the alternatives of its translation
    words: tuple[int, ...]  # the words of `source.split()` where it stands
    target: str | None = None  # the alternative that the translation has; None if it has none

    @property
    def met(self) -> bool:
        """True if the translation has one of the alternatives."""
        return self.target is not None


class Annotations(NamedTuple):
    """The findings of `nmt.postprocessing` about a translation; None for those that were not asked for."""

    replaced: tuple[tuple[int, int], ...] | None = None  # (source word, word of the text) where the former was put in
    confidence: Confidence | None = None
    terms: tuple[TermResult, ...] | None = None  # of a glossary, in the order of the line


NO_ANNOTATIONS = Annotations()


@dataclass(frozen=True)
class Output:
    """A translation of a line.

    Attributes:
        text: the translation, one line of output.
        score: log-probability (natural logarithm) after length normalisation.
        log_probability: the same before it.
        tokens: the translation's subwords.
        segments: the attention of each segment of the line; None unless asked for, and without attention in the model.
        end_marks: number of the line's segments whose translation reached its end mark.
        is_cut: True if the limit of the length ended a segment's translation.
        utility: by which it was chosen among candidates, 0 to 100: expected under them (of several segments the mean),
            or against a reference; None where there was no such choice.
        annotations: findings of postprocessing.
    """

    text: str
    score: float
    log_probability: float
    tokens: tuple[str, ...]
    segments: tuple[SegmentAttention, ...] | None
    end_marks: int = 1
    is_cut: bool = False
    utility: float | None = None
    annotations: Annotations = NO_ANNOTATIONS

    @property
    def probability(self) -> float:
        """The geometric mean of the probabilities of the tokens, end marks included."""
        return math.exp(min(0.0, self.log_probability) / max(1, len(self.tokens) + self.end_marks))

    @property
    def attention(self) -> Attention | None:
        """(tokens, source tokens), each row summing to 1, the last column the end mark's; None where `segments` is.

        Its size is quadratic in the length of the line.
        """
        if self.segments is None:
            return None
        width = 1 + sum(len(segment.source_words) for segment in self.segments)
        whole = np.zeros((len(self.tokens), width), dtype=np.float32)
        row = column = 0
        for segment in self.segments:
            rows, columns = len(segment.target_words), len(segment.source_words)
            whole[row : row + rows, column : column + columns] = segment.weights[:, :-1]
            whole[row : row + rows, -1] = segment.weights[:, -1]
            row, column = row + rows, column + columns
        return whole


@dataclass(frozen=True)
class Translation:
    """A line with its translations, the best first; a blank line has none.

    `source_tokens` are filled if attention is asked for, `annotations` are those of a line without a translation.
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

    def _repr_html_(self) -> str | None:
        display = current_display()
        return None if display is None else display.heat_map(self)


def by_utility(rated: Hypothesis | Output) -> float:
    """Returns the key that sorts translations by their utility, the best first."""
    return -(rated.utility or 0.0)
