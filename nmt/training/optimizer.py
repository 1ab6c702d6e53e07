"""The optimizer, which can leave out an update that diverged."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from nmt.config import TrainingConfig

_FIRST, _SECOND, _STEP = MOMENTS = ("exp_avg", "exp_avg_sq", "step")
"""The kinds of tensors that Adam keeps of a parameter: the averages of gradient and square, the number of steps."""


class Adam:
    """Adam (Kingma and Ba 2015, arXiv:1412.6980) or AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101).

    It runs the operation of `torch.optim.Adam(…, fused=True)`, with the same numbers. The class around that operation
    loads torch's compiler when the first one is made, which takes a second and 65 MB, and is not used here.
    """

    def __init__(self, config: TrainingConfig, parameters: Mapping[str, nn.Parameter]) -> None:
        """Takes the parameters that learn, by name."""
        self._parameters = dict(parameters)
        self._update = torch._fused_adamw_ if config.optimizer == "adamw" else torch._fused_adam_
        self._betas, self._epsilon = config.adam_betas, config.adam_epsilon
        self._weight_decay = config.weight_decay
        self.tensors: dict[str, Tensor] = {}  # by kind and name: "exp_avg.decoder.bias"
        for name, parameter in parameters.items():
            for moment in (_FIRST, _SECOND):
                self.tensors[f"{moment}.{name}"] = torch.zeros_like(parameter, requires_grad=False)
            self.tensors[f"{_STEP}.{name}"] = torch.zeros((), device=parameter.device)

    @torch.no_grad()
    def step(self, learning_rate: float, *, unless: Tensor | None = None) -> None:
        """Makes a step along the gradients; none where `unless`, read on the device, is 1 and not 0."""
        names = [name for name, parameter in self._parameters.items() if parameter.grad is not None]
        first, second, steps = ([self.tensors[f"{moment}.{name}"] for name in names] for moment in MOMENTS)
        torch._foreach_add_(steps, 1)
        self._update(
            [self._parameters[name] for name in names],
            [gradient for name in names if (gradient := self._parameters[name].grad) is not None],
            first,
            second,
            [],
            steps,
            lr=learning_rate,
            beta1=self._betas[0],
            beta2=self._betas[1],
            weight_decay=self._weight_decay,
            eps=self._epsilon,
            amsgrad=False,
            maximize=False,
            found_inf=unless,
        )
        if unless is not None:
            torch._foreach_sub_(steps, [unless] * len(steps))

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Copies what it keeps from a checkpoint."""
        for name, tensor in self.tensors.items():
            tensor.copy_(tensors[name])


def nonfinite(loss: Tensor, norm: Tensor) -> Tensor:
    """Returns 1.0 if a part of the loss, (·,), or the norm is NaN or infinite, else 0.0: `unless` of a step.

    The processor does not wait for them.
    """
    return (loss.isfinite().all() & norm.isfinite()).logical_not().float()
