"""The trace of a line: how attention led to its translation, step by step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nmt.config import Config
from nmt.translation.notebook import current_display
from nmt.translation.options import TranslateOptions
from nmt.translation.result import Translation

Floats = NDArray[np.float32]


class Choice(NamedTuple):
    """The token that the decoder wrote at a step, and those that it might have written.

    Attributes:
        token: written, spelled as the tokenizer does; the end mark at the last step of a finished translation.
        probability: of it, after all before it.
        rank: 1 for the most probable token.
        best: the most probable tokens with their probabilities, the first first. Padding and the begin mark, which are
            never written, are left out here and in `rank`; probabilities are the model's own.
    """

    token: str
    probability: float
    rank: int
    best: tuple[tuple[str, float], ...]


class Candidate(NamedTuple):
    """A hypothesis of the search: its text, its score and log-probability (see `Hypothesis`), and if it ended."""

    text: str
    score: float
    log_probability: float
    finished: bool


@dataclass(frozen=True, eq=False)
class SegmentTrace:
    """The trace of the translation of a segment, which is mostly a whole line.

    `S` counts the source's tokens, its end mark and the tag before them, if there is one, `T` the steps: one a token of
    the translation, and one for its end mark if it ended. Arrays are read-only.

    Attributes:
        text: the translation.
        source_tokens: S, spelled as the tokenizer does, a tag first and the end mark last.
        source_words: for each source token but the tag and the end mark the word of `source.split()` it belongs to.
        target_words: for each token of the translation the word of `text.split()` it belongs to; -1 for none.
        states: (S, C) the encoder's hidden states: the left-to-right half, then the right-to-left one.
        summary: (C,) its last states, the end of the first half and the beginning of the other.
        queries: (T, H) the decoder's state that is compared with the encoder's at each step.
        scores: (T, S) of the comparison, before softmax. This and `weights` are (T, 0) without attention in the model.
        weights: (T, S) after it.
        contexts: (T, C) the decoder's input from the source: the sum of the states by their weights, or the summary.
        choices: T, one a step.
        vocabulary: number of tokens that each probability is one of; with a shortlist, those of the sentence.
        candidates: the hypotheses of the search, best first; the first is the one that was traced.
    """

    text: str
    source_tokens: tuple[str, ...]
    source_words: tuple[int, ...]
    target_words: tuple[int, ...]
    states: Floats
    summary: Floats
    queries: Floats
    scores: Floats
    weights: Floats
    contexts: Floats
    choices: tuple[Choice, ...]
    vocabulary: int
    candidates: tuple[Candidate, ...]

    @property
    def finished(self) -> bool:
        """True if the translation came to its end mark, and was not cut at its limit."""
        return self.candidates[0].finished

    @property
    def tags(self) -> int:
        """Number of tags before the source's tokens, 0 or 1."""
        return len(self.source_tokens) - 1 - len(self.source_words)

    @property
    def target_tokens(self) -> tuple[str, ...]:
        """T, the tokens written, spelled as the tokenizer does; the end mark last if the translation ended."""
        return tuple(choice.token for choice in self.choices)


@dataclass(frozen=True, eq=False)
class Trace:
    """A line with its translations, and how attention led to the best one: what `Translator.attend` returns.

    Nearly every line is one segment, whose states, scores, weights and contexts are attributes of the line, too; of a
    blank line or one of several segments, each with its own, they raise `AttributeError`. Shapes: `S` the source's
    tokens and its end mark, `T` steps of the decoder, `C` size of an encoder's hidden state, `H` of the decoder's.
    Arrays are read-only float32. In a notebook a trace shows the heat map of its attention.

    Attributes:
        translation: the line and its translations.
        segments: the trace of each segment of the line; none for a blank line.
        config: of the model.
        options: of the translation.
        model_name: name of the model's run directory.
    """

    translation: Translation
    segments: tuple[SegmentTrace, ...]
    config: Config = field(repr=False)
    options: TranslateOptions = field(repr=False)
    model_name: str

    @property
    def only(self) -> SegmentTrace:
        """The only segment of the line.

        Raises:
            AttributeError: the line has none, or several.
        """
        if len(self.segments) != 1:
            raise AttributeError(f"the line has {len(self.segments)} segments, not one: see .segments")
        return self.segments[0]

    @property
    def source_tokens(self) -> tuple[str, ...]:
        """S tokens of the source, spelled as the tokenizer does, a tag first and the end mark last."""
        return self.only.source_tokens

    @property
    def target_tokens(self) -> tuple[str, ...]:
        """T tokens written, the end mark last if the translation ended."""
        return self.only.target_tokens

    @property
    def states(self) -> Floats:
        """(S, C) hidden states of the encoder: the left-to-right half, then the right-to-left one."""
        return self.only.states

    @property
    def summary(self) -> Floats:
        """(C,) last states of the encoder, the end of the first half and the beginning of the other."""
        return self.only.summary

    @property
    def queries(self) -> Floats:
        """(T, H) states of the decoder that are compared with the encoder's."""
        return self.only.queries

    @property
    def scores(self) -> Floats:
        """(T, S) scores of the comparison, before softmax; (T, 0) without attention in the model."""
        return self.only.scores

    @property
    def weights(self) -> Floats:
        """(T, S) softmax of the scores, each row summing to 1; (T, 0) without attention in the model."""
        return self.only.weights

    @property
    def contexts(self) -> Floats:
        """(T, C) sums of the states by their weights, or the summary without attention."""
        return self.only.contexts

    @property
    def choices(self) -> tuple[Choice, ...]:
        """T choices of the decoder, one a step."""
        return self.only.choices

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Hypotheses of the search, best first; the first is the one that was traced."""
        return self.only.candidates

    @property
    def vocabulary(self) -> int:
        """Number of tokens that each probability is one of."""
        return self.only.vocabulary

    @property
    def finished(self) -> bool:
        """True if the translation came to its end mark, and was not cut at its limit."""
        return self.only.finished

    def page(self, unit: str = "word") -> Any:
        """Returns the attention page, to be shown in a notebook; its `html` is the page itself.

        Args:
            unit: `word` or `token`, of the matrix and the ribbons at first.

        Raises:
            ValueError: the unit is neither.
            DataError: the line is too long for a page.
            RuntimeError: there is no display, which `from nmt import Translator` provides.
        """
        if unit not in ("word", "token"):
            raise ValueError(f"unit is {unit!r:.80}: expected word or token")
        display = current_display()
        if display is None:
            raise RuntimeError("no display for pages: expected `from nmt import Translator` before")
        return display.page(self, unit)

    def _repr_html_(self) -> str | None:
        return self.translation._repr_html_()
