"""Measures how fast nmt trains and translates here, relative to the rate of the processor's matrix products.

    .venv/bin/python scripts/benchmarks/benchmark.py [CONFIG] [--model RUN] [--json FILE] [--repetitions N]
        [--batches N] [--steps N] [--threads N] [--shortlist N] [--sizes own|peer|large …]

CONFIG (configs/multi30k_en_fr.yaml by default) gives the corpus, whose real batches are trained on, and all sizes.
`--sizes` times others as well: those at which `compare_with_opennmt.py` compares, and a vocabulary of 32,000, as large
corpora have, where the loss over it takes most of the time. All candidates take turns, and each number is the median of
all repetitions. Decoding needs a trained model, RUN, and its configuration's test set. Runs that are not the
benchmark's own make every number worse: close them first.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import nmt  # noqa: F401 (sets what torch reads when it is loaded)

# isort: split

import torch

from benchmark_training import REFERENCE, measure_loops
from machine import processor
from nmt.cli.arguments import ComputeArguments
from nmt.cli.startup import load_translator
from nmt.config import Config, load_config
from nmt.corpus.batch_order import START, BatchOrder
from nmt.corpus.batching import Batch
from nmt.io.streams import read_lines
from nmt.model.kernels.int8 import int8_is_quick
from nmt.model.kernels.matmul import mm
from nmt.training.batches import iterate_updates
from nmt.training.malloc import keep_freed_memory
from nmt.training.preparation import corpus_files, prepare_corpus, train_tokenizers
from nmt.training.signals import StopRequest
from nmt.translation.options import TranslateOptions
from nmt.translation.translator import Translator

ALONE = 50  # sentences whose latency is measured
SQUARE = 2048  # rows and columns of the products that show the processor's best rate


@dataclass(frozen=True)
class Row:
    """A measured number."""

    name: str
    value: float
    unit: str
    note: str = ""

    def __str__(self) -> str:
        value = f"{self.value:,.0f}" if self.value >= 100 else f"{self.value:.3g}"
        return f"{self.name:<52} {value:>10} {self.unit:<16} {self.note}".rstrip()


def median_seconds(works: dict[str, Callable[[], object]], repetitions: int) -> dict[str, float]:
    """Measures the median time of each piece of work; all take turns, after a round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for repetition in range(repetitions + 1):
        for name, work in works.items():
            started = time.perf_counter()
            work()
            if repetition:
                seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in seconds.items()}


def products_of(config: Config, batch: Batch, vocabulary: int) -> Iterator[tuple[int, int, int, int]]:
    """Lists the matrix products of an update of one-layer models as (rows, inner size, columns, count).

    Each product of the forward pass has two in the backward pass: for its input and for its weight. The weights'
    gradients are one product over all steps of a loop. The attention's weighted sums and the loop over single numbers
    are left out, so the time of these products is a floor.
    """
    model = config.model
    sentences, source = batch.source.shape
    time_steps = batch.target_input.shape[1]
    encoder, decoder, embedding = model.encoder.hidden_size, model.decoder.hidden_size, model.embedding_size
    context, attention, readout = 2 * encoder, model.attention_size, model.readout_size
    outside = [
        (source * sentences, embedding, 8 * encoder),
        (source * sentences, context, attention),
        (time_steps * sentences, embedding, 4 * decoder),
        (time_steps * sentences, decoder + context + embedding, readout),
        (batch.target_tokens, readout, vocabulary),
    ]
    loops = [
        (source, encoder, 4 * encoder, 2),
        (time_steps, decoder, attention, 1),
        (time_steps, context + decoder, 4 * decoder, 1),
    ]
    for rows, inner, columns in outside:
        yield rows, inner, columns, 1
        yield rows, columns, inner, 1
        yield inner, rows, columns, 1
    for steps, inner, columns, directions in loops:
        yield sentences, inner, columns, directions * steps
        yield sentences, columns, inner, directions * steps
        yield inner, steps * sentences, columns, directions


def operations(config: Config, batches: Sequence[Batch], vocabulary: int) -> float:
    """Counts the multiplications and additions of all products of these updates."""
    every = [product for batch in batches for product in products_of(config, batch, vocabulary)]
    return float(sum(2 * rows * inner * columns * count for rows, inner, columns, count in every))


def multiply(shapes: Sequence[tuple[int, int, int, int]], dtype: torch.dtype) -> float:
    """Measures the time of products of these shapes, each shape timed by itself and multiplied by its count.

    By the library that nmt takes for them, which on some processors is quicker than torch's usual one.
    """
    seconds = 0.0
    for rows, inner, columns, count in shapes:
        left, right = torch.randn(rows, inner).to(dtype), torch.randn(inner, columns).to(dtype)
        mm(left, right)
        times = []
        for _ in range(5):
            started = time.perf_counter()
            mm(left, right)
            times.append(time.perf_counter() - started)
        seconds += count * statistics.median(times)
    return seconds


def square_rate(dtype: torch.dtype) -> float:
    """Measures operations per second of a large product."""
    seconds = multiply([(SQUARE, SQUARE, SQUARE, 1)], dtype)
    return 2 * SQUARE**3 / seconds


@dataclass(frozen=True)
class Sizes:
    """Sizes of a model to be timed: a configuration's, with other ones in their place."""

    overrides: dict[str, str]
    vocabulary: int | None = None  # tokens of the output, however many the corpus has; None for its own


COMPARABLE = {"model.decoder.conditional": "false"}
"""Overrides that turn off features which `plain_model.py` does not have."""

SIZES = {
    "own": Sizes(COMPARABLE),
    "peer": Sizes({**COMPARABLE, "model.readout_size": "512", "model.tie_embeddings": "inputs"}, 8_000),
    "large": Sizes(COMPARABLE, 32_000),
}


def measure_training(path: str, folder: Path, arguments: argparse.Namespace) -> Iterator[Row]:
    """Measures the preparation of the corpus, and the training loops on its batches."""
    config = overridden(path, COMPARABLE)
    with StopRequest() as stop:
        files = corpus_files(config)
        text = train_tokenizers(config, folder, files, stop)
        started = time.perf_counter()
        store = prepare_corpus(config, folder, files, text, stop, quiet=True)
        seconds = time.perf_counter() - started
    yield Row("preparing the corpus", len(store) / seconds, "pairs/s")
    order = BatchOrder(store, config.training.batch_tokens, config.seed)
    updates = islice(iterate_updates(START, order, store, config, text), arguments.batches)
    batches = [update.parts[0] for update in updates]
    rates = {dtype: square_rate(dtype) for dtype in (torch.float32, torch.bfloat16)}
    for name in arguments.sizes:
        sizes = SIZES[name]
        vocabulary = max(sizes.vocabulary or 0, text.target.size)
        title = "training" if name == "own" else f"training, {name} sizes, vocabulary {vocabulary:,}"
        yield from measure_sizes(
            title, overridden(path, sizes.overrides), vocabulary, batches, rates, arguments.repetitions
        )


def overridden(path: str, overrides: dict[str, str]) -> Config:
    """Reads a configuration, with these keys in place of its own."""
    return load_config(path, [f"{key}={value}" for key, value in overrides.items()])


def measure_sizes(
    title: str,
    config: Config,
    vocabulary: int,
    batches: Sequence[Batch],
    rates: dict[torch.dtype, float],
    repetitions: int,
) -> Iterator[Row]:
    """Measures the training loops of a model on these batches."""
    tokens = sum(batch.target_tokens for batch in batches)
    measured = measure_loops(config, vocabulary, batches, repetitions)
    work = operations(config, batches, vocabulary)
    for loop, found in measured.items():
        note = (
            f"{measured[REFERENCE].seconds / found.seconds:.2f} x {REFERENCE.name}; "
            f"{work / found.seconds / rates[loop.dtype]:.0%} of {rates[loop.dtype] / 1e9:,.0f} GFLOP/s; "
            f"peak memory {found.peak_mib:,.0f} MiB"
        )
        yield Row(f"{title}, {loop.name}", tokens / found.seconds, "target tokens/s", note)
    for loop in (loop for loop in measured if loop.kind == "fast"):
        floor = sum(multiply(list(products_of(config, batch, vocabulary)), loop.dtype) for batch in batches)
        note = f"the fast loop reaches {floor / measured[loop].seconds:.2f} of it"
        yield Row(f"{title}, {loop.name}: its products alone", tokens / floor, "target tokens/s", note)


def measure_program(path: str, folder: Path, steps: int, threads: int | None) -> Iterator[Row]:
    """Measures `nmt train` as a user runs it, without validation."""
    for precision in ("fp32", "bf16"):
        run = folder / precision
        settings = {
            **COMPARABLE,
            "training.precision": precision,
            "training.max_steps": steps,
            "training.max_epochs": "null",
            "training.validate_every": 1_000_000,
            "training.log_every": max(1, steps // 10),
        }
        given = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
        given += ["--threads", str(threads)] if threads else []
        process = subprocess.Popen([sys.executable, "-m", "nmt", "train", path, "--output", run, "--quiet", *given])
        _, status, used = os.wait4(process.pid, 0)
        if status:
            raise SystemExit(f"nmt train failed with status {os.waitstatus_to_exitcode(status)}")
        records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        speeds = [record["target_tokens_per_second"] for record in records if record["split"] == "train"]
        note = f"peak memory {used.ru_maxrss / 1024:,.0f} MiB"
        yield Row(f"training, whole nmt train, {precision}", statistics.median(speeds[2:]), "target tokens/s", note)


def translate_alone(translator: Translator, lines: Sequence[str], options: TranslateOptions) -> None:
    """Translates each line by itself, as a person types them."""
    for line in lines:
        translator.translate([line], options)


def measure_decoding(path: Path, repetitions: int, shortlist: int) -> Iterator[Row]:
    """Measures the translation of the test set of the model's configuration."""
    limits = {name: square_rate(dtype) for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16))}
    for precision in ("fp32", "bf16", *(["int8"] if int8_is_quick() else [])):
        translator = load_translator(path, ComputeArguments(device="cpu", precision=precision))
        test = translator.config.data.test
        if test is None:
            raise SystemExit(f"{path}: its configuration names no test set")
        lines = [line.text for name in test.source for line in read_lines(name, print)]
        searches = {f"beam {beam}": translator.options(beam_size=beam, shortlist=0) for beam in (1, 5)}
        if translator.shortlist is not None:
            name = f"beam 5, shortlist {shortlist}"
            searches[name] = translator.options(beam_size=5, shortlist=shortlist)
        together = median_seconds(
            {name: partial(translator.translate, lines, options) for name, options in searches.items()}, repetitions
        )
        alone = median_seconds(
            {name: partial(translate_alone, translator, lines[:ALONE], options) for name, options in searches.items()},
            repetitions,
        )
        for name, options in searches.items():
            tokens = sum(
                len(output.tokens) for found in translator.translate(lines, options) for output in found.outputs
            )
            title, seconds = f"decoding, {precision}, {name}", together[name]
            step = decoding_operations(translator.config, translator.tokenizers.target.size)
            # A hypothesis of the beam is computed for each token, and for the end mark.
            rate = step * options.width * (tokens + len(lines)) / seconds
            limit = limits.get(precision, limits["bf16"])
            share = f"products of at least {rate / limit:.0%} of {'fp32' if precision == 'fp32' else 'bf16'}'s limit"
            note = f"{tokens / seconds:,.0f} tokens/s; {share}"
            yield Row(title, len(lines) / seconds, "sentences/s", note)
            yield Row(f"{title}, one at a time", 1000 * alone[name] / ALONE, "ms a sentence")


def measure_start(model: Path | None, repetitions: int) -> Iterator[Row]:
    """Measures the time until the first output of a command."""
    program = [sys.executable, "-m", "nmt"]
    works: dict[str, Callable[[], object]] = {
        "nmt --help": lambda: subprocess.run([*program, "--help"], check=True, capture_output=True),
        "import torch": lambda: subprocess.run([sys.executable, "-c", "import torch"], check=True),
    }
    if model is not None:
        works["echo … | nmt translate"] = lambda: subprocess.run(
            [*program, "translate", str(model)], input=b"A man.\n", check=True, capture_output=True
        )
    for name, seconds in median_seconds(works, repetitions).items():
        yield Row(f"start-up, {name}", seconds, "s")


def decoding_operations(config: Config, vocabulary: int) -> float:
    """Counts the multiplications and additions of the products of a step of search, for each hypothesis."""
    model = config.model
    hidden, context = model.decoder.hidden_size, 2 * model.encoder.hidden_size
    sizes = [
        (context + hidden, 4 * hidden),
        (hidden, model.attention_size),
        (hidden + context + model.embedding_size, model.readout_size),
        (model.readout_size, vocabulary),
        *([(hidden, 4 * hidden)] if model.decoder.conditional else []),
    ]
    return float(sum(2 * inner * columns for inner, columns in sizes))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("config", nargs="?", default="configs/multi30k_en_fr.yaml")
    parser.add_argument("--model", type=Path, help="a trained run, to decode with")
    parser.add_argument("--json", type=Path, help="a file for the numbers")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--batches", type=int, default=12, help="updates of one repetition")
    parser.add_argument("--steps", type=int, default=100, help="of the whole nmt train")
    parser.add_argument("--threads", type=int)
    parser.add_argument(
        "--shortlist", type=int, default=50, help="of decoding, where `nmt shortlist RUN` made its table"
    )
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=["own"], help="of the models that are trained")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    keep_freed_memory()
    about: dict[str, Any] = {
        "processor": processor(),
        "threads": torch.get_num_threads(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "config": arguments.config,
    }
    print(", ".join(f"{name} {value}" for name, value in about.items()), flush=True)
    rows: list[Row] = []

    def take(measured: Iterator[Row]) -> None:
        for row in measured:
            rows.append(row)
            print(row, flush=True)

    with tempfile.TemporaryDirectory() as name:
        take(measure_training(arguments.config, Path(name), arguments))
        take(measure_program(arguments.config, Path(name), arguments.steps, arguments.threads))
    if arguments.model is not None:
        take(measure_decoding(arguments.model, arguments.repetitions, arguments.shortlist))
    take(measure_start(arguments.model, arguments.repetitions))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of the benchmark itself: {peak:,.0f} MiB")
    if arguments.json is not None:
        measured = [{**vars(row), "processor": about["processor"]} for row in rows]
        arguments.json.write_text(json.dumps({**about, "rows": measured}, indent=1) + "\n")


if __name__ == "__main__":
    main()
