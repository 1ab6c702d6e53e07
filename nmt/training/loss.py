"""Cross-entropy over the vocabulary, with its gradient made on the way forward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional

ROWS_AT_ONCE = 256  # rows of logits held at once: few enough to stay near the processor's caches


class _SmoothedCrossEntropy(Function):
    """Loss and gradients chunk by chunk, so that the logits of a whole batch never exist."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, weight: Tensor, targets: Tensor, smoothing: float) -> Tensor:
        vocabulary = weight.shape[0]
        accurate = torch.promote_types(rows.dtype, torch.float32)
        loss = rows.new_zeros((), dtype=accurate)
        rows_gradient = torch.empty_like(rows)
        weight_gradient = weight.new_zeros(weight.shape, dtype=accurate)
        weight_t = weight.t()
        for start in range(0, len(rows), ROWS_AT_ONCE):
            stop = min(start + ROWS_AT_ONCE, len(rows))
            chosen = targets[start:stop, None]
            # All chunks have one size, the last one filled up with zeros: see `TensorBatch`.
            some = functional.pad(rows[start:stop], (0, 0, 0, start + ROWS_AT_ONCE - stop))
            products = some @ weight_t
            logits = products[: stop - start].to(accurate)
            log_total = torch.logsumexp(logits, 1, keepdim=True)
            loss += (log_total - (1 - smoothing) * logits.gather(1, chosen)).sum()
            if smoothing:
                loss -= smoothing / vocabulary * logits.sum()
            # d loss / d logits = softmax − smoothed target
            gradient = (logits - log_total).exp_()
            if smoothing:
                gradient.sub_(smoothing / vocabulary)
            gradient.scatter_add_(1, chosen, gradient.new_full((1, 1), smoothing - 1).expand(chosen.shape))
            products[: stop - start] = gradient
            products[stop - start :] = 0
            rows_gradient[start:stop] = (products @ weight)[: stop - start]
            weight_gradient += products.t() @ some
        ctx.save_for_backward(rows_gradient, weight_gradient)
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
