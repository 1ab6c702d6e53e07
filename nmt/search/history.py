"""The history of a search, step by step, and the hypotheses that are read from it.

Hypotheses are not copied when the beam reorders: each step records its tokens and pointers to the slots that they
continue, and the few hypotheses that are returned are traced back once, at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nmt.search.hypothesis import NEG_INF, Expansion, Hypothesis


class _Ending(NamedTuple):
    """The end of a hypothesis, which was in `slot` of the beam when `step` was computed."""

    step: int
    slot: int
    log_probability: float
    score: float
    finished: bool


class _HostHistory(NamedTuple):
    """The whole history on the host: for each step a list over its rows."""

    tokens: list[list[list[int]]]
    parents: list[list[list[int]]]
    log_probabilities: list[list[list[float]]]
    scores: list[list[list[float]]]
    endings: list[list[list[float]]]
    ending_scores: list[list[list[float]]]
    attention: list[NDArray[np.float32]]


@dataclass
class History:
    """Records every step of a search over `sentences` sentences."""

    sentences: int
    _rows: list[dict[int, int]] = field(default_factory=list)  # of each step: sentence -> row of the batch
    _expansions: list[Expansion] = field(default_factory=list)
    _scores: list[Tensor] = field(default_factory=list)
    _ending_scores: list[Tensor] = field(default_factory=list)
    _attention: list[Tensor] = field(default_factory=list)

    def record(
        self,
        batch: Sequence[int],
        expansion: Expansion,
        scores: Tensor,
        ending_scores: Tensor,
        attention: Tensor | None,
    ) -> None:
        """Adds a step.

        Args:
            batch: the sentence of each row.
            expansion: its new hypotheses and those that end.
            scores: (B, K) of the new ones.
            ending_scores: (B, K of the shorter ones) of those that end, NEG_INF for the others.
            attention: (B, K of the shorter ones, S), or None if it is not wanted.
        """
        self._rows.append({sentence: row for row, sentence in enumerate(batch)})
        self._expansions.append(expansion)
        self._scores.append(scores)
        self._ending_scores.append(ending_scores)
        if attention is not None:
            self._attention.append(attention.float())

    def hypotheses(self, n_best: int, *, ranked: bool, source_lengths: Tensor | None) -> list[list[Hypothesis]]:
        """Reads the hypotheses of each sentence.

        Args:
            n_best: maximum number of hypotheses of each sentence.
            ranked: sorts them, the best first, and all finished ones before those cut at the limit; otherwise they are
                in the order of slots.
            source_lengths: (B,), the widths that attention is trimmed to; None leaves it as it is.
        """
        history = self._on_host()
        lengths = None if source_lengths is None else source_lengths.tolist()
        hypotheses = []
        for sentence in range(self.sentences):
            rows = [step[sentence] for step in self._rows if sentence in step]
            endings = _endings(history, rows, n_best)
            endings.sort(key=(lambda e: (not e.finished, -e.score)) if ranked else (lambda e: e.slot))
            length = None if lengths is None else lengths[sentence]
            hypotheses.append([_follow(history, rows, ending, length) for ending in endings[:n_best]])
        return hypotheses

    def _on_host(self) -> _HostHistory:
        expansion = self._expansions
        return _HostHistory(
            tokens=_as_lists([step.tokens for step in expansion]),
            parents=_as_lists([step.parents for step in expansion]),
            log_probabilities=_as_lists([step.log_probabilities for step in expansion]),
            scores=_as_lists(self._scores),
            endings=_as_lists([step.endings for step in expansion]),
            ending_scores=_as_lists(self._ending_scores),
            attention=_on_host(self._attention),
        )


def _as_lists(steps: Sequence[Tensor]) -> list[list[list[Any]]]:
    # Through NumPy, which makes lists many times faster than torch.
    return [step.tolist() for step in _on_host(steps)]


def _on_host(steps: Sequence[Tensor]) -> list[NDArray[Any]]:
    """Copies the tensors to the host, in one transfer."""
    if not steps:
        return []
    flat = torch.cat([step.flatten() for step in steps]).cpu()
    parts = torch.split(flat, [step.numel() for step in steps])
    return [part.view(step.shape).numpy() for part, step in zip(parts, steps, strict=True)]


def _endings(history: _HostHistory, rows: Sequence[int], n_best: int) -> list[_Ending]:
    """Lists the finished hypotheses of a sentence and, if they are fewer than `n_best`, those cut at its last step."""
    endings = [
        _Ending(step, slot, history.endings[step][row][slot], score, finished=True)
        for step, row in enumerate(rows)
        for slot, score in enumerate(history.ending_scores[step][row])
        if score > NEG_INF
    ]
    if len(endings) >= n_best:
        return endings
    last = len(rows) - 1
    ended = history.ending_scores[last][rows[last]]
    if last == 0:  # before the first step there was nothing but the empty hypothesis
        before, scores = [0.0] * len(ended), [0.0] * len(ended)
    else:
        before, scores = history.log_probabilities[last - 1][rows[last - 1]], history.scores[last - 1][rows[last - 1]]
    cut = [
        _Ending(last, slot, before[slot], scores[slot], finished=False)
        for slot, score in enumerate(ended)
        if score == NEG_INF and before[slot] > NEG_INF
    ]
    return endings + cut


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
