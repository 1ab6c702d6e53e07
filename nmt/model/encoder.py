"""The bidirectional LSTM encoder: every source token gets an annotation that depends on the whole sentence."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from nmt.model.dropout import Dropout
from nmt.model.kernels.lstm_loop import lstm_loop
from nmt.model.kernels.matmul import for_products, linears
from nmt.model.kernels.rows import permuted_rows


def reversal(lengths: Tensor, time: int) -> Tensor:
    """Returns row numbers of a flattened (S, B) that reverse each sentence within its length and leave padding alone.

    A left-to-right LSTM over the reversed rows is exactly the right-to-left LSTM of a packed sequence.
    """
    batch = lengths.shape[0]
    step = torch.arange(time, device=lengths.device)[:, None]  # (S, 1)
    mirrored = torch.where(step < lengths, lengths - 1 - step, step)  # (S, B)
    return (mirrored * batch + torch.arange(batch, device=lengths.device)).flatten()


class BidirectionalLSTM(nn.Module):
    """A layer of two LSTMs, one from left to right and one from right to left.

    It holds its own weights rather than a `torch.nn.LSTM`, so that both directions share each step of one loop, in
    float32 or bfloat16.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.input_weight = nn.Parameter(torch.empty(2, input_size, 4 * hidden_size))
        self.recurrent_weight = nn.Parameter(torch.empty(2, hidden_size, 4 * hidden_size))
        self.bias = nn.Parameter(torch.empty(2, 4 * hidden_size))
        for direction in range(2):
            initialize_lstm(self.input_weight[direction], self.recurrent_weight[direction], self.bias[direction])

    def forward(self, inputs: Tensor, mirror: Tensor, *, by_steps: bool = False) -> Tensor:
        """Runs both directions: (S, B, ·) and the sentences' `reversal` -> hidden states side by side, (S, B, 2H)."""
        time, batch, size = inputs.shape
        rows = inputs.reshape(time * batch, size)
        both = torch.stack([rows, permuted_rows(rows, mirror)])  # (2, S·B, ·)
        gates = linears(both, self.input_weight, self.bias).unflatten(1, (time, batch))
        hidden = lstm_loop(gates, for_products(self.recurrent_weight), by_steps=by_steps)
        ahead, back = hidden.flatten(1, 2).unbind()
        return torch.cat([ahead, permuted_rows(back, mirror)], dim=-1).view(time, batch, -1)


def initialize_lstm(input_weight: Tensor, recurrent_weight: Tensor, bias: Tensor) -> None:
    """Initialises an LSTM so that its forget gate starts open.

    Input weights are drawn as by Glorot and Bengio (2010), and the recurrent weight of each gate is orthogonal (Saxe et
    al. 2014, arXiv:1312.6120).
    """
    size = bias.shape[0] // 4
    with torch.no_grad():
        bound = math.sqrt(6 / (input_weight.shape[0] + size))
        input_weight.uniform_(-bound, bound)
        for gate in range(4):
            nn.init.orthogonal_(recurrent_weight[:, gate * size : (gate + 1) * size])
        bias.zero_()
        bias[size : 2 * size] = 1.0


class Encoder(nn.Module):
    """A stack of bidirectional layers; a token's annotation is the top layer's hidden state in both directions."""

    def __init__(
        self, embedding_size: int, hidden_size: int, layers: int, dropout: Dropout, *, layer_norm: bool
    ) -> None:
        super().__init__()
        sizes = [embedding_size] + [2 * hidden_size] * (layers - 1)
        self.layers = nn.ModuleList(BidirectionalLSTM(size, hidden_size) for size in sizes)
        self.norm = nn.LayerNorm(2 * hidden_size) if layer_norm else nn.Identity()
        self.dropout = dropout

    def forward(self, embedded: Tensor, lengths: Tensor, *, by_steps: bool = False) -> Tensor:
        """Encodes embedded tokens (S, B, E), right-padded, of `lengths` (B,): annotations (S, B, C).

        Annotations at padding are arbitrary but finite. `by_steps` as in `lstm_loop`.
        """
        mirror = reversal(lengths, embedded.shape[0])
        hidden = embedded
        for layer in self.layers:
            hidden = self.dropout(layer(hidden, mirror, by_steps=by_steps))
        annotations: Tensor = self.norm(hidden)
        return annotations
