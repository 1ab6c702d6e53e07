"""Measures what a large corpus costs: time a pair and memory of preparing, and the seconds of every later start.

    .venv/bin/python scripts/benchmarks/measure_large_corpora.py [PAIRS]…      (200,000 and 2,000,000 by default)

For each size it generates a corpus in a temporary folder (about 300 bytes of disk a pair, with what is made of it),
tokenises it, trains a small model on it for 60 steps, goes on with it for one more, and begins another run on the same
text, each in a process of its own. Everything is removed again. Times depend on what else the machine does.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from examples.quickstart_corpus.corpus import generate
from machine import memory_of, with_descendants
from nmt.corpus.batch_order import BatchOrder, Position
from nmt.corpus.store import Store

STEPS = 60
CONFIG = """
name: memory
data:
  source_language: en
  target_language: fr
  train: {{source: {folder}/train.en, target: {folder}/train.fr}}
  validation: {{source: {folder}/validation.en, target: {folder}/validation.fr}}
tokenizer: {{vocabulary_size: 2000}}
model:
  attention_size: 64
  embedding_size: 64
  readout_size: 64
  encoder: {{hidden_size: 64}}
  decoder: {{hidden_size: 128}}
training: {{max_steps: {steps}, max_epochs: null, validate_every: 1000000, validation_samples: 0}}
"""


def write_corpus(folder: Path, pairs: int) -> None:
    """Generates pairs of the quick start's sentences, two joined so that each pair is another one."""
    splits = generate(1, 20_000)
    generator = random.Random(1)
    for name, sentences, count in (("train", splits.train, pairs), ("validation", splits.validation, 100)):
        with (folder / f"{name}.en").open("w") as source, (folder / f"{name}.fr").open("w") as target:
            for _ in range(count):
                first, second = generator.choice(sentences), generator.choice(sentences)
                source.write(f"{first.english} {second.english}\n")
                target.write(f"{first.french} {second.french}\n")


def measured(command: list[str]) -> tuple[float, float, float]:
    """Runs a command; returns its seconds and, in MiB, the peaks of its resident and of its anonymous memory.

    Both are of the command and all processes it started, together. Anonymous is what the program itself holds; the rest
    are pages of mapped files, which the system takes back at will (and which count here once for each process).
    """
    started = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    resident = anonymous = 0.0
    while process.poll() is None:
        held = [memory_of(number) for number in with_descendants(process.pid)]
        resident = max(resident, sum(of_one[0] for of_one in held))
        anonymous = max(anonymous, sum(of_one[1] for of_one in held))
        time.sleep(0.05)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed with status {process.returncode}")
    return time.perf_counter() - started, resident, anonymous


def memory(peaks: list[float]) -> str:
    resident, anonymous = peaks
    return f"{resident:,.0f} MiB resident, {anonymous:,.0f} MiB of it anonymous"


def measure(pairs: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_corpus(folder, pairs)
        (folder / "config.yaml").write_text(CONFIG.format(folder=folder, steps=STEPS))
        seconds, *preparing = measured([sys.executable, __file__, "--prepare", name])
        print(f"{pairs:>11,} pairs: preparing {pairs / seconds:,.0f} pairs/s, {memory(preparing)}", flush=True)
        nmt = [sys.executable, "-m", "nmt", "train", f"{name}/config.yaml", "--output"]
        _, *training = measured([*nmt, f"{name}/run"])
        print(f"{'':>11}  training {STEPS} steps, {memory(training)}", flush=True)
        one_more = measured([*nmt, f"{name}/run", "--set", f"training.max_steps={STEPS + 1}"])[0]
        another = measured([*nmt, f"{name}/other", "--set", "training.max_steps=1"])[0]
        print(f"{'':>11}  one step more in {one_more:.1f} s, the first of another run in {another:.1f} s", flush=True)
        order = BatchOrder(Store.open(folder / "run" / "corpus"), 4096, 1)
        middle = Position(1, order.windows // 2, 3)
        begun = [time_of(lambda at=at: next(order.batches(at))) for at in (Position(), Position(1), middle)]
        times = ", ".join(f"{seconds:.2f}" for seconds in begun)
        print(f"{'':>11}  the first batch of an epoch, of the next, and of the middle of that: {times} s", flush=True)


def time_of(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def prepare(folder: Path) -> None:
    """Prepares a run as `nmt train` does before it builds the model: tokenizer and corpus into the run directory."""
    from nmt.config import load_config
    from nmt.io.atomic_files import make_directory
    from nmt.training.preparation import corpus_files, prepare_corpus, train_tokenizers
    from nmt.training.signals import StopRequest

    config = load_config(str(folder / "config.yaml"))
    make_directory(folder / "run")
    with StopRequest() as stop:
        files = corpus_files(config)
        text = train_tokenizers(config, folder / "run", files, stop)
        prepare_corpus(config, folder / "run", files, text, stop, quiet=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--prepare"]:
        prepare(Path(sys.argv[2]))
    else:
        for size in map(int, sys.argv[1:] or ["200000", "2000000"]):
            measure(size)
