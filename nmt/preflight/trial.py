"""A few updates of a training, made in a process of their own: how long they take, and how much memory.

That process has nothing to write and nothing to lose: whether memory runs out, the device is missing or the loss
becomes NaN, the one that started it tells of it.
"""

from __future__ import annotations

import threading
import time
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from nmt.config import from_yaml
from nmt.corpus.encoding import Failure, started
from nmt.errors import MemoryExhaustedError, NmtError, Problem
from nmt.preflight.memory import available_memory, most_memory
from nmt.tokenization.tokenizers import Tokenizers
from nmt.training.signals import StopRequest

# When it is over at the latest, whatever it has come to.
LONGEST_SECONDS = 120.0
_SECONDS_BETWEEN_LOOKS = 0.1
_COPIES = 4  # of the weights: themselves, their gradient, two moments


class Plan(NamedTuple):
    """What to try.

    Attributes:
        config: the configuration, as YAML.
        device: as `nmt train` takes it.
        threads: of the processor; None leaves it to torch.
        sizes: entries of the vocabularies; None if they are not known, and there is nothing to try but the device.
        tokenizers: SentencePiece models.
        timed: the folder of a store to make updates of; None for no updates.
        longest: that of one with the pairs that take most memory.
    """

    config: str
    device: str
    threads: int | None
    sizes: tuple[int, int] | None = None
    tokenizers: tuple[bytes, bytes | None] | None = None
    timed: Path | None = None
    longest: Path | None = None


class Model(NamedTuple):
    """What would be trained where."""

    device: str
    precision: str
    parameters: int
    weights: int  # bytes


class Outcome(NamedTuple):
    """What the updates took.

    Attributes:
        updates: how many were timed.
        seconds: they took.
        target_tokens: they had.
        memory: bytes the process had at most.
        device_memory: bytes of the device at most, and all it has; None on a processor.
    """

    updates: int
    seconds: float
    target_tokens: int
    memory: int
    device_memory: tuple[int, int] | None


class TrialTooLongError(Exception):
    """An update takes too long to wait for it."""


class Trial:
    """The process that tries. Inside the context it can be asked for what it found."""

    def __init__(self, plan: Plan, stop: StopRequest) -> None:
        self._plan = plan
        self._stop = stop
        self._started = started(_serve, 1, "training", "tries some updates")

    def __enter__(self) -> Trial:
        (self._worker,) = self._started.__enter__()
        self._worker.send(self._plan)
        self._ends = time.monotonic() + LONGEST_SECONDS
        return self

    def __exit__(self, *details: Any) -> None:
        self._started.__exit__(*details)

    def model(self) -> Model | None:
        """What would be trained; None where it is not known. Errors are those of `outcome`."""
        model: Model | None = self._next()
        return model

    def outcome(self) -> Outcome:
        """What the updates took; to be asked for after the model, if there are any.

        Raises:
            NmtError: what training would end with.
            TrialTooLongError: they took too long.
            StoppedError: a signal came.
        """
        outcome: Outcome = self._next()
        return outcome

    def _next(self) -> Any:
        while not self._worker.pipe.poll(_SECONDS_BETWEEN_LOOKS):
            self._stop.check()
            if time.monotonic() > self._ends:
                raise TrialTooLongError
        answer = self._worker.receive()
        if isinstance(answer, _Refused):
            raise answer.error.from_problems(answer.problems)
        return answer


class _Refused(NamedTuple):
    """An error that training would end with, as it can be sent."""

    error: type[NmtError]
    problems: tuple[Problem, ...]


def _serve(pipe: Connection) -> None:
    """The body of the process."""
    try:
        plan: Plan = pipe.recv()
        _answer(plan, pipe)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
    except NmtError as error:
        pipe.send(_Refused(type(error), error.problems))
    except Exception as error:  # whatever it is, the parent is the one to tell of it
        from nmt.device import is_out_of_memory

        if is_out_of_memory(error):
            pipe.send(_Refused(MemoryExhaustedError, (Problem("", "out of memory"),)))
        else:
            pipe.send(Failure(traceback.format_exc()))


def _answer(plan: Plan, pipe: Connection) -> None:
    import torch
    from tqdm import tqdm

    from nmt.build import build_model, outline_model
    from nmt.device import choose_device, choose_precision
    from nmt.preflight.stopwatch import Stopwatch
    from nmt.training.malloc import keep_freed_memory

    keep_freed_memory()
    # Its own lock is for several processes, and would be missed when this one is killed.
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
    pipe.send(Model(str(device), str(dtype).removeprefix("torch."), count, weights))
    if plan.timed is None or plan.longest is None or plan.tokenizers is None:
        return
    available = available_memory()
    if device.type == "cpu" and available is not None and _COPIES * weights > available:
        # Not to be tried: the system might end another program than this one.
        what = (
            f"{_COPIES * weights / 1e9:.1f} GB for weights, gradient and optimizer; {available / 1e9:.1f} are available"
        )
        raise MemoryExhaustedError("model", what)
    torch.manual_seed(config.seed)
    model = build_model(config.model, *plan.sizes).to(device)
    stopwatch = Stopwatch(config, model, Tokenizers.from_models(*plan.tokenizers), device, dtype)
    stopwatch.run(plan.longest, most=1)  # what warms up takes most memory at the same time
    updates, seconds, tokens = stopwatch.run(plan.timed)
    on_device = None
    if device.type == "cuda":
        on_device = (torch.cuda.max_memory_reserved(device), torch.cuda.get_device_properties(device).total_memory)
    pipe.send(Outcome(updates, seconds, tokens, most_memory(), on_device))
