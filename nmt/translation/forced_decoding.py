"""Forced decoding: the probability that the model gives each token of given translations, and its attention.

The decoder reads the given translation in place of its own choices ("teacher forcing"). A pair is never cut: a line
that search would translate in segments is read as a whole.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from nmt.corpus.batch_order import length_sorted_batches
from nmt.corpus.batching import pad_pairs
from nmt.device import within_memory
from nmt.errors import MemoryExhaustedError
from nmt.io.lines import is_blank
from nmt.tokenization.tokenizer import Tokenizer
from nmt.translation.result import Attention, Output, SegmentAttention, Translation
from nmt.translation.tags import tag_ids, without_tag
from nmt.translation.translator import Translator

MAX_TOKENS = 1 << 13
"""Maximum number of tokens of a side, end mark included. The memory of a pair grows with the product of both sides."""

MAX_WEIGHTS = MAX_TOKENS * MAX_TOKENS
"""Maximum number of attention weights held at once, however many pairs are asked for at once."""


class TokenPair(NamedTuple):
    """A source and its translation as token ids without marks, and the number of the line, by which errors name it."""

    source: Sequence[int]
    target: Sequence[int]
    number: int = 1

    @property
    def length(self) -> int:
        """Tokens of the longer side, its end mark counted."""
        return max(len(self.source), len(self.target)) + 1

    @property
    def weights(self) -> int:
        """Number of its attention weights."""
        return (len(self.source) + 1) * (len(self.target) + 1)


class ForcedScores(NamedTuple):
    """The scores of a given translation; `T` counts the end mark of the target, `S` that of the source."""

    log_probabilities: NDArray[np.float32]  # (T,) natural logarithm of each token's probability after those before it
    attention: Attention | None  # (T, S), rows sum to 1; None without attention in the model, or if it is not wanted


NO_SCORES = ForcedScores(np.zeros(0, np.float32), None)
"""The scores of a blank line that is translated by a blank one."""


@dataclass(frozen=True, eq=False)
class ForcedPair:
    """A line and a given translation of it, with the model's scores.

    Source tokens and words are filled where attention is wanted; a word is that of `source.split()` or `target.split()`
    that a subword belongs to.
    """

    source: str
    target: str
    tokens: tuple[str, ...]  # the translation's subwords and the end mark; none where both lines are blank
    scores: ForcedScores | None  # None for a pair that is too large (see `MAX_TOKENS`)
    source_tokens: tuple[str, ...] = ()  # the source's subwords, without the end mark
    source_words: tuple[int, ...] = ()
    target_words: tuple[int, ...] = ()

    @property
    def log_probability(self) -> float:
        """Log-probability of the translation, with end mark; 0 if both lines are blank, NaN for a pair too large."""
        return math.nan if self.scores is None else float(self.scores.log_probabilities.sum(dtype=np.float64))

    def score(self, length_penalty: float) -> float:
        """Returns log_probability / length ** length_penalty, where the length counts the end mark, as in search."""
        return self.log_probability / math.pow(max(1, len(self.tokens)), length_penalty)

    def translation(self, length_penalty: float = 1.0) -> Translation:
        """Returns the pair as search would, with its attention; without an output where one of the lines is blank."""
        if self.scores is None or not self.source_words or not self.target_words:
            return Translation(self.source, (), self.source_tokens)
        segments = None
        if self.scores.attention is not None:
            words = range(len(self.target.split()))
            segments = (SegmentAttention(self.scores.attention[:-1], self.source_words, self.target_words, words),)
        output = Output(self.target, self.score(length_penalty), self.log_probability, self.tokens[:-1], segments)
        return Translation(self.source, (output,), self.source_tokens)


def force_decode(
    translator: Translator,
    pairs: Sequence[tuple[str, str]],
    *,
    attention: bool,
    batch_tokens: int | None = None,
    numbers: Sequence[int] | None = None,
    tag: str | None = None,
) -> Iterator[ForcedPair]:
    """Scores each pair of lines, in their order, never holding more than `MAX_WEIGHTS` weights of attention.

    If both lines are blank, the model is not run: that a blank line becomes a blank one is certain. If one of them is,
    the model is run as usual, and reads nothing but the end mark on that side.

    `batch_tokens` are tokens of the pairs computed at once, each counted by its longer side, by default those of the
    model's search; `numbers` are those of the pairs' lines, by which errors name them, counted from 1 by default.
    The model reads each source behind the `tag`.

    Raises ConfigError if the model does not know the tag, MemoryExhaustedError if memory does not suffice for one pair,
    and ModelError (of a model that was loaded) or NonFiniteError if the model's scores are not finite.
    """
    sources, targets = (["" if is_blank(pair[side]) else pair[side] for pair in pairs] for side in (0, 1))
    source, target = translator.tokenizers
    source_ids, source_words = _encode(source, sources, with_words=attention)
    target_ids, target_words = _encode(target, targets, with_words=attention)
    encoded = list(map(TokenPair, source_ids, target_ids, numbers or range(1, len(pairs) + 1)))
    for portion in _bounded(encoded):
        scored = [n for n in portion if (encoded[n].source or encoded[n].target) and encoded[n].length <= MAX_TOKENS]
        scored_pairs = [encoded[n] for n in scored]
        results = force_decode_tokens(translator, scored_pairs, attention=attention, batch_tokens=batch_tokens, tag=tag)
        scores = dict(zip(scored, results, strict=True))
        for n in portion:
            blank = not (encoded[n].source or encoded[n].target)
            yield ForcedPair(
                *pairs[n],
                tokens=() if blank else tuple(map(target.piece, [*encoded[n].target, target.special.eos])),
                scores=NO_SCORES if blank else scores.get(n),
                source_tokens=tuple(map(source.piece, encoded[n].source)) if attention else (),
                source_words=tuple(source_words[n]),
                target_words=tuple(target_words[n]),
            )


def force_decode_tokens(
    translator: Translator,
    pairs: Sequence[TokenPair],
    *,
    attention: bool,
    batch_tokens: int | None = None,
    tag: str | None = None,
) -> list[ForcedScores]:
    """Scores each pair of token ids, in their order; see `force_decode`."""
    results: list[ForcedScores] = [NO_SCORES] * len(pairs)
    lengths = np.array([pair.length for pair in pairs], dtype=np.int64)
    work = partial(_score_batch, translator, attention=attention, tag=tag)
    with translator.computing():
        for batch in length_sorted_batches(lengths, batch_tokens or translator.config.search.batch_tokens):
            chosen = batch.tolist()
            for place, scores in zip(chosen, within_memory([pairs[n] for n in chosen], work, _exhausted), strict=True):
                if not np.isfinite(scores.log_probabilities).all():
                    raise translator.not_finite(pairs[place].number)
                results[place] = scores
    return results


def _score_batch(
    translator: Translator, pairs: Sequence[TokenPair], *, attention: bool, tag: str | None
) -> list[ForcedScores]:
    translator.tick()
    first = tag_ids(translator.tokenizers.source, tag)
    special = translator.tokenizers.special
    batch = pad_pairs([[*first, *pair.source] for pair in pairs], [pair.target for pair in pairs], special)
    arrays = batch.source, batch.source_lengths, batch.target_input, batch.target_output
    source, lengths, target_input, target_output = (torch.from_numpy(array).to(translator.device) for array in arrays)
    forced = translator.ensemble.force(source, lengths, target_input, target_output)
    log_probabilities, weights = forced.log_probabilities.cpu().numpy(), forced.weights
    rows = None
    if attention and weights is not None:
        of_sentences = weights.transpose(0, 1)
        rows = (without_tag(of_sentences, lengths) if first else of_sentences).cpu().numpy()
    widths = batch.source_lengths - len(first)
    # Copied: views would keep the padded arrays of the batch in memory.
    return [
        ForcedScores(log_probabilities[n, :long].copy(), None if rows is None else rows[n, :long, :wide].copy())
        for n, (long, wide) in enumerate(zip(batch.target_lengths, widths, strict=True))
    ]


def _exhausted(pair: TokenPair) -> MemoryExhaustedError:
    sizes = f"{len(pair.source)} tokens and its translation of {len(pair.target)}"
    return MemoryExhaustedError(f"line {pair.number}", f"out of memory while reading one sentence of {sizes}")


def _encode(
    tokenizer: Tokenizer, lines: Sequence[str], *, with_words: bool
) -> tuple[Sequence[Sequence[int]], Sequence[Sequence[int]]]:
    """Encodes each line; with `with_words`, also returns for each token its word."""
    if not with_words:
        return tokenizer.encode(lines), [()] * len(lines)
    both = [tokenizer.encode_with_words(line) for line in lines]
    return [ids for ids, _ in both], [words for _, words in both]


def _bounded(pairs: Sequence[TokenPair]) -> Iterator[range]:
    """Splits the places of all pairs into ranges of at most `MAX_WEIGHTS` weights together, or of one pair."""
    start, weights = 0, 0
    for place, pair in enumerate(pairs):
        if place > start and weights + pair.weights > MAX_WEIGHTS:
            yield range(start, place)
            start, weights = place, 0
        weights += pair.weights
    if pairs:
        yield range(start, len(pairs))
