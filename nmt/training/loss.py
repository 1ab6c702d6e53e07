"""Cross-entropy over the vocabulary, with its gradient made on the way forward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Self, cast

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional

from nmt.model.kernels.dispatch import choose_kernels
from nmt.model.kernels.interface import Exponentials
from nmt.model.kernels.matmul import mm, outside_autocast
from nmt.model.kernels.onednn import ROWS

# Rows of logits computed at once: enough for fast products, and few enough to stay near a processor's caches.
ROWS_ON_CPU, ROWS_ON_GPU = 512, 8192
IGNORED = -1  # a target of a row that adds nothing to the loss
_SAFE_SUM = 1e-20, 1e20  # sums between these, and all values made of them, are far from overflow and underflow


class LossTerms(NamedTuple):
    """The terms of a loss, summed over target tokens, in nats; the latter two before they are weighted."""

    cross_entropy: float
    divergence: float  # of two passes (`nmt.training.r_drop`); 0 without R-Drop
    alignment: float  # cross-entropy of the attention with given alignments; 0 without guidance


class _Exponentials(NamedTuple):
    """The exponentials exp(logits - shift) of rows, with each row's sum and its target's logit less the shift."""

    values: Tensor  # (N, V)
    sums: Tensor  # (N, 1), accurate
    target_logits: Tensor  # (N,), accurate
    shift: Tensor | float  # (N,), accurate

    @classmethod
    def from_logits(cls, logits: Tensor, targets: Tensor, *, shifted: bool) -> Self:
        """Turns logits into exponentials; not `shifted`, very large or very small ones overflow or vanish."""
        accurate = torch.promote_types(logits.dtype, torch.float32)
        shift: Tensor | float = 0.0
        if shifted:
            largest = logits.amax(1, keepdim=True)
            logits.sub_(largest)
            shift = largest[:, 0].to(accurate)
        target_logits = logits.gather(1, targets[:, None])[:, 0].to(accurate)
        values = logits.exp_()
        return cls(values, values.sum(1, keepdim=True, dtype=accurate), target_logits, shift)

    @classmethod
    def by_kernel(cls, kernel: Callable[[Tensor, Tensor], Exponentials], logits: Tensor, targets: Tensor) -> Self:
        """Turns logits into shifted exponentials by a kernel, in one pass over memory."""
        sums, largest, target_logits = kernel(logits, targets)
        return cls(logits, sums[:, None], target_logits - largest, largest)

    @property
    def safe(self) -> bool:
        """True if no row came near overflow or underflow."""
        least, greatest = self.sums.aminmax()
        return _SAFE_SUM[0] < least.item() and greatest.item() < _SAFE_SUM[1]


class _SmoothedCrossEntropy(Function):
    """Loss and gradients chunk by chunk, so that the logits of a whole batch never exist.

    With e = exp(logits - shift) and n = Σ e, the gradient of a row's logits is
    e / n - (1 - smoothing) · target - smoothing / V. The products are taken with e alone, lowered at the target: the
    factor 1 / n goes to the rows, and the last term, the same for the whole vocabulary, is added at the end.
    """

    @staticmethod
    def forward(
        ctx: Any,
        rows: Tensor,
        weight: Tensor,
        targets: Tensor,
        smoothing: float,
        ignoring: bool,
        kernel: Callable[[Tensor, Tensor], Exponentials] | None,
    ) -> Tensor:
        count, vocabulary = len(rows), weight.shape[0]
        accurate = torch.promote_types(rows.dtype, torch.float32)
        on_gpu = rows.device.type != "cpu"
        at_once = ROWS_ON_GPU if on_gpu else ROWS_ON_CPU
        loss = rows.new_zeros((), dtype=accurate)
        # See `filled_up`.
        empty = -count % min(at_once, ROWS)
        rows = functional.pad(rows, (0, 0, 0, empty))
        targets = functional.pad(targets, (0, empty), value=IGNORED if ignoring else 0)
        ignored = targets < 0
        if ignoring:
            # Rows of zeros add nothing to the gradient of the weight.
            rows, targets = rows.masked_fill(ignored[:, None], 0), targets.clamp(min=0)
        rows_gradient = torch.empty_like(rows)
        # Transposed, since its products have to transpose a factor, and the rows are mostly the smaller one.
        weight_gradient_t = weight.new_zeros(weight.shape[::-1], dtype=accurate)
        buffer = rows.new_empty(min(at_once, len(rows)), vocabulary)
        numbers = torch.arange(len(buffer), device=rows.device)
        for start in range(0, len(rows), at_once):
            chunk, chosen = rows[start : start + at_once], targets[start : start + at_once]
            size, real = len(chunk), min(at_once, count - start)
            logits = mm(chunk, weight.t(), out=buffer[:size])
            if kernel is not None:
                exponentials = _Exponentials.by_kernel(kernel, logits, chosen)
            else:
                # To ask a GPU whether it is safe would mean to wait; a CPU seldom needs the shift, which takes two
                # passes.
                exponentials = _Exponentials.from_logits(logits, chosen, shifted=on_gpu)
                if not (on_gpu or exponentials.safe):
                    del exponentials, logits  # before as much memory is needed again
                    logits = mm(chunk, weight.t(), out=buffer[:size])
                    exponentials = _Exponentials.from_logits(logits, chosen, shifted=True)
            values, sums, target_logits, shift = exponentials
            losses = sums[:, 0].log() + smoothing * shift - (1 - smoothing) * target_logits
            loss += (losses.masked_fill(ignored[start : start + at_once], 0) if ignoring else losses[:real]).sum()
            # The exponentials become the gradient in place.
            at_target = numbers[:size], chosen
            # Rounded as in the sum, so that what the two have in common cancels out.
            lowered = values[at_target].to(accurate) - (1 - smoothing) * sums[:, 0]
            values[at_target] = lowered.to(values.dtype)
            rows_gradient[start : start + size] = mm(values, weight) / sums
            weight_gradient_t += mm((chunk / sums).to(rows.dtype).t(), values)
            del exponentials, values, logits
        del buffer  # before the gradient is there twice
        weight_gradient = weight_gradient_t.t().contiguous()
        del weight_gradient_t
        if smoothing:
            share = smoothing / vocabulary
            weight_sum, rows_sum = weight.sum(0, dtype=accurate), rows.sum(0, dtype=accurate)
            loss -= share * torch.dot(rows_sum, weight_sum)
            rows_gradient -= (share * weight_sum).to(rows_gradient.dtype)
            weight_gradient -= share * rows_sum
        if ignoring:
            rows_gradient.masked_fill_(ignored[:, None], 0)
        ctx.save_for_backward(rows_gradient[:count], weight_gradient)
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        rows_gradient, weight_gradient = ctx.saved_tensors
        return rows_gradient * gradient.to(rows_gradient.dtype), weight_gradient * gradient, None, None, None, None


_smoothed_cross_entropy = cast("Callable[..., Tensor]", _SmoothedCrossEntropy.apply)


def cross_entropy(
    rows: Tensor, weight: Tensor, targets: Tensor, smoothing: float = 0.0, *, ignoring: bool = False
) -> Tensor:
    """Computes the summed label-smoothed cross-entropy, in nats (Szegedy et al. 2016, arXiv:1512.00567, section 7).

    Args:
        rows: (N, R) readouts.
        weight: (V, R) of the output layer. Logits are the product of the two, which runs in the type of `rows`;
            gradients of both are computed on the way forward.
        targets: (N,) token ids.
        smoothing: the share of probability that the target distribution spreads evenly over the vocabulary.
        ignoring: True if targets may be IGNORED, whose rows then add nothing, however many they are.
    """
    kernels = choose_kernels(rows)
    with outside_autocast(rows.device):
        given = rows, weight.to(rows.dtype), targets, smoothing, ignoring
        return _smoothed_cross_entropy(*given, kernels.exponentials)
