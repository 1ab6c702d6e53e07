"""A process that saves checkpoints as a training does, and does nothing else until it is killed.

Started as a program, it loads torch once. For each line of its standard input, the number of a save and a run
directory, it forks a process that saves on and on from that one, telling of it on standard output, and waits until that
was killed.
"""

from __future__ import annotations

import os
import sys
from itertools import count
from pathlib import Path

import torch

from nmt.checkpoint.checkpoint import Checkpoint, CheckpointContents, save_with_pointers

KEPT = 0  # besides best and last


def step_of_save(number: int) -> int:
    """Each step is saved twice, as by a training that is stopped where it has just saved: the second time replaces."""
    return number // 2


def save(run: Path, number: int) -> None:
    """Makes the save of that number, counted from 2."""
    step = step_of_save(number)
    tensors = {name: torch.full((50, 100), float(step)) for name in "abc"}
    contents = CheckpointContents(
        weights=tensors,
        optimizer={f"moment.{name}": tensor + 0.5 for name, tensor in tensors.items()},
        state={"save": number, "process": os.getpid()},  # as times do, it differs from one to the next
        config="name: saving\n",
        tokenizers={"shared.model": b"pieces" * 10_000},
        summary={"step": step},
    )
    save_with_pointers(run, step, contents, is_best=step % 3 == 0, keep=KEPT)


def number_of(loaded: Checkpoint) -> int:
    """Which save that is; an AssertionError where it is a mixture of several."""
    number = loaded.state_values["save"]
    assert isinstance(number, int)
    values = {float(value) for tensor in loaded.weights.values() for value in tensor.unique()}
    moments = {float(value) for tensor in loaded.optimizer.values() for value in tensor.unique()}
    assert (values, moments) == ({step_of_save(number)}, {step_of_save(number) + 0.5})
    assert loaded.summary == {"step": step_of_save(number)}
    return number


def _serve() -> None:
    for line in sys.stdin:
        number, run = line.rstrip("\n").split(" ", 1)
        child = os.fork()
        if child == 0:
            _save_until_killed(Path(run), int(number))
        os.waitpid(child, 0)
        _tell("killed")


def _save_until_killed(run: Path, first: int) -> None:
    _tell(f"{os.getpid()}")
    for number in count(first):
        _tell(f"saving {number}")
        save(run, number)
        _tell(f"saved {number}")


def _tell(text: str) -> None:
    os.write(1, f"{text}\n".encode())


if __name__ == "__main__":
    _serve()
