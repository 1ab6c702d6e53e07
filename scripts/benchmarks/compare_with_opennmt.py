"""Compares nmt with OpenNMT-py 3.5.1 on this machine: how fast each trains and translates.

    .venv/bin/python scripts/benchmarks/compare_with_opennmt.py [CONFIG] [--environment DIR] [--folder DIR]
        [--json FILE] [--repetitions N] [--steps N] [--opennmt-steps N] [--threads N]

OpenNMT-py is installed into a virtual environment of its own, when it is not there; nmt does not depend on it. CONFIG
(configs/multi30k_en_fr.yaml by default) gives corpus, vocabulary, sizes and test set. Another one needs another folder.

Both programs have the same version of PyTorch, as many threads, the same token ids, the same sizes of embedding,
bidirectional LSTM encoder, LSTM decoder, additive attention and readout, one table for source and target embeddings and
another for the output (nmt could do with one for all), the same rates of dropout, label smoothing, clipping and Adam,
and as many target tokens in an update. The programs themselves differ: OpenNMT-py feeds its readout back in
place of the context, has no end mark on source sentences, and ends the search for a sentence as soon as the best
hypothesis is finished, where nmt goes on until as many are as the beam is wide.

Training is measured from each program's own log, in turns, the first third of each run left out. For decoding, each
program trains a model of as many updates (kept in the folder, for another time), of which nmt keeps a moving average
as CONFIG says, tries some batch sizes, and takes its best. OpenNMT-py is given tokens, nmt text. Other work on the
machine makes every number worse: end it first.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import NamedTuple, Protocol

import nmt  # noqa: F401 (sets what torch reads when it is loaded)

# isort: split

import numpy as np
import torch

from benchmark import ALONE, Row, operations, square_rate
from machine import processor
from nmt.checkpoint.layout import METRICS, SHARED_TOKENIZER, TOKENIZER
from nmt.cli.arguments import ComputeArguments
from nmt.cli.startup import load_translator
from nmt.config import Config, load_config
from nmt.corpus.batch_order import START, BatchOrder
from nmt.corpus.parallel import CorpusFiles, read_pairs
from nmt.corpus.store import Store
from nmt.evaluation.metrics import evaluate
from nmt.model.kernels.int8 import int8_is_quick
from nmt.tokenization.tokenizer import Tokenizer
from nmt.training.batches import iterate_updates
from nmt.training.metrics_log import read_metrics
from nmt.training.preparation import corpus_files, prepare_corpus, train_tokenizers
from nmt.training.signals import StopRequest
from opennmt import VERSION, RemoteTranslator, install, steady_rate, train, training_options

ROOT = Path(__file__).resolve().parents[2]
OPENNMT = f"OpenNMT-py {VERSION}"
PRECISIONS = {"nmt fp32": "fp32", "nmt bf16": "bf16"}
IN_INT8 = {"nmt int8": "int8"} if int8_is_quick() else {}  # in translation alone
BEAM_SIZE = 5
OPENNMT_BATCHES = (("sents", 32), ("sents", 64), ("sents", 128), ("tokens", 512), ("tokens", 1024), ("tokens", 2048))
NMT_BATCHES = (("tokens", 512), ("tokens", 1024), ("tokens", 2048), ("tokens", 4096))


@dataclass(frozen=True)
class Comparison:
    """The settings and the files of a comparison."""

    path: str
    config: Config
    overrides: tuple[str, ...]
    folder: Path
    environment: Path
    tokenizer: Tokenizer
    store: Store
    work: float  # multiplications and additions of all products of training, for each target token
    variables: dict[str, str]  # of the environment of the processes

    def train_nmt(self, run: Path, *options: str, **settings: object) -> list[tuple[float, float]]:
        """Runs `nmt train`; returns, for each record, target tokens since the last one and their number a second."""
        given = [part for override in self.overrides for part in ("--set", override)]
        given += [part for key, value in settings.items() for part in ("--set", f"training.{key}={value}")]
        command = [sys.executable, "-m", "nmt", "train", self.path, "--output", str(run), "--quiet"]
        subprocess.run([*command, *given, *options], env=self.variables, check=True)
        records = [record for record in read_metrics(run / METRICS) if record["split"] == "train"]
        return [(record["target_tokens"], record["target_tokens_per_second"]) for record in records]

    def train_opennmt(self, run: Path, steps: int, report_every: int, seed: int = 1) -> list[tuple[float, float]]:
        """Runs OpenNMT-py's training in the same way, which leaves `model_step_STEPS.pt` in the folder."""
        run.mkdir(parents=True, exist_ok=True)
        pairs = np.arange(len(self.store))
        lengths = zip(self.store.source_lengths(pairs).tolist(), self.store.target_lengths(pairs).tolist(), strict=True)
        order = BatchOrder(self.store, self.config.training.batch_tokens, self.config.seed)
        updates = sum(len(order.window(0, window)) for window in range(order.windows))
        source, target = (str(self.folder / f"train.{side}") for side in ("source", "target"))
        options = {
            "data": {"corpus": {"path_src": source, "path_tgt": target, "transforms": [], "weight": 1}},
            "src_vocab": str(self.folder / "vocabulary"),
            "share_vocab": True,
            "save_model": str(run / "model"),
            "save_checkpoint_steps": steps,
            "train_steps": steps,
            "report_every": report_every,
            "seed": seed,
            **training_options(self.config, list(lengths), self.store.target_tokens / updates),
        }
        return train(self.environment, run, options, self.variables)


def overrides_of(path: str) -> tuple[str, ...]:
    """Returns the keys, for `--set`, with which nmt's model and training are as OpenNMT-py's can be."""
    config = load_config(path)
    model, size = config.model, config.model.decoder.hidden_size
    one_size = 2 * model.encoder.hidden_size == model.attention_size == size
    if not (one_size and model.encoder.layers == model.decoder.layers and model.attention == "additive"):
        raise SystemExit(f"{path}: OpenNMT-py wants additive attention, and encoder, attention and decoder of one size")
    if not config.tokenizer.shared or config.data.test is None:
        raise SystemExit(f"{path}: the comparison needs a shared vocabulary and a test set")
    training = {
        "learning_rate": 0.001,
        "schedule": "constant",
        "warmup_steps": 0,
        "average_decay": 0,
        "max_epochs": "null",
        "patience": "null",
        "validation_samples": 0,
    }
    given = tuple(f"training.{key}={value}" for key, value in training.items())
    return (f"model.readout_size={size}", "model.tie_embeddings=inputs", "model.decoder.conditional=false", *given)


def prepare(arguments: argparse.Namespace) -> Comparison:
    """Installs OpenNMT-py, tokenises the corpus, and writes it for OpenNMT-py."""
    folder, environment = arguments.folder, arguments.environment or arguments.folder / "environment"
    folder.mkdir(parents=True, exist_ok=True)
    install(environment, ROOT / "constraints.txt")
    overrides = overrides_of(arguments.config)
    config = load_config(arguments.config, overrides)
    with StopRequest() as stop:
        files = corpus_files(config)
        text = train_tokenizers(config, folder, files, stop)
        store = prepare_corpus(config, folder, files, text, stop, quiet=True)
    # nmt is to take the same vocabulary, too, instead of training it again.
    overrides += (f"tokenizer.source_model={folder / TOKENIZER / SHARED_TOKENIZER}",)
    tokenizer = text.source
    order = BatchOrder(store, config.training.batch_tokens, config.seed)
    batches = [update.parts[0] for update in islice(iterate_updates(START, order, store, config, text), 12)]
    work = operations(config, batches, tokenizer.size) / sum(batch.target_tokens for batch in batches)
    for side, sentence in (("source", store.source), ("target", store.target)):
        lines = (" ".join(map(tokenizer.piece, sentence(index).tolist())) for index in range(len(store)))
        (folder / f"train.{side}").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    special = tokenizer.special
    own = {special.unk, special.pad, special.bos, special.eos}  # of which OpenNMT-py adds its own
    pieces = (tokenizer.piece(token) for token in range(tokenizer.size) if token not in own)
    (folder / "vocabulary").write_text("".join(f"{piece}\n" for piece in pieces), encoding="utf-8")
    variables = {**os.environ, "OMP_NUM_THREADS": str(arguments.threads)}
    return Comparison(arguments.config, config, overrides, folder, environment, tokenizer, store, work, variables)


def rows_of(title: str, values: Mapping[str, Sequence[float]], unit: str, notes: Mapping[str, str]) -> Iterator[Row]:
    """Compares the median of each program's values with OpenNMT-py's; of milliseconds, fewer are better."""
    medians = {name: statistics.median(of_program) for name, of_program in values.items()}
    for name, median in medians.items():
        times = medians[OPENNMT] / median if unit.startswith("ms") else median / medians[OPENNMT]
        annotations = [
            *([] if name == OPENNMT else [f"{times:.2f} x OpenNMT-py"]),
            f"{min(values[name]):,.1f} to {max(values[name]):,.1f}",
            *([notes[name]] if name in notes else []),
        ]
        yield Row(f"{title}, {name}", median, unit, "; ".join(annotations))


def measure_training(comparison: Comparison, repetitions: int, steps: int) -> Iterator[Row]:
    """Measures the training of both programs in turns, nmt in either precision."""
    log_every = max(1, steps // 12)
    settings = {"max_steps": steps, "log_every": log_every, "validate_every": steps}
    # A training ends with a validation, which does not count; let it be short.
    options = ("--restart", "--set", "search.max_length=1")
    rates: dict[str, list[float]] = {OPENNMT: [], **{name: [] for name in PRECISIONS}}
    tokens: dict[str, list[float]] = {name: [] for name in rates}
    for repetition in range(repetitions):
        for name in rates:
            if name == OPENNMT:
                # Its updates are not as even as nmt's: other seeds, other updates.
                run = comparison.folder / "opennmt-speed"
                records = comparison.train_opennmt(run, steps, log_every, seed=1 + repetition)
            else:
                run = comparison.folder / "nmt-speed"
                records = comparison.train_nmt(run, *options, precision=PRECISIONS[name], **settings)
            rates[name].append(steady_rate(records))
            tokens[name].append(sum(of_record for of_record, _ in records) / (log_every * len(records)))
            print(f"  {name}: {rates[name][-1]:,.0f} target tokens/s", file=sys.stderr, flush=True)
    notes = {name: f"{statistics.mean(means):,.0f} target tokens an update" for name, means in tokens.items()}
    limits = {"fp32": square_rate(torch.float32), "bf16": square_rate(torch.bfloat16)}
    for name, of_program in rates.items():
        precision = PRECISIONS.get(name, "fp32")
        share = statistics.median(of_program) * comparison.work / limits[precision]
        notes[name] += f"; {share:.0%} of {limits[precision] / 1e9:,.0f} GFLOP/s"
    yield from rows_of("training", rates, "target tokens/s", notes)


class Found(NamedTuple):
    """A translation of some lines."""

    seconds: float
    texts: list[str]
    tokens: int


class Program(Protocol):
    """A program that translates lines of text."""

    def translate(self, lines: Sequence[str], batch_type: str, batch_size: int) -> Found: ...

    def alone(self, lines: Sequence[str]) -> Found: ...


class Nmt:
    """This program, in this process, loaded as its commands load it."""

    def __init__(self, run: Path, precision: str) -> None:
        self._translator = load_translator(run, ComputeArguments(device="cpu", precision=precision))

    def translate(self, lines: Sequence[str], batch_type: str, batch_size: int) -> Found:
        assert batch_type == "tokens"
        options = self._translator.options(beam_size=BEAM_SIZE, batch_tokens=batch_size)
        started = perf_counter()
        found = self._translator.translate(lines, options)
        seconds = perf_counter() - started
        tokens = sum(len(translation.outputs[0].tokens) for translation in found)
        return Found(seconds, [translation.text for translation in found], tokens)

    def alone(self, lines: Sequence[str]) -> Found:
        """Translates each line by itself."""
        found = [self.translate([line], *NMT_BATCHES[0]) for line in lines]
        return Found(sum(each.seconds for each in found), [text for each in found for text in each.texts], 0)


class OpenNmt:
    """OpenNMT-py with the tokenizer of nmt, whose work is not timed."""

    def __init__(self, remote: RemoteTranslator, tokenizer: Tokenizer) -> None:
        self._remote = remote
        self._tokenizer = tokenizer
        self._ids = {tokenizer.piece(token): token for token in range(tokenizer.size)}

    def translate(self, lines: Sequence[str], batch_type: str, batch_size: int) -> Found:
        tokenised = [" ".join(map(self._tokenizer.piece, ids)) for ids in self._tokenizer.encode(lines)]
        seconds, translations = self._remote.translate(tokenised, batch_type, batch_size)
        ids = [[self._ids.get(piece, self._tokenizer.special.unk) for piece in text.split()] for text in translations]
        return Found(seconds, list(map(self._tokenizer.decode, ids)), sum(map(len, ids)))

    def alone(self, lines: Sequence[str]) -> Found:
        """Translates each line by itself."""
        return self.translate(lines, "sents", 1)


def best_batch(program: Program, lines: Sequence[str], batches: Sequence[tuple[str, int]]) -> tuple[str, int]:
    """Finds the batch size with which a program is fastest, after a round that does not count."""
    program.translate(lines, *batches[0])
    seconds = {batch: program.translate(lines, *batch).seconds for batch in batches}
    tried = ", ".join(f"{' '.join(map(str, batch))}: {len(lines) / each:,.0f}" for batch, each in seconds.items())
    print(f"  sentences/s by batch size: {tried}", file=sys.stderr, flush=True)
    return min(seconds, key=seconds.__getitem__)


def measure_decoding(comparison: Comparison, repetitions: int, steps: int) -> Iterator[Row]:
    """Trains a model of each program, and measures the translation of the test set by them in turns."""
    folder, test = comparison.folder, comparison.config.data.test
    assert test is not None
    pairs = list(read_pairs(CorpusFiles(test.source, test.target), print))
    lines, references = [pair.source for pair in pairs], [pair.target for pair in pairs]
    model = folder / "opennmt" / f"model_step_{steps}.pt"
    if not model.exists():
        print(f"OpenNMT-py trains its model; see {folder / 'opennmt' / 'opennmt.log'}", file=sys.stderr, flush=True)
        comparison.train_opennmt(folder / "opennmt", steps, min(steps, 50))
    print("nmt trains its model, unless it is there", file=sys.stderr, flush=True)
    average = load_config(comparison.path).training.average_decay
    comparison.train_nmt(folder / "nmt", max_steps=steps, validate_every=steps, average_decay=average)
    log = folder / "opennmt" / "translator.log"
    with RemoteTranslator(comparison.environment, model, BEAM_SIZE, log, comparison.variables) as remote:
        programs: dict[str, Program] = {
            OPENNMT: OpenNmt(remote, comparison.tokenizer),
            **{name: Nmt(folder / "nmt", precision) for name, precision in {**PRECISIONS, **IN_INT8}.items()},
        }
        batches = {
            name: best_batch(program, lines, OPENNMT_BATCHES if name == OPENNMT else NMT_BATCHES)
            for name, program in programs.items()
        }
        together: dict[str, list[float]] = {name: [] for name in programs}
        alone: dict[str, list[float]] = {name: [] for name in programs}
        notes: dict[str, str] = {}
        for repetition in range(repetitions + 1):
            for name, program in programs.items():
                found, each = program.translate(lines, *batches[name]), program.alone(lines[:ALONE])
                if not repetition:  # the first round does not count
                    continue
                together[name].append(len(lines) / found.seconds)
                alone[name].append(1000 * each.seconds / len(lines[:ALONE]))
                bleu = evaluate(found.texts, [references], metrics=["bleu"])["bleu"].score
                batch_type, batch_size = batches[name]
                words = f"{found.tokens / len(lines):.1f} tokens a translation, BLEU {bleu:.1f}"
                notes[name] = f"batches of {batch_size} {batch_type}; {words}"
    yield from rows_of(f"decoding, beam {BEAM_SIZE}", together, "sentences/s", notes)
    yield from rows_of("decoding, one at a time", alone, "ms a sentence", {})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("config", nargs="?", default="configs/multi30k_en_fr.yaml")
    parser.add_argument("--environment", type=Path, help="where OpenNMT-py is; in the folder by default")
    parser.add_argument("--folder", type=Path, default=Path("runs/compare-with-opennmt"), help="for everything else")
    parser.add_argument("--json", type=Path, help="a file for the numbers")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--steps", type=int, default=60, help="updates of each training that is timed")
    parser.add_argument("--opennmt-steps", type=int, default=1000, help="updates of the models to translate with")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    about = {
        "processor": processor(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "opennmt": VERSION,
        "config": arguments.config,
    }
    print(", ".join(f"{name} {value}" for name, value in about.items()), flush=True)
    comparison = prepare(arguments)
    rows: list[Row] = []
    for measured in (
        measure_training(comparison, arguments.repetitions, arguments.steps),
        measure_decoding(comparison, arguments.repetitions, arguments.opennmt_steps),
    ):
        for row in measured:
            rows.append(row)
            print(row, flush=True)
    if arguments.json is not None:
        measured_rows = [{**vars(row), "processor": about["processor"]} for row in rows]
        arguments.json.write_text(json.dumps({**about, "rows": measured_rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
