"""Batches come in few sizes, and nothing is lost or added by it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nmt.corpus.batching import pad_pairs
from nmt.model.kernels.onednn import rounded_up
from nmt.tokenization.special_tokens import SpecialTokens
from nmt.training.batches import TensorBatch
from nmt.training.loss import IGNORED, cross_entropy

SPECIAL = (SpecialTokens(bos=1, eos=2, pad=0, unk=3),) * 2
PAIRS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=20)


@given(st.integers(0, 1 << 20), st.sampled_from([1, 4, 8, 128]))
def test_sizes_are_rounded_up_by_little(count: int, multiple: int) -> None:
    rounded = rounded_up(count, multiple)
    assert rounded % multiple == 0
    assert count <= rounded < count + max(multiple, count / 8 + 1)


def test_sizes_are_few() -> None:
    assert len({rounded_up(length, 4) for length in range(1, 257)}) <= 32


@settings(deadline=None)
@given(PAIRS, st.booleans())
def test_the_tokens_to_predict_are_all_there(lengths: list[tuple[int, int]], buckets: bool) -> None:
    generator = np.random.default_rng(1)
    sources = [generator.integers(3, 50, source) for source, _ in lengths]
    targets = [generator.integers(3, 50, target) for _, target in lengths]
    batch = TensorBatch.from_batch(pad_pairs(sources, targets, SPECIAL), buckets=buckets)
    time, sentences = batch.target_output.shape[1], len(batch.target_output)
    readouts = torch.arange(time * sentences).view(time, sentences, 1).double()
    rows, found = batch.to_predict(readouts)
    assert len(set(batch.places.tolist())) == len(batch.places)
    predicted = {
        (int(row) % sentences, int(row) // sentences): int(token)
        for row, token in zip(rows, found, strict=True)
        if token >= 0
    }
    expected = {
        (sentence, place): token
        for sentence, target in enumerate(targets)
        for place, token in enumerate([*target.tolist(), SPECIAL[1].eos])
    }
    assert predicted == expected
    assert (found == IGNORED).sum() == len(found) - len(expected)
    assert buckets or len(found) == len(expected)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_ignored_targets_add_nothing(smoothing: float) -> None:
    torch.manual_seed(0)
    readouts = torch.randn(6, 4, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(9, 4, dtype=torch.float64, requires_grad=True)
    targets = torch.tensor([3, IGNORED, 0, 8, IGNORED, 8])
    kept = targets >= 0
    expected = cross_entropy(readouts[kept], weight, targets[kept], smoothing)
    expected_gradients = torch.autograd.grad(expected, (readouts, weight))
    found = cross_entropy(readouts, weight, targets, smoothing, ignoring=True)
    assert found.item() == pytest.approx(expected.item(), abs=1e-12)
    for ours, theirs in zip(torch.autograd.grad(found, (readouts, weight)), expected_gradients, strict=True):
        assert torch.allclose(ours, theirs, rtol=0, atol=1e-12)
