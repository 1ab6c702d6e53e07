"""A tiny corpus, tiny models trained on it, and the program run on them: as a process, or inside this one."""

from __future__ import annotations

import gc
import gzip
import io
import os
import random
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nmt.cli.main import run as run_command
from nmt.translation.translator import Translator

SYLLABLES = ["ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu"]
TRAINING_PAIRS = 200
VALIDATION_PAIRS = 12

# What the machine of a test may set, and that of a user does not.
HIDDEN = (
    *("PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PYTHONIOENCODING", "PYTHONUTF8", "LC_ALL", "LANG", "NO_COLOR"),
    # The program sets these where it runs, which in a test may be here.
    *("LRU_CACHE_CAPACITY", "ONEDNN_PRIMITIVE_CACHE_CAPACITY", "GOMP_SPINCOUNT"),
)

CONFIGURATION = """\
name: tiny
data:
  source_language: xx
  target_language: yy
  train: {train}
  validation: {validation}
  test: {validation}
tokenizer: {{kind: unigram, vocabulary_size: 300}}
model:
  attention_size: 8
  embedding_size: 8
  readout_size: 8
  encoder: {{hidden_size: 4, layers: 1}}
  decoder: {{hidden_size: 8, layers: 1}}
training:
  {{batch_tokens: 128, max_steps: 30, validate_every: 15, log_every: 5, precision: fp32, schedule: constant,
  learning_rate: 1.0e-3, average_decay: 0}}
search: {{max_length: 8, beam_size: 2}}
"""

LEARNING = (
    "training={max_steps: 120, validate_every: 120, learning_rate: 0.01, batch_tokens: 512}",
    "model={attention_size: 32, embedding_size: 32, readout_size: 32, dropout: 0}",
    "model={encoder: {hidden_size: 16}, decoder: {hidden_size: 32}}",
    "search.max_length=24",
)
"""What makes a model of `CONFIGURATION` learn in a few seconds."""


@dataclass(frozen=True)
class Finished:
    """What a run of the program left."""

    code: int
    out: bytes
    err: str

    @property
    def lines(self) -> list[str]:
        """Standard output; every line of it is ended."""
        assert self.out.endswith(b"\n") or not self.out, self.out[-100:]
        return self.out.decode().split("\n")[:-1]

    @property
    def errors(self) -> list[str]:
        """The lines that tell of mistakes."""
        return [line for line in self.err.splitlines() if line.startswith("nmt: error: ")]


def sentences(count: int, seed: int) -> list[str]:
    generator = random.Random(seed)
    return [
        " ".join(
            "".join(generator.choices(SYLLABLES, k=generator.randint(1, 3))) for _ in range(generator.randint(2, 6))
        )
        for _ in range(count)
    ]


def write_text(path: Path, lines: Sequence[str]) -> None:
    data = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def write_corpus(directory: Path, ending: str = "", training_pairs: int = TRAINING_PAIRS) -> None:
    """Source sentences, and for a translation their words backwards in capitals."""
    directory.mkdir(exist_ok=True)
    for name, count, seed in (("train", training_pairs, 1), ("validation", VALIDATION_PAIRS, 2)):
        source = sentences(count, seed)
        write_text(directory / f"{name}.xx{ending}", source)
        write_text(directory / f"{name}.yy{ending}", [" ".join(reversed(line.upper().split())) for line in source])


def configuration_text(data: Path, ending: str = "") -> str:
    """The configuration of a tiny model for the corpus that `write_corpus` wrote."""
    names = {side: f"{data}/{{name}}.{side}{ending}" for side in ("xx", "yy")}
    files = {
        name: f"{{source: {names['xx'].format(name=name)}, target: {names['yy'].format(name=name)}}}"
        for name in ("train", "validation")
    }
    return CONFIGURATION.format(train=files["train"], validation=files["validation"])


def environment(**changes: str) -> dict[str, str]:
    """The environment of a user's shell."""
    return {name: value for name, value in os.environ.items() if name not in HIDDEN} | changes


def command(*arguments: object, flags: Sequence[str] = ()) -> list[str]:
    return [sys.executable, *flags, "-m", "nmt", *map(str, arguments)]


def nmt(
    *arguments: object, stdin: bytes = b"", env: Mapping[str, str] | None = None, flags: Sequence[str] = ()
) -> Finished:
    """Runs the program as a process of its own, with `flags` for Python."""
    done = subprocess.run(
        command(*arguments, flags=flags),
        input=stdin,
        capture_output=True,
        env=environment() if env is None else env,
        timeout=120,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr.decode())


Call = Callable[..., Finished]


class Memory(io.TextIOWrapper):
    """A standard stream in memory, which may claim to be a terminal."""

    def __init__(self, buffer: io.BytesIO, *, terminal: bool = False) -> None:
        super().__init__(buffer, encoding="utf-8", write_through=True)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def nmt_in_process(*arguments: object, stdin: bytes = b"", terminal: bool = False, typed: bool = False) -> Finished:
    """Runs a command inside this process, its standard streams in memory: on a `terminal`, or `typed` there."""
    before = sys.argv, sys.stdin, sys.stdout, sys.stderr
    threshold, frozen = gc.get_threshold(), gc.get_freeze_count()
    out, err = io.BytesIO(), io.BytesIO()
    sys.argv = ["nmt", *map(str, arguments)]
    sys.stdin = Memory(io.BytesIO(stdin), terminal=typed)
    sys.stdout = Memory(out, terminal=terminal)
    sys.stderr = Memory(err)
    try:
        code = run_command()
        return Finished(code, out.getvalue(), err.getvalue().decode())
    finally:
        sys.argv, sys.stdin, sys.stdout, sys.stderr = before
        gc.set_threshold(*threshold)
        if gc.get_freeze_count() > frozen:
            gc.unfreeze()


@pytest.fixture(scope="session")
def call() -> Call:
    """The program inside this process: quick."""
    return nmt_in_process


@pytest.fixture(scope="session")
def process() -> Call:
    """The program as a process of its own: real."""
    return nmt


@pytest.fixture(scope="session")
def start() -> Callable[..., subprocess.Popen[bytes]]:
    """The program as a process that goes on while the test does."""

    def begin(*arguments: object, **options: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(command(*arguments), **({"env": environment(), "stderr": subprocess.PIPE} | options))

    return begin


@pytest.fixture(scope="session")
def user_environment() -> Callable[..., dict[str, str]]:
    return environment


@pytest.fixture(scope="session")
def make_corpus() -> Callable[..., None]:
    return write_corpus


@pytest.fixture(scope="session")
def make_sentences() -> Callable[[int, int], list[str]]:
    return sentences


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("data")
    write_corpus(directory)
    return directory


@pytest.fixture(scope="session")
def configuration(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration file for a tiny model."""
    path = tmp_path_factory.mktemp("configuration") / "tiny.yaml"
    path.write_text(configuration_text(data))
    return path


@pytest.fixture(scope="session")
def model(configuration: Path, call: Call, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory of a finished training; to be read only."""
    run = tmp_path_factory.mktemp("runs") / "tiny"
    done = call("train", configuration, "--output", run, "--set", "training.max_steps=15")
    assert done.code == 0, done.err
    return run


@pytest.fixture(scope="session")
def second_model(model: Path, configuration: Path, call: Call, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another run with the tokenizers of `model`, which it went on from."""
    run = tmp_path_factory.mktemp("runs") / "second"
    keys = f"training.initialize_from={model}", "training.max_steps=5", "seed=2"
    done = call("train", configuration, "--output", run, *(word for key in keys for word in ("--set", key)))
    assert done.code == 0, done.err
    return run


@pytest.fixture(scope="session")
def plain_model(configuration: Path, call: Call, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run without attention, with the tokenizers of `model`."""
    run = tmp_path_factory.mktemp("runs") / "plain"
    keys = "training.max_steps=1", "model.attention=none"
    done = call("train", configuration, "--output", run, *(word for key in keys for word in ("--set", key)))
    assert done.code == 0, done.err
    return run


@pytest.fixture(scope="session")
def translator(model: Path) -> Translator:
    return Translator.load(model)


@pytest.fixture(scope="session")
def learned(configuration: Path, call: Call, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory of a model that has learned something: it translates different lines differently."""
    run = tmp_path_factory.mktemp("runs") / "learned"
    done = call("train", configuration, "--output", run, *(word for key in LEARNING for word in ("--set", key)))
    assert done.code == 0, done.err
    return run


@pytest.fixture(scope="session")
def make_configuration() -> Callable[..., str]:
    return configuration_text


@pytest.fixture(scope="session")
def source_lines() -> list[str]:
    return sentences(VALIDATION_PAIRS, 2)
