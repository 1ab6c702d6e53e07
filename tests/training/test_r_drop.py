"""The loss of R-Drop, computed in chunks, is that of its formula under autograd."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from jobs import make_job
from nmt.corpus.batching import pad_pairs
from nmt.tokenization.special_tokens import SpecialTokens
from nmt.training import r_drop
from nmt.training.batches import TensorBatch
from nmt.training.gradient import Gradient, too_large
from nmt.training.loss import IGNORED, cross_entropy
from nmt.training.r_drop import r_drop_loss

SPECIAL = (SpecialTokens(bos=1, eos=2, pad=0, unk=3),) * 2


def by_the_formula(rows: Tensor, weight: Tensor, targets: Tensor, smoothing: float, alpha: float) -> Tensor:
    return of_logits(rows @ weight.t(), targets, smoothing, alpha)


def of_logits(logits: Tensor, targets: Tensor, smoothing: float, alpha: float) -> Tensor:
    losses = functional.cross_entropy(logits, targets.repeat(2), reduction="sum", label_smoothing=smoothing)
    first, second = logits.log_softmax(1).chunk(2)
    there = functional.kl_div(second, first, reduction="sum", log_target=True)
    back = functional.kl_div(first, second, reduction="sum", log_target=True)
    return losses / 2 + alpha * (there + back) / 2


def drawn(tokens: int, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    rows, weight = torch.randn(2 * tokens, 4, dtype=dtype), torch.randn(9, 4, dtype=dtype)
    return rows.requires_grad_(), weight.requires_grad_(), torch.randint(9, (tokens,))


@pytest.mark.parametrize("alpha", [0.0, 1.7])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize(("tokens", "dtype"), [(1, torch.float64), (3, torch.float64), (7, torch.float64), (7, None)])
def test_value_and_gradients_equal_those_of_the_formula(
    monkeypatch: pytest.MonkeyPatch, tokens: int, dtype: torch.dtype | None, smoothing: float, alpha: float
) -> None:
    monkeypatch.setattr(r_drop, "TOKENS_ON_CPU", 3)
    rows, weight, targets = drawn(tokens, dtype or torch.float32)
    exact = 1e-12 if dtype else 2e-5
    expected = by_the_formula(rows, weight, targets, smoothing, alpha)
    expected_gradients = torch.autograd.grad(3 * expected, (rows, weight))
    found, terms = r_drop_loss(rows, weight, targets, smoothing, alpha)
    assert found.item() == pytest.approx(expected.item(), abs=exact)
    assert terms[0].item() == pytest.approx(by_the_formula(rows, weight, targets, smoothing, 0.0).item(), abs=exact)
    assert (terms[0] + alpha * terms[1]).item() == pytest.approx(expected.item(), abs=exact)
    for ours, theirs in zip(torch.autograd.grad(3 * found, (rows, weight)), expected_gradients, strict=True):
        assert torch.allclose(ours, theirs, rtol=0, atol=exact)


def test_gradients_pass_gradcheck() -> None:
    rows, weight, targets = drawn(5)
    assert torch.autograd.gradcheck(lambda r, w: r_drop_loss(r, w, targets, 0.2, 0.7)[0], (rows, weight))


def test_ignored_targets_add_nothing() -> None:
    rows, weight, targets = drawn(5)
    kept = torch.tensor([0, 1, 3])
    expected = by_the_formula(rows[torch.cat([kept, kept + 5])], weight, targets[kept], 0.1, 1.3)
    expected_gradients = torch.autograd.grad(expected, (rows, weight))
    targets[[2, 4]] = IGNORED
    found, terms = r_drop_loss(rows, weight, targets, 0.1, 1.3, ignoring=True)
    assert found.item() == pytest.approx(expected.item(), abs=1e-12)
    assert (terms[0] + 1.3 * terms[1]).item() == pytest.approx(expected.item(), abs=1e-12)
    for ours, theirs in zip(torch.autograd.grad(found, (rows, weight)), expected_gradients, strict=True):
        assert torch.allclose(ours, theirs, rtol=0, atol=1e-12)


def test_two_passes_that_are_the_same_are_as_good_as_one() -> None:
    rows, weight, targets = drawn(6)
    one, both = rows[:6].detach().requires_grad_(), rows[:6].detach().repeat(2, 1).requires_grad_()
    expected = cross_entropy(one, weight, targets, 0.1)
    found, terms = r_drop_loss(both, weight, targets, 0.1, 5.0)
    assert found.item() == pytest.approx(expected.item(), abs=1e-12) and abs(terms[1].item()) < 1e-12
    of_one, of_weight = torch.autograd.grad(expected, (one, weight))
    of_both, of_weight_twice = torch.autograd.grad(found, (both, weight))
    assert torch.allclose(of_weight_twice, of_weight, rtol=0, atol=1e-12)
    assert torch.allclose(of_both[:6] + of_both[6:], of_one, rtol=0, atol=1e-12)


def test_huge_logits_and_passes_that_contradict_each_other_stay_finite() -> None:
    rows = torch.tensor([[300.0, 0.0], [0.0, 300.0]], requires_grad=True)
    weight = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]], requires_grad=True)
    found, terms = r_drop_loss(rows, weight, torch.tensor([0]), 0.1, 1.0)
    assert terms[1].item() == pytest.approx(300.0)
    found.backward()
    assert rows.grad is not None and rows.grad.isfinite().all()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_gradients_in_bfloat16_are_as_exact_as_its_logits(smoothing: float) -> None:
    torch.manual_seed(0)
    weight = (torch.randn(5000, 64) / 8).bfloat16()
    rows = torch.randn(64, 64).bfloat16()
    targets = (rows.float() @ weight.float().t()).argmax(1)
    passes = torch.cat([rows + torch.randn(64, 64) / 4 for _ in range(2)])
    passes = (passes.float() + 6 * weight[targets.repeat(2)].float()).bfloat16()
    logits = (passes @ weight.t()).double().requires_grad_()
    (of_logits_gradient,) = torch.autograd.grad(of_logits(logits, targets, smoothing, 1.0), logits)
    expected = of_logits_gradient @ weight.double()
    rough = passes.clone().requires_grad_()
    found, _ = r_drop_loss(rough, weight.float(), targets, smoothing, 1.0)
    assert found.dtype == torch.float32
    found.backward()
    assert rough.grad is not None
    assert (rough.grad - expected).norm() / expected.norm() < 0.006


@pytest.mark.parametrize("buckets", [False, True])
def test_a_batch_read_twice_has_the_tokens_to_predict_in_both_passes(buckets: bool) -> None:
    one = TensorBatch.from_batch(pad_pairs([[4, 5], [6], [7]], [[8], [9, 10, 11], []], SPECIAL), buckets=buckets)
    both = one.twice()
    sentences = len(one.source)
    assert [len(tensor) for tensor in both] == [2 * len(tensor) for tensor in one]
    places = torch.arange(one.target_input.shape[1])[:, None, None] * 100 + torch.arange(2 * sentences)[:, None]
    rows = both.to_predict(places.double())[0].int()
    once = one.to_predict(places[:, :sentences].double())[0].int()
    assert torch.equal(rows[: len(once)], once) and torch.equal(rows[len(once) :], once + sentences)


def test_memory_that_does_not_suffice_is_told_with_what_takes_it() -> None:
    plain, twice = (too_large("here", make_job(r_drop=alpha).config.training) for alpha in (0.0, 1.0))
    assert "twice" not in str(plain) and "twice at once by training.r_drop" in str(twice)


def test_each_pass_has_dropout_of_its_own_in_encoder_and_decoder() -> None:
    """Without it, two passes would agree from the beginning."""
    from nmt.build import build_model

    job = make_job(r_drop=1.0)
    sizes = {"attention_size": 4, "embedding_size": 4, "readout_size": 4, "dropout": 0.5}
    model = build_model(job.config.model.model_copy(update=sizes), 11, 11).train()
    batch = TensorBatch.from_batch(pad_pairs([[4, 5], [6]], [[8], [9, 10]], SPECIAL))
    seen: list[Tensor] = []
    for module in (model.encoder, model.decoder):
        module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    Gradient(model, job).add(batch, 5, last=True)
    assert len(seen) == 2
    for embedded in seen:  # (·, 2B, E)
        for place in embedded:
            first, second = place.chunk(2)
            assert len(place) == 4 and not torch.equal(first, second)
