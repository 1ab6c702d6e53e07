"""The gradient of an update, part by part and over all processes."""

from __future__ import annotations

from contextlib import nullcontext

import torch
from torch import Tensor, nn

from nmt.config import TrainingConfig
from nmt.corpus.batching import Batch
from nmt.device import is_out_of_memory, products_in
from nmt.errors import MemoryExhaustedError
from nmt.model.seq2seq import Seq2Seq
from nmt.training.loss import cross_entropy
from nmt.training.processes import Processes, without_synchronizing
from nmt.training.updates import TensorBatch


class Gradient:
    """Leaves, in a model's parameters, the gradient of the loss per target token of a whole update."""

    def __init__(self, model: Seq2Seq, config: TrainingConfig, dtype: torch.dtype, processes: Processes) -> None:
        """`dtype` is what products run in. Of several processes, all are in their `group`."""
        self._config = config
        self._dtype = dtype
        self._device = model.output_weight.device
        self._size = processes.place.size
        self._loss = processes.synchronized(_BatchLoss(model, config.label_smoothing, dtype))

    def add(self, part: Batch, tokens: int, *, last: bool) -> float:
        """Adds what a part of an update contributes; returns the part's loss, summed over its target tokens.

        Args:
            part: of the pairs of the update.
            tokens: target tokens of the whole update, which its loss is divided by.
            last: whether it is the last part of this process, which adds the gradients of the others.

        Raises:
            MemoryExhaustedError: the part is too large.
        """
        batch = TensorBatch.of(part, self._device)
        try:
            with nullcontext() if last else without_synchronizing(self._loss):
                with products_in(self._dtype, self._device):
                    loss = self._loss(*batch)
                # Before backward, which on CUDA may wait for a process that is gone: `Processes.gather` notices that.
                summed = float(loss.detach())
                # Several processes take the mean of their gradients, where the sum is wanted.
                (loss / (tokens / self._size)).backward()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            sentences, source = part.source.shape
            shape = f"{sentences} sentences of up to {source} source and {part.target_input.shape[1]} target tokens"
            raise MemoryExhaustedError(
                "training.batch_tokens",
                f"out of memory in a batch of {shape}; "
                f"lower it from {self._config.batch_tokens}, or raise training.accumulation",
            ) from error
        return summed


class _BatchLoss(nn.Module):
    """A model and its loss as one module, in whose forward all parameters take part."""

    def __init__(self, model: Seq2Seq, label_smoothing: float, dtype: torch.dtype) -> None:
        super().__init__()
        self._model = model
        self._label_smoothing = label_smoothing
        self._dtype = dtype

    def forward(self, *tensors: Tensor) -> Tensor:
        """The loss, summed over target tokens, of a `TensorBatch` given piece by piece."""
        batch = TensorBatch(*tensors)
        readouts = self._model(batch.source, batch.source_lengths, batch.target_input).readouts  # (T, B, R)
        rows, targets = batch.to_predict(readouts.to(self._dtype))
        return cross_entropy(rows, self._model.output_weight, targets, self._label_smoothing)
