"""The gradient of an update, part by part and over all processes."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, cast

import torch
from torch import Tensor, nn

from nmt.config import TrainingConfig
from nmt.device import exhausted_memory_as, products_in
from nmt.errors import MemoryExhaustedError
from nmt.model.kernels.workspace import Workspace
from nmt.model.seq2seq import Seq2Seq, TeacherForced
from nmt.training.batches import TensorBatch
from nmt.training.cuda_graphs import CudaGraphCapture, CudaGraphs
from nmt.training.distributed.process_group import without_synchronizing
from nmt.training.guided_alignment import alignment_loss
from nmt.training.job import TrainingJob
from nmt.training.loss import cross_entropy
from nmt.training.r_drop import r_drop_loss


class Gradient:
    """Adds up, in a model's parameters, the gradient of the loss per target token of a whole update."""

    def __init__(self, model: Seq2Seq, job: TrainingJob) -> None:
        """Takes a job whose processes have all joined its `group`."""
        strategy = job.strategy
        self._config = job.config.training
        self._dtype = job.dtype
        self._device = strategy.device
        self._size = job.group.process.world_size
        self._alone = job.group.alone
        loss = _BatchLoss(model, self._config, job.dtype, ignoring=strategy.buckets)
        self._loss = job.group.synchronized(loss)
        self._parameters = list(model.parameters())
        self._workspace = Workspace()
        # A captured graph goes on adding to the tensors of gradients at its capture.
        self._keeps_gradients = strategy.cuda_graphs > 0
        self._compute = (
            CudaGraphs(self._add_now, CudaGraphCapture(self._add_now, self._device), strategy.cuda_graphs)
            if strategy.cuda_graphs
            else self._add_now
        )

    def clear(self) -> None:
        """Clears the gradient of the update before."""
        gradients = [parameter.grad for parameter in self._parameters if parameter.grad is not None]
        if self._keeps_gradients and gradients:
            torch._foreach_zero_(gradients)
            return
        for parameter in self._parameters:
            parameter.grad = None

    def add(self, part: TensorBatch, tokens: int, *, last: bool) -> Tensor:
        """Adds the gradient of a part of an update, which is not yet on the device.

        Returns the `LossTerms` of the part, summed over its target tokens, as a float64 tensor, (3,), that need not be
        computed yet. Raises MemoryExhaustedError if the part is too large.

        Args:
            part: a batch of the pairs of the update.
            tokens: target tokens of the whole update, which its loss is divided by.
            last: True for the last part of this process, which adds the gradients of the other processes.
        """
        apart = nullcontext() if last else without_synchronizing(self._loss)
        with exhausted_memory_as(lambda: too_large(f"in a batch of {_shape(part)}", self._config)), apart:
            # Several processes take the mean of their gradients, where the sum is wanted.
            return self._compute(part, tokens / self._size).double()

    def _add_now(self, part: TensorBatch, divisor: Any) -> Tensor:
        with self._workspace.in_use():
            with products_in(self._dtype, self._device):
                loss, terms = cast("tuple[Tensor, Tensor]", self._loss(*part.to(self._device)))
            if not self._alone:
                # Before backward, which on CUDA may wait for a process that is gone: `ProcessGroup.gather` notices it.
                terms = terms.cpu()
            (loss / divisor).backward()
            del loss  # and with it all that was saved
        return terms


def too_large(what: str, config: TrainingConfig) -> MemoryExhaustedError:
    """Makes the error for an update that memory does not suffice for."""
    each_twice = ", each computed twice at once by training.r_drop" if config.r_drop else ""
    return MemoryExhaustedError(
        "training.batch_tokens",
        f"out of memory {what}{each_twice}; lower it from {config.batch_tokens}, or raise training.accumulation",
    )


def _shape(part: TensorBatch) -> str:
    sentences, source, target = int((part.target_lengths > 0).sum()), part.source.shape[1], part.target_input.shape[1]
    return f"{sentences} sentences of up to {source} source and {target} target tokens"


class _BatchLoss(nn.Module):
    """A model and its loss as one module, in whose forward all parameters take part."""

    def __init__(self, model: Seq2Seq, config: TrainingConfig, dtype: torch.dtype, *, ignoring: bool) -> None:
        super().__init__()
        self._model = model
        self._config = config
        self._dtype = dtype
        self._ignoring = ignoring

    def forward(self, *tensors: Tensor) -> tuple[Tensor, Tensor]:
        """Computes the loss, summed over target tokens, of the `TensorBatch` of these tensors.

        Returns it, and the `LossTerms` that it consists of, (3,), without gradient.
        """
        batch, r_drop, guidance = TensorBatch(*tensors), self._config.r_drop, self._config.guided_alignment
        read, passes = (batch.twice(), 2) if r_drop else (batch, 1)
        learn = {"weights_learn": True} if guidance else {}
        forced: TeacherForced = self._model(read.source, read.source_lengths, read.target_input, **learn)
        rows, targets = read.to_predict(forced.readouts.to(self._dtype))
        weight, smoothing = self._model.output_weight, self._config.label_smoothing
        if r_drop:
            loss, terms = r_drop_loss(rows, weight, batch.targets, smoothing, r_drop, ignoring=self._ignoring)
            cross_entropies, divergence = terms.unbind()
        else:
            loss = cross_entropy(rows, weight, targets, smoothing, ignoring=self._ignoring)
            cross_entropies, divergence = loss.detach(), loss.new_zeros(())
        if not guidance:
            return loss, torch.stack([cross_entropies, divergence, loss.new_zeros(())])
        alignment = alignment_loss(forced.weights, read.links) / passes
        return loss + guidance * alignment, torch.stack([cross_entropies, divergence, alignment.detach()])
