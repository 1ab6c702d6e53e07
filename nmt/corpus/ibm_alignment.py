"""Alignments of a corpus by IBM Model 1: links of its tokens on which both directions of translation agree.

Each direction gives each token of one side its most probable token of the other (`nmt.corpus.ibm_model1`). Where both
give each other, a link is nearly always right; other tokens have none (Och and Ney 2003, "A systematic comparison of
various statistical alignment models").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from nmt.corpus.encoding import Encoded, EncodedPairs, id_type
from nmt.corpus.ibm_model1 import learn_table, portions
from nmt.corpus.store import TokenPairs
from nmt.tokenization.tokenizers import Tokenizers


def align_corpus(
    store: TokenPairs, tokenizers: Tokenizers, longest: int, seed: int, progress: Callable[[int], None]
) -> Iterator[EncodedPairs]:
    """Yields the links of all pairs in order, portion by portion; the end marks of a pair are linked, too.

    A link is a place in the source and one in the target, both counted from 0: of the yielded pairs, number n of the
    source and number n of the target are a link. `longest` is the maximum number of tokens of a side. `progress` is
    called now and then with the number of pairs done; what it raises ends the work.
    """
    source, target = tokenizers

    def tick() -> None:
        progress(0)

    forward = learn_table(store, target.size, source.special.eos, seed, tick)
    backward = learn_table(store.swapped(), source.size, target.special.eos, seed, tick)
    kind, done = id_type(longest + 1), 0
    for indices in portions(store):
        of_target = forward.most_probable_sources(store, indices)
        of_source = backward.most_probable_sources(store.swapped(), indices)
        yield _agreed(of_target, of_source, store.source_lengths(indices), store.target_lengths(indices), kind)
        done += len(indices)
        progress(done)


def _agreed(
    of_target: NDArray[np.int64],
    of_source: NDArray[np.int64],
    source_lengths: NDArray[np.int64],
    target_lengths: NDArray[np.int64],
    kind: np.dtype[np.int64],
) -> EncodedPairs:
    """Returns the links that both directions have, and those of end marks; sides are flattened, -1 is no token."""
    pairs = np.arange(len(target_lengths))
    pair = np.repeat(pairs, target_lengths)
    place = np.arange(len(pair)) - (np.cumsum(target_lengths) - target_lengths)[pair]
    # A target token without a source token is compared with any, and left out.
    partner = of_source[(np.cumsum(source_lengths) - source_lengths)[pair] + np.maximum(of_target, 0)]
    kept = (of_target >= 0) & (partner == place)
    of_pair = np.concatenate([pair[kept], pairs])
    sources = np.concatenate([of_target[kept], source_lengths])
    targets = np.concatenate([place[kept], target_lengths])
    order = np.lexsort((targets, of_pair))
    lengths = np.bincount(of_pair, minlength=len(pairs))
    return EncodedPairs(
        Encoded(sources[order].astype(kind), lengths), Encoded(targets[order].astype(kind), lengths.copy())
    )
