"""R-Drop: two passes over the same pairs, with dropout of their own, agree (Liang et al. 2021, arXiv:2106.14448).

The rows of the first pass stand before those of the second, in the same order. As in `nmt.training.loss`, gradients are
made on the way forward, chunk by chunk, so that the logits of a whole batch never exist.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Self, cast

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional

from nmt.model.kernels.matmul import mm, outside_autocast
from nmt.model.kernels.onednn import ROWS
from nmt.training.loss import IGNORED

# Target tokens compared at once. Several numbers a token and entry of the vocabulary are needed for it, where the loss
# of one pass needs one.
TOKENS_ON_CPU, TOKENS_ON_GPU = 256, 2048


class _Comparison(NamedTuple):
    """The distributions p and q of two passes at some places, and how they differ; all accurate."""

    probabilities: Tensor  # (2N, V) p before q
    differences: Tensor  # (2N, V) of no meaning before log p - log q
    cross_entropies: Tensor  # (N,) mean of both
    forward: Tensor  # (N, 1) KL(p || q)
    backward: Tensor  # (N, 1) KL(q || p)

    @classmethod
    def from_logits(cls, logits: Tensor, targets: Tensor, smoothing: float) -> Self:
        """Compares the logits of both passes, (2N, V), at places with these targets, (N,)."""
        size = len(targets)
        logs = torch.log_softmax(logits, 1, dtype=torch.promote_types(logits.dtype, torch.float32))
        losses = logs.gather(1, targets.repeat(2)[:, None])[:, 0].mul_(smoothing - 1)
        if smoothing:
            losses -= smoothing * logs.mean(1)
        probabilities = logs.exp()
        scratch, difference = logs.split(size)
        torch.sub(scratch, difference, out=difference)
        first, second = probabilities.split(size)
        forward = torch.mul(first, difference, out=scratch).sum(1, keepdim=True)
        backward = torch.mul(second, difference, out=scratch).sum(1, keepdim=True).neg_()
        return cls(probabilities, logs, losses.view(2, size).mean(0), forward, backward)

    def gradient(self, alpha: float) -> Tensor:
        """Returns the gradient of both passes' logits, (2N, V), but for the targets' part; overwrites the differences.

        It is that of half of each log-sum of exponentials, p / 2, and of `alpha` times the divergence: for the first
        pass, that of (KL(p || q) + KL(q || p)) / 2 is (p (log p - log q - KL(p || q)) + p - q) / 2.
        """
        half = alpha / 2
        of_first, of_second = self.differences.chunk(2)
        first, second = self.probabilities.chunk(2)
        torch.add(0.5 + half * (1 - self.forward), of_second, alpha=half, out=of_first)
        of_first.mul_(first).sub_(second, alpha=half)
        of_second.mul_(-half).add_(0.5 + half * (1 - self.backward))
        of_second.mul_(second).sub_(first, alpha=half)
        return self.differences


class _RDropLoss(Function):
    """The operation behind `r_drop_loss`."""

    @staticmethod
    def forward(
        ctx: Any, rows: Tensor, weight: Tensor, targets: Tensor, smoothing: float, alpha: float, ignoring: bool
    ) -> tuple[Tensor, Tensor]:
        accurate = torch.promote_types(rows.dtype, torch.float32)
        at_once = TOKENS_ON_CPU if rows.device.type == "cpu" else TOKENS_ON_GPU
        count, vocabulary = len(targets), weight.shape[0]
        # Rounded up as in the plain loss, so that products come in few sizes.
        empty = -count % min(at_once, ROWS)
        passes = functional.pad(rows.view(2, count, rows.shape[1]), (0, 0, 0, empty))  # (2, N, R)
        targets = functional.pad(targets, (0, empty), value=IGNORED)
        ignored = targets < 0
        # Rows of zeros add nothing to the gradient of the weight, and two of them do not differ.
        passes, targets = passes.masked_fill(ignored[:, None], 0) if ignoring else passes, targets.clamp(min=0)
        cross_entropy, divergence = rows.new_zeros(2, dtype=accurate).unbind()
        passes_gradient = torch.empty_like(passes)
        weight_gradient_t = weight.new_zeros(weight.shape[::-1], dtype=accurate)
        buffer = rows.new_empty(2 * min(at_once, len(targets)), vocabulary)
        numbers = torch.arange(len(buffer), device=rows.device)
        for start in range(0, len(targets), at_once):
            places = slice(start, start + at_once)
            chunk, chosen, absent = passes[:, places].flatten(0, 1), targets[places], ignored[places]
            logits = mm(chunk, weight.t(), out=buffer[: len(chunk)])
            both = _Comparison.from_logits(logits, chosen, smoothing)
            del logits
            cross_entropy += both.cross_entropies.masked_fill(absent, 0).sum()
            divergence += (both.forward + both.backward)[:, 0].masked_fill(absent, 0).sum() / 2
            gradient = both.gradient(alpha)
            gradient[numbers[: len(chunk)], chosen.repeat(2)] -= (1 - smoothing) / 2
            if gradient.dtype != rows.dtype:
                gradient = buffer[: len(chunk)].copy_(gradient)
            passes_gradient[:, places] = mm(gradient, weight).view(2, len(chosen), -1)
            weight_gradient_t += mm(chunk.t(), gradient)
            del both, gradient  # before as much memory is needed again
        del buffer
        weight_gradient = weight_gradient_t.t().contiguous()
        del weight_gradient_t
        if smoothing:
            share = smoothing / vocabulary / 2
            passes_gradient -= (share * weight.sum(0, dtype=accurate)).to(passes_gradient.dtype)
            weight_gradient -= share * passes.sum((0, 1), dtype=accurate)
        if ignoring:
            passes_gradient.masked_fill_(ignored[:, None], 0)
        ctx.save_for_backward(passes_gradient[:, :count].flatten(0, 1), weight_gradient)
        terms = torch.stack([cross_entropy, divergence])
        ctx.mark_non_differentiable(terms)
        return cross_entropy + alpha * divergence, terms

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        rows_gradient, weight_gradient = ctx.saved_tensors
        return rows_gradient * gradient.to(rows_gradient.dtype), weight_gradient * gradient, None, None, None, None


_run = cast("Callable[..., tuple[Tensor, Tensor]]", _RDropLoss.apply)


def r_drop_loss(
    rows: Tensor, weight: Tensor, targets: Tensor, smoothing: float, alpha: float, *, ignoring: bool = False
) -> tuple[Tensor, Tensor]:
    """Computes the loss of R-Drop, in nats, summed over N target tokens, each of which two passes predict.

    With p and q, the distributions of the two passes at a target token, a token adds

        (CE(p) + CE(q)) / 2  +  alpha · (KL(p || q) + KL(q || p)) / 2

    where CE is the label-smoothed cross-entropy of `nmt.training.loss.cross_entropy`. Two passes that are the same have
    the loss and the gradient of one. (Equation 4 of the paper has the sum of the cross-entropies in place of their
    mean: its alpha is twice this one.) Gradients reach both passes.

    Args:
        rows: (2N, R) readouts, N of the first pass before N of the second.
        weight: (V, R) of the output layer, as for `cross_entropy`.
        targets: (N,) token ids.
        smoothing: as for `cross_entropy`.
        alpha: the weight of the divergence.
        ignoring: as for `cross_entropy`.

    Returns:
        The loss, and its two terms (2,), without gradient: the mean cross-entropy and the divergence without `alpha`.
    """
    with outside_autocast(rows.device):
        return _run(rows, weight.to(rows.dtype), targets, smoothing, alpha, ignoring)
