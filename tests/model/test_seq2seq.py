"""One decoder step defines the model; everything else agrees with it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from nmt.model import seq2seq
from nmt.model.attention import DotAttention, ScoredAttention
from nmt.model.dropout import Dropout, drop_words
from nmt.model.kernels.rows import embedding_rows
from nmt.model.seq2seq import Seq2Seq
from nmt.training.loss import cross_entropy

MakeModel = Callable[..., Seq2Seq]
KINDS = [
    {
        "attention": attention,
        "conditional": conditional,
        "decoder_layers": layers,
        "encoder_layers": layers,
        "layer_norm": layers == 2,
    }
    for attention, conditional, layers in product(("additive", "general", "dot", "none"), (False, True), (1, 2))
]


def loss_and_gradients(model: Seq2Seq, batch: Any, *, by_steps: bool) -> tuple[float, dict[str, Tensor]]:
    model.zero_grad()
    readouts = model(batch.source, batch.lengths, batch.target_input, by_steps=by_steps).readouts
    loss = cross_entropy(readouts.flatten(0, 1), model.output_weight, batch.target_output.t().flatten(), 0.1)
    loss.backward()
    return loss.item(), {
        name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None
    }


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "-".join(map(str, kind.values())))
def test_the_fast_loop_equals_the_steps_in_loss_and_all_gradients(
    make_model: MakeModel, batch: Any, kind: dict[str, Any]
) -> None:
    model = make_model(**kind)
    loss, gradients = loss_and_gradients(model, batch, by_steps=True)
    fast_loss, fast_gradients = loss_and_gradients(model, batch, by_steps=False)
    assert fast_loss == pytest.approx(loss, abs=1e-12)
    assert fast_gradients.keys() == gradients.keys()
    for name, gradient in gradients.items():
        assert torch.allclose(fast_gradients[name], gradient, rtol=0, atol=1e-12), name


class NegativeDistance(ScoredAttention):
    """A score that neither the fast loop nor anything else in the program knows."""

    def keys(self, annotations: Tensor) -> Tensor:
        return annotations[..., :7]

    def scores(self, query: Tensor, keys: Tensor) -> Tensor:
        return -(query[:, :, None, :7] - keys[:, None]).square().sum(-1)


class ScaledDot(DotAttention):
    """A product of query and key, but not the one that the fast loop computes."""

    def scores(self, query: Tensor, keys: Tensor) -> Tensor:
        return super().scores(query, keys) / 2


@pytest.mark.parametrize("attention", [NegativeDistance(), ScaledDot(10, 10)], ids=["distance", "scaled dot"])
def test_a_new_attention_score_is_trained_as_it_is_defined(
    make_model: MakeModel, batch: Any, attention: ScoredAttention
) -> None:
    model = make_model(attention="dot")
    model.decoder.attention = attention
    loss, gradients = loss_and_gradients(model, batch, by_steps=True)
    trained_loss, trained_gradients = loss_and_gradients(model, batch, by_steps=False)
    assert not model.decoder.has_fast_loop
    assert trained_loss == pytest.approx(loss, rel=1e-14) and trained_gradients.keys() == gradients.keys()
    assert loss != loss_and_gradients(make_model(attention="dot"), batch, by_steps=True)[0]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "-".join(map(str, kind.values())))
def test_in_bfloat16_each_gradient_is_nearly_that_of_float32(
    make_model: MakeModel, batch: Any, kind: dict[str, Any]
) -> None:
    model = make_model(**kind).float()
    _, exact = loss_and_gradients(model, batch, by_steps=False)
    with torch.autocast("cpu", torch.bfloat16):
        _, rough = loss_and_gradients(model, batch, by_steps=False)
    errors = {name: ((rough[name] - value).norm() / value.norm()).item() for name, value in exact.items()}
    cancelled = errors.pop("decoder.attention.key_projection.bias", 0.0)  # its parts add up to almost nothing
    assert cancelled < 0.3
    assert all(error < 0.06 for error in errors.values()), errors


def test_with_dropout_the_fast_loop_draws_what_the_steps_draw(make_model: MakeModel, batch: Any) -> None:
    for variational in (False, True):
        model = make_model(decoder_layers=2, dropout=0.4, word_dropout=0.2, variational_dropout=variational).train()
        losses = []
        for by_steps in (True, False):
            torch.manual_seed(3)
            losses.append(loss_and_gradients(model, batch, by_steps=by_steps)[0])
        assert losses[1] == pytest.approx(losses[0], abs=1e-12)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "-".join(map(str, kind.values())))
@pytest.mark.parametrize("with_table", [False, True])
def test_search_steps_equal_teacher_forcing(
    make_model: MakeModel, batch: Any, kind: dict[str, Any], with_table: bool
) -> None:
    model = make_model(**kind)
    forced = model(batch.source, batch.lengths, batch.target_input)
    state = model.start(model.encode(batch.source, batch.lengths))
    table = model.word_gates() if with_table else None
    assert (table is not None) == with_table
    for t in range(batch.target_input.shape[1]):
        logits, state, attention = model.step(batch.target_input[:, t : t + 1], state, table)
        expected = forced.readouts[t] @ model.output_weight.t()
        assert torch.allclose(logits[:, 0], expected, rtol=0, atol=1e-13)
        if kind["attention"] == "none":
            assert attention is None
        else:
            assert attention is not None
            assert torch.allclose(attention[:, 0], forced.weights[t], rtol=0, atol=1e-13)


def test_there_is_no_table_of_words_that_would_be_large(make_model: MakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_model()
    table = model.word_gates()
    assert table is not None
    monkeypatch.setattr(seq2seq, "LARGEST_TABLE", table.numel() - 1)
    assert model.word_gates() is None


def test_a_selected_state_goes_on_as_the_hypothesis_it_came_from(make_model: MakeModel, batch: Any) -> None:
    model = make_model(decoder_layers=2)
    state = model.start(model.encode(batch.source, batch.lengths))
    _, state, _ = model.step(torch.tensor([[4], [5], [6]]), state)
    wide = state.select(None, torch.tensor([[0, 0], [0, 0], [0, 0]]))
    _, wide, _ = model.step(torch.tensor([[7, 8], [9, 10], [11, 12]]), wide)
    chosen = wide.select(torch.tensor([0, 2]), torch.tensor([[1], [0]]))
    logits, _, _ = model.step(torch.tensor([[5], [5]]), chosen)
    for row, (sentence, path) in enumerate([(0, [4, 8, 5]), (2, [6, 11, 5])]):
        alone = model.start(model.encode(batch.source[sentence : sentence + 1], batch.lengths[sentence : sentence + 1]))
        for token in path:
            expected, alone, _ = model.step(torch.tensor([[token]]), alone)
        assert torch.allclose(logits[row], expected[0], rtol=0, atol=1e-13)


def test_padding_and_neighbours_change_nothing(make_model: MakeModel, batch: Any) -> None:
    model = make_model()
    together = model(batch.source, batch.lengths, batch.target_input)
    for sentence, length in enumerate(batch.lengths.tolist()):
        alone = model(
            batch.source[sentence : sentence + 1, :length],
            batch.lengths[sentence : sentence + 1],
            batch.target_input[sentence : sentence + 1],
        )
        assert torch.allclose(together.readouts[:, sentence], alone.readouts[:, 0], rtol=0, atol=1e-14)
        assert torch.allclose(together.weights[:, sentence, :length], alone.weights[:, 0], rtol=0, atol=1e-14)
        assert not together.weights[:, sentence, length:].any()
    assert torch.allclose(together.weights.sum(-1), torch.ones(()).double(), rtol=0, atol=1e-14)


def test_without_attention_the_decoder_sees_the_last_states_only(make_model: MakeModel, batch: Any) -> None:
    model = make_model(attention="none")
    memory = model.encode(batch.source, batch.lengths)
    embedded = model.embed(batch.target_input.t(), model.target_embedding)
    output = model.decoder(embedded, memory)
    other = memory._replace(annotations=torch.zeros_like(memory.annotations))
    assert torch.equal(model.decoder(embedded, other).hidden, output.hidden)
    assert torch.equal(output.context[0], memory.summary)


def test_log_probabilities_are_those_of_softmax(make_model: MakeModel, batch: Any) -> None:
    model = make_model()
    readouts = model(batch.source, batch.lengths, batch.target_input).readouts
    expected = (readouts @ model.output_weight.t()).log_softmax(-1).transpose(0, 1)
    expected = expected.gather(2, batch.target_output[..., None])[..., 0]
    found = model.log_probabilities(readouts, batch.target_output)
    assert torch.allclose(found.double(), expected, rtol=0, atol=1e-6)


def test_in_bfloat16_log_probabilities_are_as_exact_as_the_readouts(make_model: MakeModel, batch: Any) -> None:
    model = make_model().float()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        readouts = 20 * model(batch.source, batch.lengths, batch.target_input).readouts.bfloat16()
        found = model.log_probabilities(readouts, batch.target_output)
    expected = (readouts.double() @ model.output_weight.double().t()).log_softmax(-1).transpose(0, 1)
    expected = expected.gather(2, batch.target_output[..., None])[..., 0]
    assert expected.min() < -5
    assert torch.allclose(found.double(), expected, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize(("tie", "matrices"), [("all", 1), ("output", 2), ("inputs", 2), ("none", 3)])
def test_tied_embeddings_are_one_matrix(make_model: MakeModel, tie: str, matrices: int) -> None:
    model = make_model(tie_embeddings=tie)
    weights = {id(e.weight) for e in (model.source_embedding, model.target_embedding, model.output_embedding)}
    assert len(weights) == matrices


def test_ties_that_sizes_do_not_allow_are_refused(make_model: MakeModel) -> None:
    with pytest.raises(ValueError, match="13 and 14"):
        make_model(target_vocabulary=14)
    with pytest.raises(ValueError, match="not 7"):
        make_model(readout_size=7)
    with pytest.raises(ValueError, match="8 and 10"):
        make_model(attention="dot", encoder_size=5)


def test_variational_dropout_has_one_mask_a_sentence() -> None:
    torch.manual_seed(0)
    values = torch.ones(6, 3, 50)
    dropped = Dropout(0.5, variational=True)(values)
    assert torch.equal(dropped, dropped[:1].expand_as(dropped))
    assert not torch.equal(dropped[:, 0], dropped[:, 1])
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    ordinary = Dropout(0.5)(values)
    assert not torch.equal(ordinary, ordinary[:1].expand_as(ordinary))


def test_word_dropout_drops_whole_words() -> None:
    torch.manual_seed(0)
    dropped = drop_words(torch.ones(40, 5, 7), 0.25)
    assert torch.equal(dropped, dropped[..., :1].expand_as(dropped))
    assert 0.1 < (dropped[..., 0] == 0).float().mean() < 0.4


def test_in_bfloat16_the_attention_of_a_step_is_as_exact_as_the_loop(make_model: MakeModel, batch: Any) -> None:
    """Energies are compared in float32; rounding them would be seen in every weight."""
    model = make_model(attention_size=64).float()
    with torch.no_grad():
        exact = model(batch.source, batch.lengths, batch.target_input).weights
        with torch.autocast("cpu", torch.bfloat16):
            fast = model(batch.source, batch.lengths, batch.target_input).weights
            slow = model(batch.source, batch.lengths, batch.target_input, by_steps=True).weights
    assert slow.dtype == torch.float32
    assert (slow - exact).abs().max() < 1.5 * (fast - exact).abs().max() + 1e-4


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "-".join(map(str, kind.values())))
def test_matrices_held_in_bfloat16_change_nothing_that_their_products_do_not(
    make_model: MakeModel, batch: Any, kind: dict[str, Any]
) -> None:
    model = make_model(**kind).float()
    results = []
    for _ in range(2):
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            state = model.start(model.encode(batch.source, batch.lengths))
            for t in range(3):
                logits, state, _ = model.step(batch.target_input[:, t : t + 1], state)
        results.append(logits)
        model.hold_matrices_in(torch.bfloat16)
    assert torch.allclose(*results, rtol=0, atol=2e-2)
    held = {name for name, parameter in model.named_parameters() if parameter.dtype == torch.bfloat16}
    assert any(name.endswith("recurrent_weight") for name in held)
    assert not any(name.endswith(("bias", "energy.weight")) for name in held)


def test_looking_up_is_what_an_embedding_does() -> None:
    weight, tokens = torch.randn(5, 3, dtype=torch.float64, requires_grad=True), torch.tensor([[4, 0, 4], [1, 4, 0]])
    assert torch.equal(embedding_rows(weight, tokens), torch.nn.functional.embedding(tokens, weight))
    assert torch.autograd.gradcheck(lambda values: embedding_rows(values, tokens), (weight,))
