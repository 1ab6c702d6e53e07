"""A trial of a few updates, made in a process of its own, which measures their time and memory.

That process has nothing to write and nothing to lose: if memory runs out, the device is missing or the loss becomes
NaN, its parent reports it.
"""

from __future__ import annotations

import threading
import time
import traceback
from contextlib import ExitStack
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from nmt.config import from_yaml
from nmt.corpus.workers import Failure, started
from nmt.errors import MemoryExhaustedError, NmtError, Problem
from nmt.preflight.memory import available_memory, peak_memory
from nmt.tokenization.tokenizers import Tokenizers
from nmt.training.signals import StopRequest

# Time limit of a trial.
LONGEST_SECONDS = 120.0
_POLLING_SECONDS = 0.1
_COPIES = 4  # of the weights: themselves, their gradient, two moments


class TrialPlan(NamedTuple):
    """The plan of a trial. With unknown `sizes`, None, only the device can be tried."""

    config: str  # as YAML
    device: str  # as for `nmt train`
    threads: int | None  # None leaves it to torch
    sizes: tuple[int, int] | None = None  # entries of the vocabularies
    tokenizers: tuple[bytes, bytes | None] | None = None  # the SentencePiece models of `Tokenizers.models`
    timed: Path | None = None  # folder of the store for the timed updates; None for no updates
    longest: Path | None = None  # folder of a store with the pairs that take most memory


class TrialModel(NamedTuple):
    """The model that would be trained: its device, precision and size."""

    device: str
    precision: str
    parameters: int
    weights: int  # bytes


class TrialOutcome(NamedTuple):
    """The time and memory of the updates."""

    updates: int  # number of timed updates
    seconds: float  # their time
    target_tokens: int  # number of target tokens in them
    memory: int | None  # peak memory of the process, in bytes, where that is known
    device_memory: tuple[int, int] | None  # peak and total memory of the device, in bytes; None on a CPU


class TrialTooLongError(Exception):
    """The updates take longer than the time limit."""


class Trial:
    """The process of a trial, which runs inside the context and answers there."""

    def __init__(self, plan: TrialPlan, stop: StopRequest) -> None:
        self._plan = plan
        self._stop = stop
        self._resources = ExitStack()

    def __enter__(self) -> Trial:
        with ExitStack() as stack:  # ends the process if it cannot be sent the plan
            (self._worker,) = stack.enter_context(started(_serve, 1, "training", "tries some updates"))
            self._worker.send(self._plan)
            self._resources = stack.pop_all()
        self._ends = time.monotonic() + LONGEST_SECONDS
        return self

    def __exit__(self, *_: object) -> None:
        self._resources.close()

    def model(self) -> TrialModel | None:
        """Returns the model that would be trained; None if its size is unknown. Raises as `outcome` does."""
        model: TrialModel | None = self._next()
        return model

    def outcome(self) -> TrialOutcome:
        """Returns the outcome of the updates, if the plan has any; to be called after `model`.

        Raises:
            NmtError: the error that training would end with.
            TrialTooLongError: the time limit has passed.
            StoppedError: a signal came.
        """
        outcome: TrialOutcome = self._next()
        return outcome

    def _next(self) -> Any:
        while not self._worker.pipe.poll(_POLLING_SECONDS):
            self._stop.check()
            if time.monotonic() > self._ends:
                raise TrialTooLongError
        answer = self._worker.receive()
        if isinstance(answer, _TrainingError):
            raise answer.error.from_problems(answer.problems)
        return answer


class _TrainingError(NamedTuple):
    """The error that training would end with, in a form that can be sent."""

    error: type[NmtError]
    problems: tuple[Problem, ...]


def _serve(pipe: Connection) -> None:
    """Runs in the process: answers the plan that it receives."""
    try:
        plan: TrialPlan = pipe.recv()
        _answer(plan, pipe)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
    except NmtError as error:
        pipe.send(_TrainingError(type(error), error.problems))
    except Exception as error:  # of any kind: the parent reports it
        from nmt.device import is_out_of_memory

        if is_out_of_memory(error):
            pipe.send(_TrainingError(MemoryExhaustedError, (Problem("", "out of memory"),)))
        else:
            pipe.send(Failure(traceback.format_exc()))


def _answer(plan: TrialPlan, pipe: Connection) -> None:
    import torch
    from tqdm import tqdm

    from nmt.build import build_model, outline_model
    from nmt.device import choose_device, choose_precision
    from nmt.preflight.stopwatch import Stopwatch
    from nmt.training.malloc import keep_freed_memory

    keep_freed_memory()
    # The lock of tqdm is for several processes, and would be leaked if this one is killed.
    tqdm.set_lock(threading.RLock())
    config = from_yaml(plan.config, "configuration")
    if plan.threads is not None:
        torch.set_num_threads(plan.threads)
    device = choose_device(plan.device)
    dtype = choose_precision(config.training.precision, device, training=True)
    if plan.sizes is None:
        pipe.send(None)
        return
    parameters = list(outline_model(config.model, *plan.sizes).parameters())
    weights = sum(parameter.numel() * parameter.element_size() for parameter in parameters)
    count = sum(parameter.numel() for parameter in parameters)
    pipe.send(TrialModel(str(device), str(dtype).removeprefix("torch."), count, weights))
    if plan.timed is None or plan.longest is None or plan.tokenizers is None:
        return
    available = available_memory()
    if device.type == "cpu" and available is not None and _COPIES * weights > available:
        # Not tried, since the system might end another program in place of this one.
        what = (
            f"{_COPIES * weights / 1e9:.1f} GB for weights, gradient and optimizer; {available / 1e9:.1f} are available"
        )
        raise MemoryExhaustedError("model", what)
    torch.manual_seed(config.seed)
    model = build_model(config.model, *plan.sizes).to(device)
    stopwatch = Stopwatch(config, model, Tokenizers.from_models(*plan.tokenizers), device, dtype)
    stopwatch.run(plan.longest, most=1)  # warms up, and takes most memory
    updates, seconds, tokens = stopwatch.run(plan.timed)
    on_device = None
    if device.type == "cuda":
        on_device = (torch.cuda.max_memory_reserved(device), torch.cuda.get_device_properties(device).total_memory)
    pipe.send(TrialOutcome(updates, seconds, tokens, peak_memory(), on_device))
