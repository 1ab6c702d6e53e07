"""The choice among many translations of a sentence: minimum Bayes risk, and the one that is closest to a reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nmt.search.hypothesis import Hypothesis
from nmt.tokenization.tokenizer import Tokenizer
from nmt.translation.options import TranslateOptions
from nmt.translation.result import Output, Translation, by_utility
from nmt.translation.utility import utility_matrix


def by_expected_utility(
    candidates: Sequence[Hypothesis], target: Tokenizer, options: TranslateOptions
) -> list[Hypothesis]:
    """Returns the `options.n_best` candidates with the highest expected utility, the best first (minimum Bayes risk).

    The expectation takes each candidate for the reference, itself included (Kumar and Byrne 2004; Eikema and Aziz 2020,
    arXiv:2005.10283). Samples count alike, hypotheses of a beam by their probabilities, made to add up to 1. Those of
    one text are one candidate that counts for all of them, and is the first of them. Equal utilities leave the order.
    """
    places: dict[str, list[int]] = {}
    for place, candidate in enumerate(candidates):
        places.setdefault(target.decode(candidate.tokens), []).append(place)
    of_candidates = _weights(candidates, sampled=options.sampling is not None)
    weights = np.array([of_candidates[of_text].sum() for of_text in places.values()])
    expected = utility_matrix(list(places), options.mbr_metric) @ weights
    rated = [
        replace(candidates[first], utility=utility)
        for (first, *_), utility in zip(places.values(), expected.tolist(), strict=True)
    ]
    return sorted(rated, key=by_utility)[: options.n_best]


def closest_first(translation: Translation, reference: str, options: TranslateOptions) -> Translation:
    """Returns a line's translation with the `options.n_best` outputs that are closest to a reference, the best first.

    Of outputs with one text the first stands for all, and equally close ones stay in their order: a blank reference,
    which nothing is close to, leaves all as they are.
    """
    outputs: dict[str, Output] = {}
    for output in translation.outputs:
        outputs.setdefault(output.text, output)
    utilities = utility_matrix([*outputs, reference], options.mbr_metric, len(outputs))[:-1, 0].tolist()
    rated = [replace(output, utility=utility) for output, utility in zip(outputs.values(), utilities, strict=True)]
    return replace(translation, outputs=tuple(sorted(rated, key=by_utility)[: options.n_best]))


def _weights(candidates: Sequence[Hypothesis], *, sampled: bool) -> NDArray[np.float64]:
    """Returns how much each candidate counts, 1 in all."""
    if sampled:
        return np.full(len(candidates), 1 / len(candidates))
    log_probabilities = np.array([one.log_probability for one in candidates])
    weights: NDArray[np.float64] = np.exp(log_probabilities - log_probabilities.max())
    return weights / float(weights.sum())
