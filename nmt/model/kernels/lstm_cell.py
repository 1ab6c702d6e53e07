"""An LSTM transition, for autograd and with its gradient by hand.

The cell is that of Hochreiter and Schmidhuber (1997) with the forget gate of Gers, Schmidhuber and Cummins (2000). The
gates lie in the order input, forget, output, candidate, so that one sigmoid covers the first three.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nmt.model.kernels.matmul import accurate
from nmt.model.kernels.tanh import fill_with_tanh


def lstm_cell(gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """Runs an LSTM transition from gates (·, 4H) before activation; returns hidden and cell, (·, H) each.

    Without autograd it is `cell_forward`, which may overwrite the gates.
    """
    if not torch.is_grad_enabled():
        now = torch.empty_like(cell)
        return cell_forward(accurate(gates), cell, now, torch.empty_like(cell)), now
    into, forget, out, candidate = accurate(gates).chunk(4, -1)
    cell = torch.sigmoid(forget) * cell + torch.sigmoid(into) * torch.tanh(candidate)
    return torch.sigmoid(out) * torch.tanh(cell), cell


def cell_forward(gates: Tensor, previous_cell: Tensor, cell: Tensor, cell_tanh: Tensor) -> Tensor:
    """Runs a transition in place: `gates` (·, 4H) become activations; fills `cell` and `cell_tanh`; returns hidden."""
    hidden_size = cell.shape[-1]
    gates[..., : 3 * hidden_size].sigmoid_()
    into, forget, out, candidate = gates.split(hidden_size, -1)
    fill_with_tanh(candidate, candidate)
    torch.mul(forget, previous_cell, out=cell)
    cell.addcmul_(into, candidate)
    fill_with_tanh(cell_tanh, cell)
    hidden: Tensor = out * cell_tanh
    return hidden


def lstm_step(
    recurrent: Tensor,
    input_gates: Tensor,
    gates: Tensor,
    previous_cell: Tensor,
    cell: Tensor,
    cell_tanh: Tensor,
    hidden: Tensor,
) -> None:
    """Runs a transition in a loop, from the gates before activation, `recurrent + input_gates` (·, 4H).

    Fills `gates` with their activations, and `cell`, `cell_tanh` and `hidden` (·, H).
    """
    if input_gates.dtype == recurrent.dtype == gates.dtype:
        torch.add(input_gates, recurrent, out=gates)
    else:  # summed in the type of the gates, which is the more accurate
        gates.copy_(input_gates)
        gates += recurrent
    hidden.copy_(cell_forward(gates, previous_cell, cell, cell_tanh))


def lstm_step_backward(
    carried: Tensor,
    output_gradient: Tensor,
    cell_gradient: Tensor,
    gates: Tensor,
    previous_cell: Tensor,
    cell_tanh: Tensor,
    gates_gradient: Tensor,
) -> None:
    """Runs the gradient of `lstm_step`: fills `gates_gradient`, turns `cell_gradient` into the previous cell's.

    The hidden state's gradient is `carried`, from the following step, plus `output_gradient`; `carried` may be
    overwritten.
    """
    hidden_gradient = accurate(carried).add_(output_gradient)
    hidden_size = previous_cell.shape[-1]
    into, forget, out, candidate = gates.split(hidden_size, -1)
    sigmoids = gates[..., : 3 * hidden_size]
    through_out = hidden_gradient * out
    # cell += hidden · out · (1 − tanh²)
    cell_gradient.add_(through_out).addcmul_(through_out, cell_tanh.square(), value=-1)
    is_accurate = gates_gradient.dtype not in (torch.bfloat16, torch.float16)
    filled = gates_gradient if is_accurate else torch.empty_like(gates_gradient, dtype=torch.float32)
    into_gradient, forget_gradient, out_gradient, candidate_gradient = filled.split(hidden_size, -1)
    torch.mul(hidden_gradient, cell_tanh, out=out_gradient)
    torch.mul(cell_gradient, candidate, out=into_gradient)
    torch.mul(cell_gradient, previous_cell, out=forget_gradient)
    torch.mul(cell_gradient, into, out=candidate_gradient)
    cell_gradient.mul_(forget)
    filled[..., : 3 * hidden_size].mul_(torch.addcmul(sigmoids, sigmoids, sigmoids, value=-1))
    candidate_gradient.addcmul_(candidate_gradient * candidate, candidate, value=-1)
    if not is_accurate:
        gates_gradient.copy_(filled)
