"""What a model did while it wrote a translation: the found hypothesis, run once more and watched step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nmt.io.lines import output_line
from nmt.model.seq2seq import TracedStep
from nmt.search.hypothesis import Hypothesis
from nmt.search.shortlist import Marks
from nmt.tokenization.tokenizer import Tokenizer
from nmt.translation.result import TranslateOptions, Translation
from nmt.translation.segments import Found
from nmt.translation.translator import Beginning, Translator

Floats = NDArray[np.float32]

MOST_PROBABLE = 5
"""Next tokens told of each step."""


class Choice(NamedTuple):
    """What the decoder wrote at a step, and what it might have written.

    Attributes:
        token: the one written, spelled as the tokenizer does; the end mark at the last step of a finished translation.
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
    """A hypothesis of the search: its text, its score and log-probability (see `Hypothesis`), whether it ended."""

    text: str
    score: float
    log_probability: float
    finished: bool


@dataclass(frozen=True, eq=False)
class Trace:
    """How a line, or a part of one that was translated in parts, was translated.

    `S` counts the source's tokens and its end mark, `T` the steps: one a token of the translation, and one for its end
    mark if it ended. Arrays cannot be written to.

    Attributes:
        text: the translation.
        source_tokens: S, spelled as the tokenizer does, the end mark last.
        source_words: for each source token but the end mark the word of `source.split()` it belongs to.
        target_words: for each token of the translation the word of `text.split()` it belongs to; -1 for none.
        states: (S, C) the encoder's hidden states: the left-to-right half, then the right-to-left one.
        summary: (C,) its last states, the end of the first half and the beginning of the other.
        scores: (T, S) before softmax. This and `weights` are (T, 0) without attention in the model.
        weights: (T, S) after it.
        contexts: (T, C) what the decoder saw of the source: the sum of the states by their weights, or the summary.
        choices: T.
        vocabulary: how many tokens each probability is one of; with a shortlist, those of the sentence.
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
        """Whether the translation came to its end mark, and was not cut at its limit."""
        return self.candidates[0].finished


class TracedLine(NamedTuple):
    """A line with its translations, and the trace of the best of each part of it; none for a blank line."""

    translation: Translation
    parts: tuple[Trace, ...]


def trace(
    translator: Translator, lines: Sequence[str], options: TranslateOptions, *, numbers: Sequence[int] | None = None
) -> list[TracedLine]:
    """Translates lines, as `Translator.translate` does, and watches how the best translation of each came about.

    All hypotheses that the beam is wide enough for are told.

    Raises:
        The same as `Translator.translate`.
    """
    options = replace(options, n_best=options.width, attention=True)
    found = translator.search(lines, options, numbers=numbers)
    with translator.computing():
        traces = [_trace_line(translator, line) for line in found]
    return [TracedLine(translator.translation(line, options), parts) for line, parts in zip(found, traces, strict=True)]


def _trace_line(translator: Translator, found: Found) -> tuple[Trace, ...]:
    source, target = translator.source_tokenizer, translator.target_tokenizer
    traces = []
    for part, hypotheses in zip(found.parts, found.hypotheses, strict=True):
        text, of_words = target.decode_with_words(hypotheses[0].tokens)
        beginning = translator.begin([part])
        looks, choices = _run(translator, beginning, hypotheses[0])
        memory, small = beginning.state.memory, beginning.small
        traces.append(
            Trace(
                text=output_line(text),
                source_tokens=tuple(map(source.piece, [*part.ids, source.eos_id])),
                source_words=tuple(part.words),
                target_words=tuple(of_words),
                states=_array(memory.annotations[0]),
                summary=_array(memory.summary[0]),
                scores=_rows(look.scores for look in looks),
                weights=_rows(look.weights for look in looks),
                contexts=_rows(look.context for look in looks),
                choices=choices,
                vocabulary=target.size if small is None else int(small.lengths[0]),
                candidates=tuple(_candidate(target, hypothesis) for hypothesis in hypotheses),
            )
        )
    return tuple(traces)


def _run(
    translator: Translator, beginning: Beginning, hypothesis: Hypothesis
) -> tuple[list[TracedStep], tuple[Choice, ...]]:
    """Gives the model the words of a hypothesis, one after the other, in place of its own choice."""
    target, state, small = translator.target_tokenizer, beginning.state, beginning.small
    marks = Marks.of(target) if small is None else small.marks
    tokens = hypothesis.tokens if small is None else small.small([hypothesis.tokens])[0]
    spelled = range(target.size) if small is None else small.tokens[0].tolist()
    looks, choices, last = [], [], marks.bos
    for token in [*tokens, *[marks.eos] * hypothesis.finished]:
        look = translator.model.trace_step(torch.tensor([[last]], device=translator.device), state)
        looks.append(look)
        choices.append(_choice(look.logits[0, 0].float(), token, marks, lambda one: target.piece(spelled[one])))
        state, last = look.state, token
    return looks, tuple(choices)


def _choice(logits: Tensor, token: int, marks: Marks, spell: Callable[[int], str]) -> Choice:
    """What was chosen by logits (V,)."""
    normaliser = logits.logsumexp(0)
    never = torch.tensor([mark for mark in (marks.pad, marks.bos) if mark != marks.eos], device=logits.device)
    allowed = logits.index_fill(0, never, float("-inf"))
    rank = 1 + int((allowed > logits[token]).sum())
    # The token stands where its rank says, whatever has the same logit.
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


def _rows(parts: Iterable[Tensor]) -> Floats:
    """(1, 1, ·) of each step -> (T, ·)."""
    return _array(torch.cat([part[0] for part in parts]))


def _array(values: Tensor) -> Floats:
    array = values.float().cpu().numpy()
    array.flags.writeable = False
    return array
