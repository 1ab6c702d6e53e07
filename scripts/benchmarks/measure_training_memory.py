"""Measures the memory of `nmt train` stage by stage: what each takes at most, and what it leaves.

    .venv/bin/python scripts/benchmarks/measure_training_memory.py CONFIG [--set KEY=VALUE]…

It trains as CONFIG says, 150 updates with a validation after each 75 unless told otherwise, into a temporary folder,
and reads from the system what the process holds. Speed has no part in it, so other programs may run meanwhile.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

from machine import processor

STATUS, ROLLUP, CLEAR = (Path("/proc/self") / name for name in ("status", "smaps_rollup", "clear_refs"))
SETTINGS = (
    "training.max_steps=150",
    "training.max_minutes=null",
    "training.max_epochs=null",
    "training.validate_every=75",
)


def kibibytes(text: str, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) if found else 0


class Stages:
    """The stages of a training, each with its peak: the system forgets the one before when a stage ends."""

    def __init__(self) -> None:
        self.peak = 0
        print(f"{'stage':<40}{'peak':>9}{'at its end':>12}{'anonymous':>12}   MiB")

    def end(self, stage: str) -> None:
        """Prints what a stage took at most, and what is held at its end: all, and without pages of files."""
        peak, held = kibibytes(STATUS.read_text(), "VmHWM"), ROLLUP.read_text()
        self.peak = max(self.peak, peak)
        sizes = peak, kibibytes(held, "Rss"), kibibytes(held, "Anonymous")
        peak_text, now, anonymous = (f"{size / 1024:,.0f}" for size in sizes)
        print(f"{stage:<40}{peak_text:>9}{now:>12}{anonymous:>12}", flush=True)
        CLEAR.write_text("5")  # the peak begins anew

    def after(self, stage: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """Returns the same work, which ends a stage."""

        def measured(*given: Any, **named: Any) -> Any:
            result = work(*given, **named)
            self.end(stage)
            return result

        return measured


def measure(config_path: str, settings: list[str]) -> None:
    stages = Stages()
    stages.end("Python")
    import nmt.libraries

    nmt.libraries.set_libraries()
    import torch

    stages.end("import torch")
    from nmt.config import load_config
    from nmt.training import pipeline, trainer, validation

    stages.end("import nmt.training.pipeline")
    config = load_config(config_path, [*SETTINGS, *settings])
    steps = 0

    def step(work: Callable[..., Any]) -> Callable[..., Any]:
        def measured(*given: Any) -> None:
            nonlocal steps
            work(*given)
            steps += 1
            if steps in (1, 10) or steps % 75 == 0 or steps == 76:
                stages.end(f"updates to {steps}")

        return measured

    parts = (
        (pipeline, "train_tokenizers", "tokenizer"),
        (pipeline, "prepare_corpus", "corpus"),
        (pipeline, "_make_model", "model"),
        (trainer.Trainer, "__init__", "optimizer"),
        (validation.Validator, "_loss", "loss of validation"),
        (validation.Validator, "_translate", "translation of validation"),
        (validation, "evaluate", "scores of validation"),
        (trainer, "save_with_pointers", "checkpoint"),
    )
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        for where, name, stage in parts:
            stack.enter_context(patch.object(where, name, stages.after(stage, getattr(where, name))))
        stack.enter_context(patch.object(trainer.Trainer, "_step", step(trainer.Trainer._step)))
        pipeline.train(config, f"{folder}/run", device="cpu")
        stages.end("end")
    print(
        f"peak {stages.peak / 1024:,.0f} MiB; torch {torch.__version__}, {torch.get_num_threads()} threads", processor()
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("config", metavar="CONFIG")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    given = parser.parse_args()
    measure(given.config, given.set)
