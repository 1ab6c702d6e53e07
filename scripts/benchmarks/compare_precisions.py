"""Measures the BLEU that training in bfloat16 costs: the same updates in both precisions, from several seeds.

    .venv/bin/python scripts/benchmarks/compare_precisions.py [CONFIG] [--folder DIR] [--steps N] [--seeds N]
        [--threads N]

Each run lies in a folder of its own; a run that is there goes on, and a finished one is only read. All are scored on
CONFIG's test set in float32, so that only training differs.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

PRECISIONS = ("fp32", "bf16")


def nmt(*arguments: object) -> str:
    """Runs a command of nmt, and returns its output; exits with its exit code if it fails."""
    command = [sys.executable, "-m", "nmt", *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:  # it has said why
        raise SystemExit(done.returncode)
    return done.stdout


def bleu_of(arguments: argparse.Namespace, precision: str, seed: int) -> float:
    """Returns BLEU on the test set of a run with this seed, which is trained first unless that has been done."""
    run = arguments.folder / f"{precision}-{seed}"
    settings = {
        "seed": seed,
        "training.precision": precision,
        "training.max_epochs": "null",
        "training.max_steps": arguments.steps,
        "training.patience": "null",
    }
    given = [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    threads = ["--threads", arguments.threads] if arguments.threads else []
    nmt("train", arguments.config, "--output", run, "--quiet", *given, *threads)
    scores = json.loads(nmt("eval", run, "--precision", "fp32", "--format", "json", "--quiet", *threads))
    return float(scores["bleu"]["score"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("config", nargs="?", default="configs/multi30k_en_fr.yaml")
    parser.add_argument("--folder", type=Path, default=Path("runs/compare-precisions"))
    parser.add_argument("--steps", type=int, default=2610, help="updates; 2,610 are ten epochs of Multi30k")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    found: dict[str, list[float]] = {precision: [] for precision in PRECISIONS}
    for seed in range(1, arguments.seeds + 1):
        for precision, scores in found.items():
            scores.append(bleu_of(arguments, precision, seed))
            print(f"seed {seed}, {precision}: BLEU {scores[-1]:.2f}", flush=True)
    for precision, scores in found.items():
        spread = statistics.stdev(scores) if len(scores) > 1 else 0.0
        print(f"{precision}: mean BLEU {statistics.mean(scores):.2f}, standard deviation {spread:.2f}")


if __name__ == "__main__":
    main()
