"""Attention is drawn to alignments: the loss is that of its formula, and its gradient that of the steps."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from nmt.build import build_model
from nmt.config import ModelConfig
from nmt.corpus.batching import Batch, pad_pairs, with_links
from nmt.corpus.store import Side, TokenPairs
from nmt.tokenization.special_tokens import SpecialTokens
from nmt.training.batches import TensorBatch, empty_batch
from nmt.training.guided_alignment import alignment_loss

SPECIAL = (SpecialTokens(bos=1, eos=2, pad=0, unk=3),) * 2
BATCH = pad_pairs([[4, 5, 6], [7]], [[8, 9], [10]], SPECIAL)
# Of each pair, the last link is that of its end marks.
SOURCES, TARGETS = [[0, 2, 1, 3], [0, 1]], [[0, 0, 1, 2], [0, 1]]


def linked(batch: Batch = BATCH) -> Batch:
    sides = (Side.from_sentences([np.array(places) for places in side]) for side in (SOURCES, TARGETS))
    return with_links(batch, TokenPairs(*sides))


@pytest.mark.parametrize("buckets", [False, True])
def test_links_stand_where_they_belong_and_nowhere_else(buckets: bool) -> None:
    batch = TensorBatch.from_batch(linked(), buckets=buckets)
    expected = [(0, 0, 0), (0, 0, 2), (0, 1, 1), (0, 2, 3), (1, 0, 0), (1, 1, 1)]
    assert [tuple(place) for place in batch.links.nonzero().tolist()] == expected
    assert batch.links.shape == (*batch.target_output.shape, batch.source.shape[1])
    assert torch.equal(batch.twice().links, torch.cat([batch.links, batch.links]))


def test_what_stands_before_the_text_of_a_source_moves_its_links() -> None:
    tagged = pad_pairs([[99, 4, 5, 6], [7]], [[8, 9], [10]], SPECIAL)
    links = linked(tagged).links
    assert links is not None and links.sources.tolist() == [1, 3, 2, 4, 0, 1]


def test_without_alignments_and_without_pairs_there_are_no_links() -> None:
    assert len(TensorBatch.from_batch(BATCH).links) == 0
    nothing = TensorBatch.from_batch(linked(empty_batch(SPECIAL)))
    assert nothing.links.dim() == 3 and not nothing.links.any()


def test_the_loss_is_that_of_its_formula() -> None:
    torch.manual_seed(0)
    batch = TensorBatch.from_batch(linked())
    weights = torch.randn(3, 2, 4, dtype=torch.float64).softmax(-1).requires_grad_()  # (T, B, S)
    first, second = weights[:, 0].log(), weights[:, 1].log()
    expected = -((first[0, 0] + first[0, 2]) / 2 + first[1, 1] + first[2, 3] + second[0, 0] + second[1, 1])
    found = alignment_loss(weights, batch.links)
    assert found.item() == pytest.approx(expected.item(), abs=1e-12)
    ours, theirs = (torch.autograd.grad(loss, weights)[0] for loss in (found, expected))
    assert torch.allclose(ours, theirs, rtol=0, atol=1e-12)


def test_attention_that_is_exactly_nothing_has_a_finite_loss() -> None:
    weights = torch.tensor([[[0.0, 1.0]]], requires_grad=True)
    loss = alignment_loss(weights, torch.tensor([[[True, False]]]))
    loss.backward()
    assert loss.isfinite() and weights.grad is not None and weights.grad.isfinite().all()


@pytest.mark.parametrize("attention", ["additive", "general", "dot"])
@pytest.mark.parametrize("conditional", [False, True])
def test_gradients_by_the_fast_loop_are_those_of_the_steps(attention: str, conditional: bool) -> None:
    sizes = {"attention_size": 4, "embedding_size": 4, "readout_size": 4, "dropout": 0.0}
    parts = {"encoder": {"hidden_size": 4}, "decoder": {"hidden_size": 8, "conditional": conditional, "layers": 2}}
    torch.manual_seed(1)
    model = build_model(ModelConfig.model_validate({"attention": attention, **sizes, **parts}), 11, 11).double()
    batch = TensorBatch.from_batch(linked())

    def gradients(by_steps: bool) -> tuple[float, list[Tensor]]:
        model.zero_grad()
        given = batch.source, batch.source_lengths, batch.target_input
        forced = model(*given, by_steps=by_steps, weights_learn=not by_steps)
        loss = alignment_loss(forced.weights, batch.links) + forced.readouts.square().sum()
        loss.backward()
        return loss.item(), [parameter.grad for parameter in model.parameters() if parameter.grad is not None]

    (expected, of_steps), (found, of_loop) = gradients(True), gradients(False)
    assert found == pytest.approx(expected, abs=1e-12)
    for ours, theirs in zip(of_loop, of_steps, strict=True):
        assert torch.allclose(ours, theirs, rtol=0, atol=1e-12)
