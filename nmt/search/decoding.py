"""The loop that every search shares: step, extend, score, drop the sentences that are done."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nmt.search.constraints import ban_repeats, force_prefix, pad_prefixes
from nmt.search.history import History
from nmt.search.hypothesis import NEG_INF, Expansion, Hypothesis, NonFiniteScoresError, S, StepFunction
from nmt.search.options import SearchOptions
from nmt.search.scoring import coverage_penalty, log_normaliser


class Prediction(NamedTuple):
    """What a step predicts of the next tokens: `logits + offset` are log-probabilities of hypotheses with one more."""

    logits: Tensor  # (B, K, V)
    allowed: Tensor  # (B, K, V), the same with -inf for tokens that would repeat an n-gram
    offset: Tensor  # (B, K) float32
    attention: Tensor | None  # (B, K, S)


class Sentences(NamedTuple):
    """The limits and constraints of the sentences given to a search."""

    limits: list[int]  # B; maximum numbers of tokens, the end mark not counted
    source_lengths: Tensor | None  # (B,) int64
    prefixes: Tensor | None  # (B, P) int64, forced first tokens, -1 after their end
    device: torch.device


class Beam(NamedTuple):
    """The hypotheses of the sentences still in the batch; those of a sentence all have the same length.

    The K slots of a sentence are cut into equal groups, G in all, of neighbours.
    """

    sentences: Tensor  # (B,) int64, index of each row among the sentences given to the search
    tokens: Tensor  # (B, K) int64, the last of each hypothesis
    log_probabilities: Tensor  # (B, K) float32, NEG_INF for a slot that holds no hypothesis
    finished: Tensor  # (B, G, enough) float32, scores of the best finished of a group, best first, NEG_INF for none
    coverage: Tensor | None  # (B, K, S) attention summed over tokens; kept for a coverage penalty
    written: Tensor | None  # (B, K, T) int64, all tokens; kept to ban repeated n-grams
    penalties: Tensor | None  # (B, K) float32, see `Expansion`

    def select(self, rows: Tensor) -> Beam:
        """Selects `rows` (B',) int64."""
        parts: list[Any] = [None if part is None else part[rows] for part in self]
        return Beam(*parts)


Extend = Callable[[Prediction, Beam, int], Expansion]
"""The choice of the next hypotheses: (prediction, beam, length) -> Expansion.

`beam` holds the hypotheses so far, and `length` is the number of their tokens. Each group is extended by its own
hypotheses only.
"""


def check_sentences(
    options: SearchOptions,
    max_lengths: Tensor,
    source_lengths: Tensor | None,
    forced_prefixes: Sequence[Sequence[int]] | None,
) -> Sentences:
    """Checks the caller's limits and constraints of the sentences of a batch.

    Raises ValueError if a limit is below 1, numbers of sentences differ, a forced prefix cannot be met, or a coverage
    penalty lacks source lengths.
    """
    limits: list[int] = max_lengths.tolist()
    if limits and min(limits) < 1:
        raise ValueError(f"a sentence's limit is {min(limits)} tokens: expected at least 1")
    if source_lengths is not None and source_lengths.shape != max_lengths.shape:
        raise ValueError(f"{source_lengths.numel()} source lengths for {len(limits)} sentences")
    if source_lengths is None and options.coverage_penalty > 0:
        raise ValueError("a coverage penalty needs the source lengths")
    device = max_lengths.device
    prefixes = None if forced_prefixes is None else pad_prefixes(forced_prefixes, limits, options.eos, device)
    return Sentences(limits, source_lengths, prefixes, device)


@torch.no_grad()
def decode(
    step: StepFunction[S],
    state: S,
    extend: Extend,
    sentences: Sentences,
    options: SearchOptions,
    *,
    width: int,
    groups: int,
    ranked: bool,
    enough: int | None = None,
) -> list[list[Hypothesis]]:
    """Searches with `width` hypotheses a sentence until all are done; a sentence leaves the batch as soon as it is.

    The hypotheses are those of `groups` of equal size, which all begin with the empty one. A group is done when
    `enough` have finished, by default as many as its size, and no unfinished one scores more at its present length than
    the worst of these; a sentence is done when its groups are. A sample is a group of one. Hypotheses are returned in
    the order of the slots, or, if they are to be `ranked`, the best first and none twice. The options `beam_size` and
    `groups` are ignored.

    Raises NonFiniteScoresError if the logits hold a NaN or an infinity that leaves no probabilities.
    """
    batch = list(range(len(sentences.limits)))
    history = History(len(batch))
    enough = enough or width // groups
    beam = _start(sentences, options, groups, enough)
    for length in itertools.count() if batch else ():
        logits, state, attention = step(beam.tokens, state)
        normaliser = log_normaliser(logits)
        offset = beam.log_probabilities - normaliser
        if length == 0:
            logits, offset = logits.expand(-1, groups, -1), offset.expand(-1, groups)
            attention = None if attention is None else attention.expand(-1, groups, -1)

        allowed = logits if beam.written is None else ban_repeats(logits, beam.written, options.no_repeat_ngram)
        expansion = extend(Prediction(logits, allowed, offset, attention), beam, length)
        del allowed  # before there are the logits of the next step
        if sentences.prefixes is not None and length < sentences.prefixes.size(1):
            expansion = force_prefix(expansion, sentences.prefixes[beam.sentences, length], logits, offset)
        coverage = _cover(beam, attention, options)
        scores, ending_scores = _score(expansion, coverage, beam, sentences, options, length + 1)
        ended = ending_scores.unflatten(1, (groups, -1))
        finished = torch.cat([beam.finished, ended], dim=-1).topk(enough).values
        # Also if all have ended: -inf <= -inf.
        done = scores.unflatten(1, (groups, -1)).amax(-1) <= finished[..., -1]  # (B, G)
        expansion = _without_done(expansion, done)
        history.record(batch, expansion, scores, ending_scores, attention if options.keep_attention else None)
        stay = _rows_to_continue(done.all(1), normaliser, batch, sentences.limits, length)
        if not stay:
            break

        beam = _next_beam(beam, expansion, finished, coverage)
        # Before the first step there was one hypothesis.
        parents = expansion.parents if length else torch.zeros_like(expansion.parents)
        rows = None
        if len(stay) < len(batch):
            rows = torch.tensor(stay, device=sentences.device)
            beam, parents = beam.select(rows), parents[rows]
            batch = [batch[row] for row in stay]
        state = state.select(rows, parents)
    return history.hypotheses(options.n_best, ranked=ranked, source_lengths=sentences.source_lengths)


def _start(sentences: Sentences, options: SearchOptions, groups: int, enough: int) -> Beam:
    """Makes the beam that holds the empty hypothesis of each sentence."""
    count, device = len(sentences.limits), sentences.device
    nothing = torch.empty(count, groups, 0, dtype=torch.int64, device=device)
    return Beam(
        sentences=torch.arange(count, device=device),
        tokens=torch.full((count, 1), options.bos, device=device),
        log_probabilities=torch.zeros(count, 1, device=device),
        finished=torch.full((count, groups, enough), NEG_INF, device=device),
        coverage=None,
        written=nothing if options.no_repeat_ngram else None,
        penalties=None,
    )


def _cover(beam: Beam, attention: Tensor | None, options: SearchOptions) -> Tensor | None:
    """Adds up the attention of each present hypothesis to each source token, (B, K, S); None without a penalty."""
    if options.coverage_penalty == 0:
        return None
    if attention is None:
        raise ValueError("a coverage penalty needs a model with attention")
    if beam.coverage is None:
        return attention.float()
    # A state may drop columns that have become padding for all remaining sentences.
    return beam.coverage[..., : attention.size(-1)] + attention


def _score(
    expansion: Expansion, coverage: Tensor | None, beam: Beam, sentences: Sentences, options: SearchOptions, length: int
) -> tuple[Tensor, Tensor]:
    """Scores the new hypotheses (B, K) and those that end (B, K of the shorter ones), all of `length` tokens."""
    divisor = length**options.length_penalty
    scores, ending_scores = expansion.log_probabilities / divisor, expansion.endings / divisor
    if coverage is not None and sentences.source_lengths is not None:
        lengths = sentences.source_lengths[beam.sentences]
        penalty = coverage_penalty(coverage, lengths, options.coverage_penalty)
        scores, ending_scores = scores + penalty.gather(1, expansion.parents), ending_scores + penalty
    return scores, ending_scores


def _rows_to_continue(done: Tensor, normaliser: Tensor, batch: list[int], limits: list[int], length: int) -> list[int]:
    """Returns the rows that are neither done nor at their limit. Reads from the device, once a step."""
    # One transfer, and few operations: a number that is not finite, multiplied by 0, is not 0.
    flags, zeros = torch.stack([done.to(normaliser.dtype), (normaliser * 0).sum(1)]).tolist()
    for sentence, zero in zip(batch, zeros, strict=True):
        if zero != 0:
            raise NonFiniteScoresError(sentence, f"sentence {sentence + 1} of the batch, word {length + 1}")
    return [row for row, sentence in enumerate(batch) if not flags[row] and length < limits[sentence]]


def _without_done(expansion: Expansion, done: Tensor) -> Expansion:
    """Ends the hypotheses of each group (B, G) that is done, while others of its sentence go on."""
    groups = done.size(1)
    if groups == 1:  # The sentence is done, too, and leaves the batch.
        return expansion
    totals = expansion.log_probabilities.unflatten(1, (groups, -1))
    return expansion._replace(log_probabilities=totals.masked_fill(done[..., None], NEG_INF).flatten(1))


def _next_beam(beam: Beam, expansion: Expansion, finished: Tensor, coverage: Tensor | None) -> Beam:
    """Makes the beam of the next step."""
    written = beam.written
    if coverage is not None:
        coverage = _reorder(coverage, expansion.parents)
    if written is not None:
        written = torch.cat([_reorder(written, expansion.parents), expansion.tokens[..., None]], dim=-1)
    return Beam(
        beam.sentences,
        expansion.tokens,
        expansion.log_probabilities,
        finished,
        coverage,
        written,
        expansion.penalties,
    )


def _reorder(values: Tensor, parents: Tensor) -> Tensor:
    """Gathers the values of the hypothesis that each new one continues: (B, K, N) and (B, K') -> (B, K', N)."""
    return values.gather(1, parents[..., None].expand(-1, -1, values.size(-1)))
