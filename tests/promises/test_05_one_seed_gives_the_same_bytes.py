"""Two trainings of one seed write the same bytes, whatever else is different between them but the machine."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from program import command, environment
from proofs import Proof
from runs import digest, records, without_clock

WITH_CHANCE = [
    "model={dropout: 0.3, word_dropout: 0.1}",
    "tokenizer.subword_regularization=0.2",
    "data.drop_duplicates=true",
]
VARIANTS = {
    "fp32": [*WITH_CHANCE, "training={precision: fp32, validate_every: 7}"],
    "bf16": [*WITH_CHANCE, "training={precision: bf16, accumulation: 2, average_decay: 0.9}", "tokenizer.kind=bpe"],
    # The corpus beside itself, by other weights and behind tags.
    "mixture": [
        "tokenizer.subword_regularization=0.2",
        "data.train=[{source: DATA/train.xx, target: DATA/train.yy, weight: 0.5, tag: <a>}, "
        "{source: DATA/train.xx, target: DATA/train.yy, weight: 1.7, tag: <b>}]",
        "data.validation.tag=<a>",
    ],
    # Large enough that the work on a batch is divided among threads.
    "threads": [
        "model={embedding_size: 128, readout_size: 128, attention_size: 128, dropout: 0.3}",
        "model={encoder: {hidden_size: 128}, decoder: {hidden_size: 256}}",
        "training={batch_tokens: 1000, max_steps: 6, validate_every: 3}",
    ],
}


@dataclass(frozen=True)
class Surroundings:
    """What must make no difference."""

    folder: Path  # of the run and of the temporary files; also where the command runs
    hash_seed: str  # which order sets have
    processors: int  # how many the process may use, and so how many tokenise

    def train(self, configuration: Path, options: list[str], threads: int) -> Path:
        """A run directory that `nmt train` wrote, as a process of its own."""
        self.folder.mkdir(parents=True)
        overrides = [argument for option in options for argument in ("--set", option)]
        allowed = sorted(os.sched_getaffinity(0))[: self.processors]
        done = subprocess.run(
            command("train", configuration, "--output", "run", "--threads", threads, *overrides),
            cwd=self.folder,
            env=environment(PYTHONHASHSEED=self.hash_seed, TMPDIR=str(self.folder), PYTHONPATH=python_path()),
            preexec_fn=partial(os.sched_setaffinity, 0, allowed),
            capture_output=True,
            timeout=300,
            check=False,
        )
        assert (done.returncode, done.stdout) == (0, b""), done.stderr.decode()
        return self.folder / "run"


def python_path() -> str:
    """The present one, in another working directory."""
    return os.pathsep.join(str(Path(path).absolute()) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep))


def digests(run: Path) -> dict[str, Any]:
    """What stands in every file of a run, by the digest of its bytes; where a clock is among it, without that."""
    found: dict[str, Any] = {}
    for path in sorted(path for path in run.rglob("*") if path.is_file()):
        name = str(path.relative_to(run))
        if path.name == "state.json":
            found[name] = without_clock(json.loads(path.read_bytes()))
        elif path.name == "manifest.json":
            manifest = json.loads(path.read_bytes())
            # The clock is in the state, and so in its digest, and in that of the manifest itself.
            del manifest["files"]["state.json"], manifest["sha256"]
            found[name] = {**manifest, "summary": without_clock(manifest["summary"])}
        elif name not in (".lock", "train.log", "metrics.jsonl"):
            found[name] = digest(path)
    return {**found, "metrics": records(run)}


# The gate compares two trainings.
@pytest.mark.parametrize(
    "variant", ["bf16", *(pytest.param(name, marks=pytest.mark.slow) for name in ("fp32", "mixture", "threads"))]
)
@pytest.mark.promise(5, gate=1, full=8)
def test_promise_05_two_runs_with_one_seed_give_the_same_bytes(
    variant: str, proof: Proof, configuration: Path, data: Path, tmp_path: Path
) -> None:
    chance, threads = proof.generator, 2 if variant == "threads" else 1
    shorter = [] if proof.full else ["training={max_steps: 8, validate_every: 4}"]
    given = [option.replace("DATA", str(data)) for option in VARIANTS[variant]]
    options = [*given, *shorter, f"seed={chance.randrange(1 << 31)}"]
    expected = digests(Surroundings(tmp_path / "first", "0", 1).train(configuration, options, threads))
    assert sum(name.endswith("model.safetensors") for name in expected) > 1
    for number in range(proof.count):
        folder = tmp_path / f"another place {number}" / "with a longer name"
        surroundings = Surroundings(folder, str(chance.randrange(1, 1 << 32)), chance.randint(1, 2))
        with proof.case(surroundings):
            assert digests(surroundings.train(configuration, options, threads)) == expected
