"""The checks of `check_gpu.py`: that a GPU computes, trains and translates as a processor does."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.autograd import gradcheck

from gpu_training import Corpus, Steps, elementwise_by
from nmt.build import build_model
from nmt.checkpoint.checkpoint import load_checkpoint
from nmt.checkpoint.run_directory import checkpoint_name
from nmt.config import Config, from_yaml, load_config
from nmt.device import products_in
from nmt.errors import NonFiniteError
from nmt.model.kernels.attention_loop import LoopWeights, attention_loop
from nmt.model.kernels.lstm_loop import lstm_loop
from nmt.model.seq2seq import Seq2Seq
from nmt.training.batches import TensorBatch
from nmt.training.cuda_graphs import CudaGraphCapture, CudaGraphs
from nmt.training.device_strategy import DeviceStrategy
from nmt.training.loss import cross_entropy
from nmt.training.pipeline import train
from nmt.translation.translator import Translator

CONFIGS = Path(__file__).parents[2] / "configs"
CPU = torch.device("cpu")
MULTI30K = Corpus(pairs=29_000, median=13, spread=0.3, vocabulary=5_000, longest=60)
LARGE = Corpus(pairs=200_000, median=26, spread=0.5, vocabulary=32_000, longest=128)
TINY = Corpus(pairs=60, median=5, spread=0.3, vocabulary=40, longest=12)
SMALL_MODEL = {
    "attention_size": 8,
    "embedding_size": 8,
    "readout_size": 8,
    "encoder": {"hidden_size": 8, "layers": 2},
    "decoder": {"hidden_size": 8, "layers": 2},
}
SAMPLE = """\
name: check
data:
  source_language: xx
  target_language: yy
  train: {{source: {folder}/train.xx, target: {folder}/train.yy}}
  validation: {{source: {folder}/valid.xx, target: {folder}/valid.yy}}
tokenizer: {{kind: unigram, vocabulary_size: 300}}
model: {{attention_size: 64, embedding_size: 64, readout_size: 64, dropout: 0.2,
         encoder: {{hidden_size: 64}}, decoder: {{hidden_size: 64}}}}
training: {{batch_tokens: {tokens}, max_steps: {steps}, validate_every: {steps}, log_every: 7, precision: fp32,
            schedule: constant, learning_rate: 5.0e-3, average_decay: 0.9, accumulation: 2}}
search: {{max_length: 20, beam_size: 4}}
"""


class SkippedError(Exception):
    """The check has nothing to check here."""


def distance(ours: Tensor, theirs: Tensor) -> float:
    """Returns ‖ours − theirs‖ / ‖theirs‖; NaN where one of them is."""
    ours, theirs = ours.detach().double().cpu(), theirs.detach().double().cpu()
    return float((ours - theirs).norm() / theirs.norm().clamp(min=1e-30))


class Checks:
    """All checks, each a method that returns its result, or raises."""

    def __init__(self, device: torch.device, tiny: bool, folder: Path) -> None:
        self.device, self.tiny, self.folder = device, tiny, folder
        self.config = load_config(CONFIGS / "multi30k_en_fr.yaml")
        self.corpus = MULTI30K
        if tiny:
            model = self.config.model.model_validate({**self.config.model.model_dump(), **SMALL_MODEL})
            training = self.config.training.model_copy(update={"batch_tokens": 40})
            self.config = self.config.model_copy(update={"model": model, "training": training})
            self.corpus = TINY
        self.batches = self.corpus.batches(self.config.training.batch_tokens, 4)

    def cuda_only(self) -> None:
        if self.device.type != "cuda":
            raise SkippedError("needs CUDA")

    def _gradient(self, dtype: torch.dtype, products: torch.dtype, device: torch.device, by_steps: bool) -> Tensor:
        """Computes the whole gradient of a model without dropout, from the same weights everywhere."""
        torch.manual_seed(3)
        config = self.config.model.model_copy(update={"dropout": 0.0, "word_dropout": 0.0})
        model = build_model(config, self.corpus.vocabulary, self.corpus.vocabulary).to(device, dtype).train()
        batch = TensorBatch.from_batch(self.batches[0], buckets=True).to(device)
        with products_in(products, device):
            readouts = model(batch.source, batch.source_lengths, batch.target_input, by_steps=by_steps).readouts
            rows, targets = batch.to_predict(readouts.to(products))
            loss = cross_entropy(rows, model.output_weight, targets, 0.1, ignoring=True)
        (loss / self.batches[0].target_tokens).backward()
        return torch.cat([parameter.grad.flatten() for parameter in model.parameters() if parameter.grad is not None])

    def fast_loops_equal_the_processor(self) -> str:
        exact = self._gradient(torch.float64, torch.float64, CPU, True)
        found = []
        for dtype, products, limit in (
            (torch.float64, torch.float64, 1e-9),
            (torch.float32, torch.float32, 1e-3),
            (torch.float32, torch.bfloat16, 6e-2),
        ):
            for kind in ("torch", "kernels"):
                with elementwise_by(kind):
                    worst = distance(self._gradient(dtype, products, self.device, False), exact)
                found.append(f"{str(products)[6:]}/{kind} {worst:.1e}")
                assert worst < limit, f"{found[-1]}: more than {limit:g}"
        return ", ".join(found)

    def gradients_are_those_of_the_functions(self) -> str:
        def random(*shape: int) -> Tensor:
            return (torch.randn(*shape, dtype=torch.float64, device=self.device) * 0.7).requires_grad_()

        torch.manual_seed(0)
        mask = torch.arange(4, device=self.device) < torch.tensor([[4], [2]], device=self.device)

        def attend(gates: Tensor, keys: Tensor, annotations: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
            hidden, *weights = others
            return attention_loop(gates, keys, annotations, mask, hidden, LoopWeights(*weights))[:2]

        assert gradcheck(lstm_loop, (random(2, 3, 2, 12), random(2, 3, 12), random(2, 2, 3)))
        assert gradcheck(
            attend,
            (random(3, 2, 12), random(2, 4, 4), random(2, 4, 5), random(2, 3), random(8, 12), random(3, 4), random(4)),
        )
        targets = torch.tensor([0, 5, -1, 2, 1], device=self.device)
        loss = partial(cross_entropy, targets=targets, smoothing=0.2, ignoring=True)
        assert gradcheck(loss, (random(5, 3), random(6, 3)))
        return "three functions, float64"

    def a_replay_draws_and_computes_what_one_by_one_does(self) -> str:
        self.cuda_only()
        found = []
        for dtype, limit in ((torch.float32, 1e-4), (torch.bfloat16, 2e-2)):
            worst = 0.0
            strategy = DeviceStrategy.for_device(self.device)
            with strategy.running():
                plain = Steps(self.config, self.corpus.vocabulary, dtype, replace(strategy, cuda_graphs=0))
                # Two graphs for four shapes: some are captured anew.
                graphs = Steps(self.config, self.corpus.vocabulary, dtype, replace(strategy, cuda_graphs=2))
                for seed, batch in enumerate([batch for batch in self.batches for _ in range(3)] + self.batches):
                    for steps in (plain, graphs):
                        loss = steps.gradients(steps.prepared(batch), batch.target_tokens, seed // 2)
                        steps.loss = loss
                    pairs = zip(graphs.model.parameters(), plain.model.parameters(), strict=True)
                    worst = max(worst, distance(graphs.loss, plain.loss), *(distance(a.grad, b.grad) for a, b in pairs))
                assert graphs.gradient._compute._recordings, "nothing was recorded: see the warning"
            found.append(f"{str(dtype)[6:]} {worst:.1e}")
            assert worst < limit, f"{found[-1]}: more than {limit:g}"
        return ", ".join(found)

    def steps_wait_for_nothing(self) -> str:
        self.cuda_only()
        for cuda_graphs in (0, 8):
            strategy = replace(DeviceStrategy.for_device(self.device), cuda_graphs=cuda_graphs)
            with strategy.running():
                steps = Steps(self.config, self.corpus.vocabulary, torch.bfloat16, strategy)
                prepared = [(steps.prepared(batch), batch.target_tokens) for batch in self.batches]
                for repetition in range(4):
                    torch.cuda.set_sync_debug_mode("error" if repetition == 3 else "default")
                    try:
                        for batch, tokens in prepared:
                            steps(batch, tokens)
                    finally:
                        torch.cuda.set_sync_debug_mode("default")
                steps.finish()
        return "one by one and with CUDA graphs"

    def a_recording_that_fails_is_done_without(self) -> str:
        self.cuda_only()
        weight = torch.ones(8, device=self.device)

        def compute(_batch: TensorBatch, _divisor: Any) -> Tensor:
            if torch.cuda.is_current_stream_capturing():
                weight.sum().item()  # not allowed there
            return torch.nn.functional.dropout(weight).sum()

        with DeviceStrategy.for_device(self.device).running():
            recorder = CudaGraphs(compute, CudaGraphCapture(compute, self.device), 4)
            batch = TensorBatch.from_batch(self.batches[0], buckets=True).pinned()
            for _ in range(3):
                float(recorder(batch, 1.0))
        return "went on, with dropout"

    def _sample(self, steps: int) -> Config:
        """Writes a corpus whose translation is each sentence backwards, in capitals."""
        generator = random.Random(1)
        for name, count in (("train", 150 if self.tiny else 2000), ("valid", 6 if self.tiny else 100)):
            lines = [
                " ".join("".join(generator.choices("bcdfg", k=2)) + "a" for _ in range(generator.randint(2, 6)))
                for _ in range(count)
            ]
            (self.folder / f"{name}.xx").write_text("".join(f"{line}\n" for line in lines))
            backwards = [" ".join(reversed(line.upper().split())) for line in lines]
            (self.folder / f"{name}.yy").write_text("".join(f"{line}\n" for line in backwards))
        return from_yaml(SAMPLE.format(folder=self.folder, steps=steps, tokens=100 if self.tiny else 1000), "check")

    def _weights(self, run: Path, steps: int) -> dict[str, Tensor]:
        checkpoint = load_checkpoint(run / "checkpoints" / checkpoint_name(steps))
        return {**checkpoint.weights, **{f"optimizer {name}": value for name, value in checkpoint.optimizer.items()}}

    def a_resumed_training_equals_one_never_stopped(self) -> str:
        first, last = (4, 10) if self.tiny else (60, 150)
        train(self._sample(last), self.folder / "whole", device=str(self.device))
        train(self._sample(first), self.folder / "halves", device=str(self.device))
        train(self._sample(last), self.folder / "halves", device=str(self.device))
        ours, theirs = self._weights(self.folder / "halves", last), self._weights(self.folder / "whole", last)
        if all(torch.equal(ours[name], theirs[name]) for name in theirs):
            return "bit for bit"
        # The halves validate once more on the way, which changes no weight; sums by atomic additions may.
        worst = max(distance(ours[name], theirs[name]) for name in theirs)
        assert worst < 1e-2, f"apart by {worst:.1e}"
        return f"apart by {worst:.1e}"

    def a_step_that_diverged_reaches_no_checkpoint(self) -> str:
        steps = 4 if self.tiny else 60
        run = self.folder / "diverged"
        train(self._sample(steps), run, device=str(self.device))
        before = self._weights(run, steps)
        forward, calls = Seq2Seq.forward, 0

        def diverged(model: Seq2Seq, *arguments: Any, **options: Any) -> Any:
            nonlocal calls
            forced = forward(model, *arguments, **options)
            calls += model.training
            return forced._replace(readouts=forced.readouts * float("nan")) if calls > 2 and model.training else forced

        Seq2Seq.forward = diverged
        try:
            train(self._sample(2 * steps), run, device=str(self.device))
        except NonFiniteError as error:
            message = str(error)
        else:
            raise AssertionError("training went on")
        finally:
            Seq2Seq.forward = forward
        after = self._weights(run, steps)
        assert all(torch.equal(before[name], after[name]) for name in before)
        assert all(value.isfinite().all() for value in after.values())
        return message[:60]

    def translations_equal_the_processors(self) -> str:
        lines = (self.folder / "valid.xx").read_text().splitlines()
        texts = []
        for name in (str(self.device), "cpu"):
            translator = Translator.load(self.folder / "whole", device=name, precision="fp32")
            texts.append([found.text for found in translator.translate(lines)])
        same = sum(ours == theirs for ours, theirs in zip(*texts, strict=True))
        assert same == len(lines), f"{same} of {len(lines)} lines are the same"
        return f"{same} lines, fp32"

    def all(self) -> Iterator[Callable[[], str]]:
        yield self.fast_loops_equal_the_processor
        yield self.gradients_are_those_of_the_functions
        yield self.a_replay_draws_and_computes_what_one_by_one_does
        yield self.steps_wait_for_nothing
        yield self.a_recording_that_fails_is_done_without
        yield self.a_resumed_training_equals_one_never_stopped
        yield self.a_step_that_diverged_reaches_no_checkpoint
        yield self.translations_equal_the_processors
