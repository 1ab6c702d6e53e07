"""The model of `nmt` in PyTorch's own modules, with which `benchmark.py` compares training.

The same equations and sizes, one layer each, embeddings tied; `torch.nn.LSTM` over a packed sequence, `LSTMCell` and
attention step by step, `torch.nn.Dropout`, and torch's cross-entropy over all logits at once, all under autograd.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from nmt.config import Config
from nmt.training.batches import TensorBatch

IGNORED = -100


class PlainSeq2Seq(nn.Module):
    """An encoder-decoder with additive attention."""

    def __init__(self, config: Config, vocabulary: int) -> None:
        super().__init__()
        model = config.model
        embedding, hidden, annotation = model.embedding_size, model.decoder.hidden_size, 2 * model.encoder.hidden_size
        self.embedding = nn.Embedding(vocabulary, embedding)
        nn.init.normal_(self.embedding.weight, std=embedding**-0.5)
        self.encoder = nn.LSTM(embedding, model.encoder.hidden_size, bidirectional=True)
        self.initial = nn.Linear(model.encoder.hidden_size, hidden)
        self.key_projection = nn.Linear(annotation, model.attention_size)
        self.query_projection = nn.Linear(hidden, model.attention_size, bias=False)
        self.energy = nn.Linear(model.attention_size, 1, bias=False)
        self.cell = nn.LSTMCell(embedding + annotation, hidden)
        self.readout = nn.Linear(hidden + annotation + embedding, embedding)
        self.dropout = nn.Dropout(model.dropout)

    def forward(self, batch: TensorBatch) -> Tensor:
        """Returns the logits, (B, T, V)."""
        packed = pack_padded_sequence(
            self.dropout(self.embedding(batch.source.t())), batch.source_lengths, enforce_sorted=False
        )
        outputs, (last, _) = self.encoder(packed)
        annotations, _ = pad_packed_sequence(outputs, total_length=batch.source.shape[1])
        annotations = self.dropout(annotations).transpose(0, 1)  # (B, S, C)
        keys = self.key_projection(annotations)
        padding = torch.arange(batch.source.shape[1]) >= batch.source_lengths[:, None]
        hidden = torch.tanh(self.initial(last[1]))
        cell = torch.zeros_like(hidden)
        embedded = self.dropout(self.embedding(batch.target_input))  # (B, T, E)
        readouts = []
        for t in range(embedded.shape[1]):
            scores = self.energy(torch.tanh(keys + self.query_projection(hidden)[:, None]))[:, :, 0]
            weights = torch.softmax(scores.masked_fill(padding, float("-inf")), -1)
            context = torch.bmm(weights[:, None].to(annotations.dtype), annotations)[:, 0]
            hidden, cell = self.cell(torch.cat([embedded[:, t], context], -1), (hidden, cell))
            joined = torch.cat([self.dropout(hidden), context, embedded[:, t]], -1)
            readouts.append(self.dropout(torch.tanh(self.readout(joined))))
        return functional.linear(torch.stack(readouts, 1), self.embedding.weight)

    def loss(self, batch: TensorBatch, smoothing: float) -> Tensor:
        """Returns the label-smoothed cross-entropy, the mean over all target tokens."""
        targets = batch.target_output.masked_fill(~batch.is_target, IGNORED)
        logits = self(batch).float()
        return functional.cross_entropy(
            logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED, label_smoothing=smoothing
        )
