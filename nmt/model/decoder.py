"""The attentional LSTM decoder: one step defines it; teacher forcing runs the same step over a whole target."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple, Self, cast

import torch
from torch import Tensor, nn

from nmt.model.attention import AdditiveAttention, Attention, Memory, NoAttention, ProductAttention, ScoredAttention
from nmt.model.dropout import Dropout
from nmt.model.encoder import initialize_lstm
from nmt.model.kernels.attention_loop import LoopWeights, attention_loop
from nmt.model.kernels.dispatch import lstm_transition
from nmt.model.kernels.lstm_loop import lstm_loop
from nmt.model.kernels.matmul import accurate, for_products, linear, product
from nmt.model.kernels.tanh import tanh


class DecoderState(NamedTuple):
    """The recurrent state, which changes with each word; `L` layers."""

    hidden: Tensor  # (B, K, L, H)
    cell: Tensor  # (B, K, L, H)

    def select(self, rows: Tensor, hypotheses: int) -> Self:
        """Selects `rows` (B'·K',) of the flattened (B·K), K' = `hypotheses` for each sentence."""
        return type(self)(*(part.flatten(0, 1).index_select(0, rows).unflatten(0, (-1, hypotheses)) for part in self))


class DecoderOutput(NamedTuple):
    """The output of a step, with leading dimensions (B, K), or of teacher forcing, (T, B)."""

    hidden: Tensor  # (·, ·, H) of the top layer
    context: Tensor  # (·, ·, C)
    weights: Tensor  # (·, ·, S) attention over the source; S = 0 without attention


def _layers(of_each: list[Tensor]) -> Tensor:
    """Stacks the layers' tensors, (B, K, H), to (B, K, L, H); that of a single layer is not copied."""
    return of_each[0][:, :, None] if len(of_each) == 1 else torch.stack(of_each, 2)


class UpperLayer(nn.Module):
    """An LSTM above the attentional one; it reads the hidden state below."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.input_weight = nn.Parameter(torch.empty(hidden_size, 4 * hidden_size))
        self.recurrent_weight = nn.Parameter(torch.empty(hidden_size, 4 * hidden_size))
        self.bias = nn.Parameter(torch.empty(4 * hidden_size))
        initialize_lstm(self.input_weight, self.recurrent_weight, self.bias)

    def gates(self, below: Tensor) -> Tensor:
        """Computes what the layer below, (·, ·, H), adds to the gates, (·, ·, 4H)."""
        return linear(below, self.input_weight, self.bias, transposed=True)


class Decoder(nn.Module):
    """LSTM decoder with attention (Bahdanau et al. 2015, appendix A.2, with LSTM cells) and deep output.

    The bottom layer queries the annotations with its previous state and reads their weighted sum; further layers stand
    above it. With `conditional` the query is an intermediate state that has already read the previous word: two
    transitions a word, as in Nematus (Sennrich et al. 2017, arXiv:1703.04357, section 3).
    """

    def __init__(
        self,
        embedding_size: int,
        annotation_size: int,
        hidden_size: int,
        layers: int,
        readout_size: int,
        attention: Attention,
        dropout: Dropout,
        *,
        conditional: bool,
        layer_norm: bool,
    ) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.context_size = annotation_size
        self.attention = attention
        self.dropout = dropout
        gates = 4 * hidden_size
        self.initial = nn.Linear(annotation_size // 2, layers * hidden_size)
        self.input_weight = nn.Parameter(torch.empty(embedding_size, gates))
        self.recurrent_weight = nn.Parameter(torch.empty(annotation_size + hidden_size, gates))
        self.bias = nn.Parameter(torch.empty(gates))
        initialize_lstm(self.input_weight, self.recurrent_weight[annotation_size:], self.bias)
        bound = math.sqrt(6 / (annotation_size + hidden_size))
        nn.init.uniform_(self.recurrent_weight[:annotation_size], -bound, bound)
        self.conditional = conditional
        if conditional:
            self.word_recurrent_weight = nn.Parameter(torch.empty(hidden_size, gates))
            self.context_bias = nn.Parameter(torch.empty(gates))
            initialize_lstm(self.input_weight, self.word_recurrent_weight, self.context_bias)
        self.upper_layers = nn.ModuleList(UpperLayer(hidden_size) for _ in range(layers - 1))
        self.readout_projection = nn.Linear(hidden_size + annotation_size + embedding_size, readout_size)
        self.norm = nn.LayerNorm(hidden_size) if layer_norm else nn.Identity()

    def _layers_above(self) -> Iterable[UpperLayer]:
        return cast("Iterable[UpperLayer]", self.upper_layers)

    @property
    def has_fast_loop(self) -> bool:
        """True if the fast time loop covers this decoder; another is trained step by step under autograd."""
        if isinstance(self.attention, ScoredAttention):  # the loop has its own code for these two scores, and no others
            return type(self.attention).scores in (AdditiveAttention.scores, ProductAttention.scores)
        return not self.conditional

    def start(self, memory: Memory) -> DecoderState:
        """Returns the state before the first word, K = 1: hidden = tanh(W_s h_1←), cell = 0."""
        backward_summary = memory.summary[:, self.context_size // 2 :]
        hidden = accurate(torch.tanh(self.initial(backward_summary)))
        hidden = hidden.view(hidden.shape[0], 1, -1, self.hidden_size)
        return DecoderState(hidden, torch.zeros_like(hidden))

    def step(self, word_gates: Tensor, state: DecoderState, memory: Memory) -> tuple[DecoderOutput, DecoderState]:
        """Reads a word of each hypothesis, as its `word_gates` (B, K, 4H); this step is the definition of the model.

        Dropout lies outside the recurrence: between layers, and on what the step returns (`readout`).
        """
        hidden, cell, context, weights = self._attend(word_gates, state.hidden[:, :, 0], state.cell[:, :, 0], memory)
        hiddens, cells = [hidden], [cell]
        for index, layer in enumerate(self._layers_above(), start=1):
            recurrent = product(state.hidden[:, :, index], layer.recurrent_weight, transposed=True)
            hidden, cell = lstm_transition(layer.gates(hidden), recurrent, state.cell[:, :, index])
            hiddens.append(hidden)
            cells.append(cell)
        return DecoderOutput(hidden, context, weights), DecoderState(_layers(hiddens), _layers(cells))

    def word_gates(self, embedded: Tensor) -> Tensor:
        """Computes what the embedded words add to the gates, (·, ·, E) -> (·, ·, 4H)."""
        return linear(embedded, self.input_weight, self.bias, transposed=True)

    def _attend(
        self, gates: Tensor, hidden: Tensor, cell: Tensor, memory: Memory
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Runs a step of the bottom layer: what the word adds to the gates -> hidden, cell, context and weights."""
        gates, hidden, cell = self._before_attention(gates, hidden, cell)
        context, weights = self.attention(hidden, memory)
        joined = torch.cat([context, hidden.to(context.dtype)], dim=-1)
        hidden, cell = lstm_transition(product(joined, self.recurrent_weight, transposed=True), gates, cell)
        return hidden, cell, context, weights

    def _before_attention(self, gates: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns what is still to be added to the gates, the hidden state that is the query, and its cell."""
        if not self.conditional:
            return gates, hidden, cell
        hidden, cell = lstm_transition(product(hidden, self.word_recurrent_weight, transposed=True), gates, cell)
        return self.context_bias, hidden, cell

    def query(self, word_gates: Tensor, state: DecoderState) -> Tensor:
        """Returns the query of the attention in a `step` with the same arguments: (B, K, H)."""
        return self._before_attention(word_gates, state.hidden[:, :, 0], state.cell[:, :, 0])[1]

    def scores(self, query: Tensor, memory: Memory) -> Tensor:
        """Returns the scores of a query, (B, K, H), before softmax: (B, K, S). Without attention S = 0."""
        if not isinstance(self.attention, ScoredAttention):
            return query.new_zeros(*query.shape[:2], 0)
        return accurate(self.attention.scores(query, memory.keys))

    def forward(
        self, embedded: Tensor, memory: Memory, *, by_steps: bool = False, weights_learn: bool = False
    ) -> DecoderOutput:
        """Runs teacher forcing over all words, (T, B, E), by the fast time loop if it covers the model.

        `by_steps` runs one step after the other under autograd, which the fast loop equals. The loop's attention
        weights carry a gradient only if `weights_learn`.
        """
        start = self.start(memory).hidden[:, 0]  # (B, L, H)
        gates = self.word_gates(embedded)
        if by_steps or not self.has_fast_loop:
            hidden, context, weights = self._bottom_by_steps(gates, start[:, 0], memory)
        elif isinstance(self.attention, NoAttention):
            hidden, context, weights = self._bottom_without_attention(gates, start[:, 0], memory)
        else:
            hidden, context, weights = self._bottom_with_attention(gates, start[:, 0], memory, weights_learn)
        for index, layer in enumerate(self._layers_above(), start=1):
            gates = layer.gates(self.dropout(hidden))
            weight = for_products(layer.recurrent_weight)[None]
            hidden = lstm_loop(gates[None], weight, start[None, :, index], by_steps=by_steps)[0]
        return DecoderOutput(hidden, context, weights)

    def _bottom_with_attention(
        self, gates: Tensor, hidden: Tensor, memory: Memory, weights_learn: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        query = energy = word = context_bias = None
        if isinstance(self.attention, AdditiveAttention):
            query = for_products(self.attention.query_projection.weight).t()
            energy = self.attention.energy.weight[0]
        if self.conditional:
            word, context_bias = for_products(self.word_recurrent_weight), self.context_bias
        weights = LoopWeights(for_products(self.recurrent_weight), query, energy, word, context_bias)
        given = gates, memory.keys, memory.annotations, memory.mask, hidden, weights
        return attention_loop(*given, weights_learn=weights_learn)

    def _bottom_by_steps(self, gates: Tensor, hidden: Tensor, memory: Memory) -> tuple[Tensor, Tensor, Tensor]:
        hidden = hidden[:, None]
        cell = torch.zeros_like(hidden)
        outputs = []
        for word_gates in gates:
            hidden, cell, context, weights = self._attend(word_gates[:, None], hidden, cell, memory)
            outputs.append((hidden[:, 0], context[:, 0], weights[:, 0]))
        # Time-major in memory too: dropout draws in the order of memory.
        hiddens, contexts, all_weights = map(torch.stack, zip(*outputs, strict=True))
        return hiddens, contexts, all_weights

    def _bottom_without_attention(self, gates: Tensor, hidden: Tensor, memory: Memory) -> tuple[Tensor, Tensor, Tensor]:
        """Runs the loop; without attention the context is the same at every step, and its product leaves the loop."""
        fixed = torch.matmul(memory.summary, self.recurrent_weight[: self.context_size])
        recurrent_weight = for_products(self.recurrent_weight)[self.context_size :]
        hiddens = lstm_loop((gates + fixed)[None], recurrent_weight[None], hidden[None])[0]
        return hiddens, memory.summary.expand(len(gates), -1, -1), hiddens.new_zeros(*hiddens.shape[:2], 0)

    def readout(self, output: DecoderOutput, embedded: Tensor) -> Tensor:
        """Computes the deep output before the vocabulary product, tanh(W_o [s_t ; z_t ; E y_{t-1}]): (·, ·, R)."""
        hidden = self.dropout(self.norm(output.hidden))
        dtype = torch.promote_types(hidden.dtype, embedded.dtype)
        joined = torch.cat([hidden, output.context.to(dtype), embedded.to(dtype)], dim=-1)
        projection = self.readout_projection
        readout: Tensor = self.dropout(tanh(linear(joined, projection.weight, projection.bias)))
        return readout
