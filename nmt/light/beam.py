"""Beam search for one sentence in NumPy; what it finds is what `nmt.search.beam` does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nmt.light.network import Array, LightNetwork
from nmt.search.hypothesis import Hypothesis, NonFiniteScoresError
from nmt.search.options import SearchOptions

_BLOCK = 64  # candidates of which one is looked at, to find how large the best ones are


class _Chosen(NamedTuple):
    """What a step of the search chose, (K,) each."""

    parents: NDArray[np.int64]  # the hypotheses that are continued
    tokens: NDArray[np.int64]
    totals: Array  # log-probabilities with these tokens; -inf for no hypothesis
    scores: Array  # by which hypotheses of different lengths are compared


class _EndedHypothesis(NamedTuple):
    """A hypothesis that ended in a slot of the beam behind so many tokens."""

    length: int
    slot: int
    log_probability: float
    score: float
    finished: bool  # by an end mark


@dataclass
class _Search:
    """The steps and endings so far."""

    options: SearchOptions
    steps: list[_Chosen] = field(default_factory=list)
    endings: list[_EndedHypothesis] = field(default_factory=list)

    def extend(self, logits: Array, totals: Array) -> _Chosen:
        """Chooses the best hypotheses with one token more, and keeps those that end here; logits (K, V), totals (K,).

        Raises NonFiniteScoresError if the logits leave no probabilities.
        """
        options, width = self.options, self.options.beam_size
        highest = logits.max(axis=1, keepdims=True)
        normaliser = np.log(np.exp(logits - highest).sum(axis=1)) + highest[:, 0]
        if not np.isfinite(normaliser).all():
            raise NonFiniteScoresError(0, f"word {len(self.steps) + 1}")
        after = logits + (totals - normaliser)[:, None]
        endings = after[:, options.eos].copy()
        after[:, [options.eos, *options.forbidden]] = -np.inf
        places = _largest(after.ravel(), width)
        parents, tokens = np.divmod(places, logits.shape[1])
        ranked: Array = after.ravel()[places]
        divisor = np.float32((len(self.steps) + 1) ** options.length_penalty)
        # An end mark wins against an equal word.
        above = (ranked > endings[:, None]).sum(axis=1) + (endings > endings[:, None]).sum(axis=1)
        for slot in np.flatnonzero((above < width) & (endings > -np.inf)).tolist():
            score = float(endings[slot] / divisor)
            self.endings.append(_EndedHypothesis(len(self.steps), slot, float(endings[slot]), score, finished=True))
        return _Chosen(parents, tokens, ranked, ranked / divisor)

    def is_done(self, chosen: _Chosen) -> bool:
        """Returns whether no hypothesis can become better than those that have ended."""
        finished = sorted((one.score for one in self.endings), reverse=True)[: self.options.beam_size]
        worst = finished[-1] if len(finished) == self.options.beam_size else -np.inf
        return bool(chosen.scores.max() <= worst)

    def cut(self) -> None:
        """Ends the hypotheses that are in the beam without an end mark."""
        length = len(self.steps)
        ended = {one.slot for one in self.endings if one.length == length}
        totals, scores = (self.steps[-1].totals, self.steps[-1].scores) if self.steps else (np.zeros(1), np.zeros(1))
        self.endings += [
            _EndedHypothesis(length, slot, float(total), float(score), finished=False)
            for slot, (total, score) in enumerate(zip(totals, scores, strict=True))
            if slot not in ended and total > -np.inf
        ]

    def best(self) -> list[Hypothesis]:
        """Returns the best hypotheses, and behind all that have finished those that were cut."""
        ranked = sorted(self.endings, key=lambda one: (not one.finished, -one.score))
        return [self._followed(one) for one in ranked[: self.options.n_best]]

    def _followed(self, ending: _EndedHypothesis) -> Hypothesis:
        """Traces a hypothesis back to its beginning."""
        tokens, slot = [], ending.slot
        for step in reversed(self.steps[: ending.length]):
            tokens.append(int(step.tokens[slot]))
            slot = int(step.parents[slot])
        return Hypothesis(tuple(reversed(tokens)), ending.log_probability, ending.score, ending.finished)


def find_hypotheses(
    network: LightNetwork, source: Sequence[int], options: SearchOptions, limit: int
) -> list[Hypothesis]:
    """Finds the best translations of a sentence, at most `options.n_best`, the best first.

    Args:
        network: the model.
        source: the tokens of the sentence, with the end mark.
        options: of the search, of which coverage, n-grams, groups and attention are not heeded.
        limit: maximum number of tokens of a translation, the end mark not counted.

    Raises NonFiniteScoresError if the model, being broken, gives NaN or infinities.
    """
    search = _Search(options)
    # Infinities are usual: e to the power of a gate's negative may be one, and its reciprocal the 0 that is meant.
    with np.errstate(all="ignore"):
        sentence = network.encode(source)
        state = network.start(sentence)
        tokens, totals = np.array([options.bos]), np.zeros(1, np.float32)
        while True:
            logits, state = network.step(tokens, state, sentence)
            chosen = search.extend(logits, totals)
            if search.is_done(chosen) or len(search.steps) == limit:
                search.cut()
                return search.best()
            search.steps.append(chosen)
            tokens, totals, state = chosen.tokens, chosen.totals, state.select(chosen.parents)


def _largest(values: Array, count: int) -> NDArray[np.int64]:
    """Returns the places of the largest values, descending; of equal ones, the first."""
    places = np.arange(len(values))
    blocks = len(values) // _BLOCK
    if blocks > count:
        # So many blocks have their largest above the least of these, and so there are at least as many values.
        highest = values[: blocks * _BLOCK].reshape(blocks, _BLOCK).max(axis=1)
        places = np.flatnonzero(values >= np.partition(highest, -count)[-count])
    return places[np.argsort(-values[places], kind="stable")[:count]]
