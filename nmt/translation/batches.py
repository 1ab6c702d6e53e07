"""The batches of segments that are searched together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from nmt.corpus.batch_order import length_sorted_batches
from nmt.translation.ensemble import Ensemble
from nmt.translation.options import TranslateOptions
from nmt.translation.segments import Segment

LARGEST_LOGITS = 1 << 26
"""Maximum number of logits per search step, (B, K, V), of several sentences; a search takes some 10 bytes for each."""

LARGEST_OUTPUTS = 1 << 26
"""Maximum number of output weights gathered for the shortlists of several sentences, (B, C, R)."""


def search_batches(segments: Sequence[Segment], ensemble: Ensemble, options: TranslateOptions) -> Iterator[list[int]]:
    """Yields batches of segments, as their indices: of similar length, and bounded in all that grows with a batch."""
    vocabulary_size = ensemble.first.output_weight.shape[0]
    readout_size = sum(model.output_weight.shape[1] for model in ensemble.members)
    lengths = np.array([len(segment.ids) + 1 for segment in segments], dtype=np.int64)
    # Of several models, one's logits stand beside the sum of all.
    logits = LARGEST_LOGITS // min(2, len(ensemble.members))
    most = max(1, logits // (options.width * max(vocabulary_size, options.width)))
    for batch in length_sorted_batches(lengths, options.search.batch_tokens, most):
        yield from _with_bounded_outputs(segments, batch.tolist(), readout_size)


def _with_bounded_outputs(segments: Sequence[Segment], batch: list[int], readout_size: int) -> Iterator[list[int]]:
    """Halves a batch until the output weights gathered for its shortlists are at most `LARGEST_OUTPUTS`."""
    candidates = (segments[index].candidates for index in batch)
    longest = max(0 if tokens is None else len(tokens) for tokens in candidates)
    if len(batch) > 1 and len(batch) * longest * readout_size > LARGEST_OUTPUTS:
        half = len(batch) // 2
        yield from _with_bounded_outputs(segments, batch[:half], readout_size)
        yield from _with_bounded_outputs(segments, batch[half:], readout_size)
    else:
        yield batch
