"""The decoding trace: the best hypothesis of a line, run through the decoder once more and recorded step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nmt.config import Config
from nmt.io.lines import output_line
from nmt.model.seq2seq import Seq2Seq, TracedStep
from nmt.search.hypothesis import Hypothesis
from nmt.tokenization.special_tokens import SpecialTokens
from nmt.tokenization.tokenizer import Tokenizer
from nmt.tokenization.tokenizers import Tokenizers
from nmt.translation.notebook import current_display
from nmt.translation.options import TranslateOptions
from nmt.translation.result import Translation
from nmt.translation.segments import EncodedSegments, SegmentResult

Floats = NDArray[np.float32]

MOST_PROBABLE = 5
"""Number of next tokens recorded of each step."""


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
class DecodingTrace:
    """The trace of the translation of a segment, which is mostly a whole line.

    `S` counts the source's tokens and its end mark, `T` the steps: one a token of the translation, and one for its end
    mark if it ended. Arrays are read-only.

    Attributes:
        text: the translation.
        source_tokens: S, spelled as the tokenizer does, the end mark last.
        source_words: for each source token but the end mark the word of `source.split()` it belongs to.
        target_words: for each token of the translation the word of `text.split()` it belongs to; -1 for none.
        states: (S, C) the encoder's hidden states: the left-to-right half, then the right-to-left one.
        summary: (C,) its last states, the end of the first half and the beginning of the other.
        scores: (T, S) before softmax. This and `weights` are (T, 0) without attention in the model.
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
    def target_tokens(self) -> tuple[str, ...]:
        """T, the tokens written, spelled as the tokenizer does; the end mark last if the translation ended."""
        return tuple(choice.token for choice in self.choices)


@dataclass(frozen=True, eq=False)
class AttendedLine:
    """A line with its translations, and the trace of the best one: what `Translator.attend` returns.

    A line of one segment, as nearly all are, has the attributes of its only `DecodingTrace`, too: `line.weights`. In a
    notebook it shows the heat map of its attention.

    Attributes:
        translation: the line and its translations.
        segments: the trace of each segment of the line; none for a blank line.
        config: of the model.
        options: of the translation.
    """

    translation: Translation
    segments: tuple[DecodingTrace, ...]
    config: Config = field(repr=False)
    options: TranslateOptions = field(repr=False)

    if not TYPE_CHECKING:  # for interactive use; the program itself names the segment

        def __getattr__(self, name: str) -> Any:
            if name not in _OF_A_TRACE:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            if len(self.segments) != 1:
                raise AttributeError(f"{name}: the line has {len(self.segments)} segments; see .segments")
            return getattr(self.segments[0], name)

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


_OF_A_TRACE = frozenset({*DecodingTrace.__dataclass_fields__, "finished", "target_tokens"})


def trace_decoding(
    model: Seq2Seq, tokenizers: Tokenizers, result: SegmentResult, encoded: EncodedSegments
) -> DecodingTrace:
    """Traces the best hypothesis of a segment, which `encoded` holds alone; to be called in `Translator.computing`."""
    source, target = tokenizers
    segment, hypotheses = result
    text, of_words = target.decode_with_words(hypotheses[0].tokens)
    steps, choices = _run(model, target, encoded, hypotheses[0])
    memory, restricted = encoded.state.memory, encoded.vocabularies
    return DecodingTrace(
        text=output_line(text),
        source_tokens=tuple(map(source.piece, [*segment.ids, source.special.eos])),
        source_words=tuple(segment.words),
        target_words=tuple(of_words),
        states=_array(memory.annotations[0]),
        summary=_array(memory.summary[0]),
        scores=_rows(step.scores for step in steps),
        weights=_rows(step.weights for step in steps),
        contexts=_rows(step.context for step in steps),
        choices=choices,
        vocabulary=target.size if restricted is None else int(restricted.lengths[0]),
        candidates=tuple(_candidate(target, hypothesis) for hypothesis in hypotheses),
    )


def _run(
    model: Seq2Seq, target: Tokenizer, encoded: EncodedSegments, hypothesis: Hypothesis
) -> tuple[list[TracedStep], tuple[Choice, ...]]:
    """Feeds the tokens of a hypothesis to the model, one after the other, in place of its own choices."""
    state, restricted = encoded.state, encoded.vocabularies
    special = target.special if restricted is None else restricted.special
    tokens = hypothesis.tokens if restricted is None else restricted.restricted([hypothesis.tokens])[0]
    spelled = range(target.size) if restricted is None else restricted.tokens[0].tolist()
    device = encoded.source_lengths.device
    steps, choices, last = [], [], special.bos
    for token in [*tokens, *[special.eos] * hypothesis.finished]:
        step = model.trace_step(torch.tensor([[last]], device=device), state)
        steps.append(step)
        choices.append(_choice(step.logits[0, 0].float(), token, special, lambda one: target.piece(spelled[one])))
        state, last = step.state, token
    return steps, tuple(choices)


def _choice(logits: Tensor, token: int, special: SpecialTokens, spell: Callable[[int], str]) -> Choice:
    """Records the choice of a token by logits (V,)."""
    normaliser = logits.logsumexp(0)
    never = torch.tensor(special.never_written, device=logits.device)
    allowed = logits.index_fill(0, never, float("-inf"))
    rank = 1 + int((allowed > logits[token]).sum())
    # The token stands at its rank, before others of the same logit.
    others = allowed.index_fill(0, torch.tensor([token], device=logits.device), float("-inf"))
    values, places = others.topk(min(MOST_PROBABLE, len(others)))
    best = list(zip(places.tolist(), (values - normaliser).exp().tolist(), strict=True))
    probability = (logits[token] - normaliser).exp().item()
    best.insert(rank - 1, (token, probability))
    return Choice(
        token=spell(token),
        probability=probability,
        rank=rank,
        best=tuple((spell(place), value) for place, value in best[:MOST_PROBABLE] if value),
    )


def _candidate(target: Tokenizer, hypothesis: Hypothesis) -> Candidate:
    text = output_line(target.decode(hypothesis.tokens))
    return Candidate(text, hypothesis.score, hypothesis.log_probability, hypothesis.finished)


def _rows(of_steps: Iterable[Tensor]) -> Floats:
    """Joins the rows of all steps: T times (1, 1, ·) -> (T, ·)."""
    return _array(torch.cat([of_step[0] for of_step in of_steps]))


def _array(values: Tensor) -> Floats:
    array = values.float().cpu().numpy()
    array.flags.writeable = False
    return array
