"""Cross-entropy over the vocabulary, with its gradient made on the way forward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional

ROWS_AT_ONCE = 128  # rows of logits worked on at once: few enough to stay near the processor's caches
ROWS_HELD = 8 * ROWS_AT_ONCE  # rows whose gradients are held, for one product with the readouts


class _SmoothedCrossEntropy(Function):
    """Loss and gradients chunk by chunk, so that the logits of a whole batch never exist.

    With e = exp(logits - their largest) and n = Σ e, the gradient of a row's logits is
    e / n - (1 - smoothing) · target - smoothing / V. The products are taken with e alone, lowered at the target: the
    factor 1 / n goes to the rows, and the last term, the same for the whole vocabulary, is added at the end.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor, weight: Tensor, targets: Tensor, smoothing: float) -> Tensor:
        count, vocabulary = len(rows), weight.shape[0]
        accurate = torch.promote_types(rows.dtype, torch.float32)
        loss = rows.new_zeros((), dtype=accurate)
        # All chunks have one size, the last one filled up with zeros: see `TensorBatch`.
        rows = functional.pad(rows, (0, 0, 0, -count % ROWS_AT_ONCE))
        rows_gradient, scaled_rows = torch.empty_like(rows), torch.empty_like(rows)
        weight_gradient = weight.new_zeros(weight.shape, dtype=accurate)
        numbers = torch.arange(ROWS_AT_ONCE, device=rows.device)
        held = rows.new_empty(min(ROWS_HELD, len(rows)), vocabulary)
        for start in range(0, len(rows), ROWS_AT_ONCE):
            stop, real = start + ROWS_AT_ONCE, min(ROWS_AT_ONCE, count - start)
            place = start % ROWS_HELD
            chosen = targets[start : start + real]
            # What is at first logits becomes the gradient in place.
            products = torch.mm(rows[start:stop], weight.t(), out=held[place : place + ROWS_AT_ONCE])
            largest = products.amax(1, keepdim=True)
            products.sub_(largest)
            target_logits = products[numbers[:real], chosen].to(accurate)
            products.exp_()
            total = products.sum(1, keepdim=True, dtype=accurate)
            real_total = total[:real, 0]
            loss += (
                real_total.log() + smoothing * largest[:real, 0].to(accurate) - (1 - smoothing) * target_logits
            ).sum()
            lowered = target_logits.exp() - (1 - smoothing) * real_total
            products[numbers[:real], chosen] = lowered.to(products.dtype)
            products[real:] = 0
            scaled_rows[start:stop] = rows[start:stop] / total
            rows_gradient[start:stop] = (products @ weight) / total
            if stop % ROWS_HELD == 0 or stop == len(rows):
                first = start - place
                weight_gradient += held[: stop - first].t() @ scaled_rows[first:stop]
        if smoothing:
            share = smoothing / vocabulary
            weight_sum, rows_sum = weight.sum(0, dtype=accurate), rows.sum(0, dtype=accurate)
            loss -= share * torch.dot(rows_sum, weight_sum)
            rows_gradient -= (share * weight_sum).to(rows_gradient.dtype)
            weight_gradient -= share * rows_sum
        ctx.save_for_backward(rows_gradient[:count], weight_gradient)
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None]:
        rows_gradient, weight_gradient = ctx.saved_tensors
        return rows_gradient * gradient.to(rows_gradient.dtype), weight_gradient * gradient, None, None


_smoothed_cross_entropy = cast("Callable[..., Tensor]", _SmoothedCrossEntropy.apply)


def cross_entropy(rows: Tensor, weight: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    """The summed label-smoothed cross-entropy, in nats (Szegedy et al. 2016, arXiv:1512.00567, section 7).

    Args:
        rows: (N, R) readouts; weight: (V, R) of the output layer; logits are their product, which runs in the type of
            `rows`. Gradients of both are computed on the way forward.
        targets: (N,) token ids.
        smoothing: the share of probability that the target distribution spreads evenly over the vocabulary.
    """
    with torch.autocast(rows.device.type, enabled=False):
        return _smoothed_cross_entropy(rows, weight.to(rows.dtype), targets, smoothing)
