"""Gradients of an update's parts, with and without other processes to synchronise them with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist

from jobs import ON_CPU, make_job
from nmt.build import build_model
from nmt.config import ModelConfig
from nmt.corpus.batching import Batch, Links, pad_pairs
from nmt.model.seq2seq import Seq2Seq
from nmt.tokenization.special_tokens import SpecialTokens
from nmt.training import gradient as gradient_module
from nmt.training.batches import TensorBatch, empty_batch
from nmt.training.cuda_graphs import Compute
from nmt.training.device_strategy import DeviceStrategy
from nmt.training.distributed.process_group import ProcessGroup
from nmt.training.gradient import Gradient
from nmt.training.guided_alignment import alignment_loss
from nmt.training.job import TrainingJob

VOCABULARY = 11
SPECIAL = (SpecialTokens(bos=1, eos=2, pad=0, unk=3),) * 2
PARTS = [pad_pairs([[3, 4, 5], [6]], [[7], [8, 9]], SPECIAL), pad_pairs([[10, 3]], [[4, 5, 6, 7]], SPECIAL)]
TOKENS = sum(part.target_tokens for part in PARTS)
MODELS = list(product(["additive", "general", "dot", "none"], ["all", "none"], [False, True], [1, 2]))


class SynchronizedProcesses(ProcessGroup):
    """One process that synchronises its gradients as several do."""

    @property
    def alone(self) -> bool:
        return False


@pytest.fixture
def processes() -> Iterator[ProcessGroup]:
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield SynchronizedProcesses()
    dist.destroy_process_group()


def make_model(attention: str, tie_embeddings: str, conditional: bool, layers: int) -> Seq2Seq:
    sizes = {"attention_size": 4, "embedding_size": 4, "readout_size": 4, "layer_norm": conditional}
    parts = {
        "encoder": {"hidden_size": 4, "layers": layers},
        "decoder": {"hidden_size": 8, "layers": layers, "conditional": conditional},
    }
    options = {"attention": attention, "tie_embeddings": tie_embeddings, "dropout": 0.0, **sizes, **parts}
    torch.manual_seed(1)
    return build_model(ModelConfig.model_validate(options), VOCABULARY, VOCABULARY)


def gradients(model: Seq2Seq, job: TrainingJob, updates: list[list[Batch]]) -> dict[str, torch.Tensor]:
    """Computes the gradients of the last of some updates."""
    gradient = Gradient(model, job)
    for parts in updates:
        gradient.clear()
        for number, part in enumerate(parts):
            tensors = TensorBatch.from_batch(part, buckets=job.strategy.buckets)
            gradient.add(tensors, TOKENS, last=number + 1 == len(parts))
    found = {name: parameter.grad for name, parameter in model.named_parameters()}
    return {name: tensor.clone() for name, tensor in found.items() if tensor is not None}


# A parameter that took no part would leave the other processes waiting.
@pytest.mark.parametrize("model", MODELS)
def test_every_parameter_takes_part_in_every_model(model: tuple[str, str, bool, int], processes: ProcessGroup) -> None:
    expected = gradients(make_model(*model), make_job(), [PARTS])
    assert expected.keys() == dict(make_model(*model).named_parameters()).keys()
    found = gradients(make_model(*model), make_job(group=processes), [PARTS[:1], PARTS, PARTS])
    assert found.keys() == expected.keys()
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-5, atol=1e-7, msg=name)


@pytest.mark.parametrize("model", MODELS)
def test_nothing_to_do_is_a_gradient_of_zero(model: tuple[str, str, bool, int], processes: ProcessGroup) -> None:
    part = empty_batch(SPECIAL)
    assert part.target_tokens == len(part.indices) == 0
    found = gradients(make_model(*model), make_job(group=processes), [[part]])
    assert found.keys() == dict(make_model(*model).named_parameters()).keys()
    assert not any(gradient.any() for gradient in found.values())


@pytest.mark.parametrize("buckets", [False, True])
@pytest.mark.parametrize("model", MODELS[::5])
def test_r_drop_without_dropout_changes_no_gradient(
    model: tuple[str, str, bool, int], buckets: bool, processes: ProcessGroup
) -> None:
    expected = gradients(make_model(*model), make_job(), [PARTS])
    strategy = DeviceStrategy(ON_CPU.device, buckets=buckets)
    found = gradients(make_model(*model), make_job(strategy, r_drop=2.0), [PARTS])
    synchronized = make_job(strategy, processes, r_drop=2.0)
    of_processes = gradients(make_model(*model), synchronized, [PARTS])
    assert found.keys() == of_processes.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-5, atol=1e-6, msg=name)
        torch.testing.assert_close(of_processes[name], gradient, rtol=1e-5, atol=1e-6, msg=name)
    nothing = gradients(make_model(*model), synchronized, [[empty_batch(SPECIAL)]])
    assert not any(gradient.any() for gradient in nothing.values())


def linked(part: Batch) -> Batch:
    """The part with its first tokens and its end marks linked."""
    if not len(part.indices):
        return replace(part, links=Links(part.indices, part.indices, part.indices))
    sentences, first = np.repeat(np.arange(len(part.indices)), 2), np.zeros(len(part.indices), np.int64)
    ends = (np.stack([first, lengths - 1], 1).ravel() for lengths in (part.target_lengths, part.source_lengths))
    return replace(part, links=Links(sentences, *ends))


@pytest.mark.parametrize("r_drop", [0.0, 2.0])
def test_a_guided_gradient_has_that_of_the_alignments_on_top(r_drop: float) -> None:
    """With R-Drop, but without dropout, two passes are guided as one is."""
    part, shape = linked(pad_pairs([[3, 4, 5], [6]], [[7], [8, 9]], SPECIAL)), ("additive", "all", True, 2)
    expected = gradients(make_model(*shape), make_job(), [[part]])
    found = gradients(make_model(*shape), make_job(r_drop=r_drop, guided_alignment=0.7), [[part]])
    model, batch = make_model(*shape), TensorBatch.from_batch(part)
    forced = model(batch.source, batch.source_lengths, batch.target_input, by_steps=True)
    (alignment_loss(forced.weights, batch.links) * 0.7 / TOKENS).backward()
    on_top = {name: parameter.grad for name, parameter in model.named_parameters()}
    assert sum(float(gradient.abs().sum()) for gradient in on_top.values() if gradient is not None) > 0.1
    for name, gradient in expected.items():
        added = on_top[name]
        wanted = gradient if added is None else gradient + added
        torch.testing.assert_close(found[name], wanted, rtol=1e-5, atol=1e-6, msg=name)


@pytest.mark.parametrize("model", [model for model in MODELS[::5] if model[0] != "none"])
def test_guided_gradients_depend_on_no_buckets_parts_and_processes(
    model: tuple[str, str, bool, int], processes: ProcessGroup
) -> None:
    parts = [linked(part) for part in PARTS]
    options = {"guided_alignment": 0.7, "r_drop": 1.5}
    unguided = gradients(make_model(*model), make_job(), [PARTS])
    expected = gradients(make_model(*model), make_job(**options), [parts])
    assert any(not torch.allclose(expected[name], unguided[name], rtol=0.01) for name in expected)
    whole = linked(pad_pairs([[3, 4, 5], [6], [10, 3]], [[7], [8, 9], [4, 5, 6, 7]], SPECIAL))
    buckets = DeviceStrategy(ON_CPU.device, buckets=True)
    others = [(make_job(**options), [whole]), (make_job(buckets, **options), parts)]
    others.append((make_job(buckets, processes, **options), [*parts, linked(empty_batch(SPECIAL))]))
    for job, given in others:
        found = gradients(make_model(*model), job, [given])
        for name, gradient in expected.items():
            torch.testing.assert_close(found[name], gradient, rtol=1e-5, atol=1e-6, msg=name)


class CaptureOnTheProcessor:
    """Has the buffers of a CUDA graph, and computes anew in them."""

    def __init__(self, compute: Compute, device: torch.device) -> None:
        self._compute = compute
        self._device = device

    def __call__(self, batch: TensorBatch) -> Compute:
        inputs, divisor = TensorBatch(*(torch.zeros_like(tensor) for tensor in batch)), torch.ones(())

        def replay(batch: TensorBatch, tokens: Any) -> torch.Tensor:
            for place, tensor in zip(inputs, batch, strict=True):
                place.copy_(tensor)
            return self._compute(inputs, divisor.fill_(tokens))

        return replay


@pytest.mark.parametrize("cuda_graphs", [0, 1, 2])
@pytest.mark.parametrize("model", MODELS[::5])
def test_buckets_and_graphs_change_no_gradient(
    model: tuple[str, str, bool, int], cuda_graphs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gradient_module, "CudaGraphCapture", CaptureOnTheProcessor)
    expected = gradients(make_model(*model), make_job(), [PARTS])
    strategy = DeviceStrategy(ON_CPU.device, buckets=True, cuda_graphs=cuda_graphs)
    found = gradients(make_model(*model), make_job(strategy), [PARTS[:1], PARTS, PARTS[1:], PARTS])
    assert found.keys() == expected.keys()
    for name, tensor in found.items():
        torch.testing.assert_close(tensor, expected[name], rtol=1e-5, atol=1e-7, msg=name)
