"""The history of a search, step by step, and the hypotheses that are read from it.

Hypotheses are not copied when the beam reorders: each step records its tokens and pointers to the slots that they
continue, and the few hypotheses that are returned are traced back once, at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nmt.search.hypothesis import NEG_INF, Expansion, Hypothesis

# Numbers in a block of memory for what is kept.
_BLOCK = 1 << 18

_Kept = NDArray[Any] | Tensor
"""Numbers of a step: an array in a block of memory or, on another device, the tensor itself."""


class _Blocks:
    """Copies of small arrays, side by side in few blocks of memory.

    Kept where it was made, each would lie between the large arrays of its step. Those of the next step would not fit
    into what is left there, and so memory would grow with every step, for wide beams by gigabytes.
    """

    def __init__(self) -> None:
        self._free: dict[np.dtype[Any], NDArray[Any]] = {}

    def copy(self, values: NDArray[Any]) -> NDArray[Any]:
        """Copies an array."""
        free = self._free.get(values.dtype)
        if free is None or free.size < values.size:
            free = np.empty(max(_BLOCK, values.size), values.dtype)
        self._free[values.dtype] = free[values.size :]
        place = free[: values.size].reshape(values.shape)
        place[...] = values
        return place


class _Ending(NamedTuple):
    """The end of a hypothesis, which was in `slot` of the beam when `step` was computed."""

    step: int
    slot: int
    log_probability: float
    score: float
    finished: bool


class _HostHistory(NamedTuple):
    """The whole history on the host: for each step an array or a list over its rows."""

    attention: list[NDArray[np.float32]]
    parents: list[list[list[int]]]
    tokens: list[list[list[int]]]
    log_probabilities: list[list[list[float]]]
    endings: list[list[list[float]]]
    scores: list[list[list[float]]]
    ending_scores: list[list[list[float]]]


@dataclass
class History:
    """Records every step of a search over `sentences` sentences."""

    sentences: int
    _rows: list[dict[int, int]] = field(default_factory=list)  # of each step: sentence -> row of the batch
    _steps: list[tuple[_Kept, ...]] = field(default_factory=list)  # of each the further fields of `_HostHistory`
    _attention: list[_Kept] = field(default_factory=list)
    _blocks: _Blocks = field(default_factory=_Blocks)

    def record(
        self,
        batch: Sequence[int],
        expansion: Expansion,
        scores: Tensor,
        ending_scores: Tensor,
        attention: Tensor | None,
    ) -> None:
        """Adds a step, with the sentence of each row.

        `scores` (B, K) are those of the new hypotheses, `ending_scores` (B, K of the shorter ones) of those that end,
        NEG_INF for the others. `attention` (B, K of the shorter ones, S) is None if it is not wanted.
        """
        self._rows.append({sentence: row for row, sentence in enumerate(batch)})
        parents, tokens, log_probabilities, endings, _ = expansion
        values = parents, tokens, log_probabilities, endings, scores, ending_scores
        self._steps.append(tuple(map(self._kept, values)))
        if attention is not None:
            self._attention.append(self._kept(attention.float()))

    def _kept(self, values: Tensor) -> _Kept:
        # CUDA's allocator has small tensors apart from large ones, and one transfer at the end is enough.
        return self._blocks.copy(values.numpy()) if values.device.type == "cpu" else values

    def hypotheses(self, n_best: int, *, ranked: bool, source_lengths: Tensor | None) -> list[list[Hypothesis]]:
        """Reads at most `n_best` hypotheses of each sentence, with attention trimmed to `source_lengths` (B,) if given.

        `ranked` sorts them, the best first, and all finished ones before those cut at the limit, and leaves out the
        worse of equal ones; otherwise they are in the order of slots.
        """
        if not self._steps:
            return []
        history = _HostHistory(_on_host(self._attention), *map(_as_lists, zip(*self._steps, strict=True)))
        lengths = [None] * self.sentences if source_lengths is None else source_lengths.tolist()
        hypotheses = []
        for sentence, length in enumerate(lengths):
            rows = [step[sentence] for step in self._rows if sentence in step]
            endings = _ranked(history, rows) if ranked else _in_order(history, rows)
            followed = (_follow(history, rows, ending, length) for ending in endings)
            hypotheses.append(list(islice(_distinct(followed) if ranked else followed, n_best)))
        return hypotheses


def _as_lists(steps: Sequence[_Kept]) -> list[list[list[Any]]]:
    # Through NumPy, which makes lists many times faster than torch.
    return [step.tolist() for step in _on_host(steps)]


def _on_host(steps: Sequence[_Kept]) -> list[NDArray[Any]]:
    """Copies what is on a device to the host, in one transfer."""
    tensors = [step for step in steps if isinstance(step, Tensor)]
    if not tensors:
        return [step for step in steps if not isinstance(step, Tensor)]
    flat = torch.cat([step.flatten() for step in tensors]).cpu()
    parts = torch.split(flat, [step.numel() for step in tensors])
    return [part.view(step.shape).numpy() for part, step in zip(parts, tensors, strict=True)]


def _ranked(history: _HostHistory, rows: Sequence[int]) -> Iterator[_Ending]:
    """Yields the finished hypotheses of a sentence, the best first, and behind them those cut at its last step."""
    yield from sorted(_finished(history, rows), key=lambda ending: -ending.score)
    yield from sorted(_cut(history, rows), key=lambda ending: -ending.score)


def _in_order(history: _HostHistory, rows: Sequence[int]) -> list[_Ending]:
    """Lists the hypotheses of a sentence in the order of slots."""
    return sorted(_finished(history, rows) + _cut(history, rows), key=lambda ending: ending.slot)


def _distinct(hypotheses: Iterable[Hypothesis]) -> Iterator[Hypothesis]:
    """Yields each of the hypotheses once; those of several groups may be equal."""
    seen: set[tuple[tuple[int, ...], bool]] = set()
    for one in hypotheses:
        if (one.tokens, one.finished) not in seen:
            seen.add((one.tokens, one.finished))
            yield one


def _finished(history: _HostHistory, rows: Sequence[int]) -> list[_Ending]:
    """Lists the finished hypotheses of a sentence."""
    return [
        _Ending(step, slot, history.endings[step][row][slot], score, finished=True)
        for step, row in enumerate(rows)
        for slot, score in enumerate(history.ending_scores[step][row])
        if score > NEG_INF
    ]


def _cut(history: _HostHistory, rows: Sequence[int]) -> list[_Ending]:
    """Lists the hypotheses of a sentence that were cut at its last step."""
    last = len(rows) - 1
    ended = history.ending_scores[last][rows[last]]
    if last == 0:  # before the first step there was nothing but the empty hypothesis
        before, scores = [0.0] * len(ended), [0.0] * len(ended)
    else:
        before, scores = history.log_probabilities[last - 1][rows[last - 1]], history.scores[last - 1][rows[last - 1]]
    return [
        _Ending(last, slot, before[slot], scores[slot], finished=False)
        for slot, score in enumerate(ended)
        if score == NEG_INF and before[slot] > NEG_INF
    ]


def _follow(history: _HostHistory, rows: Sequence[int], ending: _Ending, source_length: int | None) -> Hypothesis:
    """Traces a hypothesis from its ending back to its beginning."""
    slot = ending.slot
    slots, tokens = [slot], []
    for step in range(ending.step - 1, -1, -1):
        tokens.append(history.tokens[step][rows[step]][slot])
        slot = history.parents[step][rows[step]][slot]
        slots.append(slot)
    slots.reverse()
    attention = None
    if history.attention:
        steps = range(ending.step + ending.finished)
        weights = [history.attention[step][rows[step], slots[step], :source_length] for step in steps]
        width = history.attention[0][0, 0, :source_length].size
        attention = torch.from_numpy(np.stack(weights) if weights else np.zeros((0, width), dtype=np.float32))
    return Hypothesis(tuple(reversed(tokens)), ending.log_probability, ending.score, ending.finished, attention)
