"""Encoding text as token ids, in this process or in several."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nmt.corpus.report import Reason
from nmt.errors import MemoryExhaustedError, NmtError
from nmt.tokenization.tokenizer import Tokenizer
from nmt.tokenization.tokenizers import Tokenizers

ENDING_SECONDS = 5.0

_SAFE_PATH = "PYTHONSAFEPATH"


class Encoded(NamedTuple):
    """Sentences as ids, one after the other."""

    ids: NDArray[Any]  # (tokens,), of the type that `id_type` returns
    lengths: NDArray[np.int64]  # (sentences,), number of tokens of each


class EncodedPairs(NamedTuple):
    """Encoded pairs: the sentences of both sides."""

    source: Encoded
    target: Encoded


def available_processors() -> int:
    """Counts the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def id_type(vocabulary_size: int) -> np.dtype[Any]:
    """Returns the smallest type that ids are stored as, with the same bytes on every machine."""
    return np.dtype("<u2") if vocabulary_size <= 1 << 16 else np.dtype("<i4")


def encode_pairs(tokenizers: Tokenizers, sources: list[str], targets: list[str]) -> EncodedPairs:
    """Encodes pairs of lines, without begin and end marks."""
    return EncodedPairs(_encode(tokenizers.source, sources), _encode(tokenizers.target, targets))


def _encode(tokenizer: Tokenizer, texts: list[str]) -> Encoded:
    sentences = tokenizer.encode(texts)
    lengths = np.fromiter(map(len, sentences), np.int64, len(sentences))
    return Encoded(np.fromiter(chain.from_iterable(sentences), id_type(tokenizer.size), int(lengths.sum())), lengths)


@dataclass
class Chunk:
    """Neighbouring pairs, to be encoded together, without those that are left out for their text alone."""

    read: int = 0  # number of pairs, including those left out
    left_out: list[tuple[Reason, int, int]] = field(default_factory=list)  # reason, file and line of each
    places: list[tuple[int, int]] = field(default_factory=list)  # file and line of each pair kept
    sources: list[str] = field(default_factory=list)  # of these
    targets: list[str] = field(default_factory=list)


def encode_in_order(
    chunks: Iterator[Chunk], tokenizers: Tokenizers, processes: int
) -> Generator[tuple[Chunk, EncodedPairs]]:
    """Yields each chunk with its ids, in order; each process has at most one chunk at a time.

    The caller closes the iterator (see `contextlib.closing`); otherwise its processes live until it is collected.

    Raises:
        MemoryExhaustedError: a process ran out of memory, or was killed, as the system does when memory runs out.
        NmtError: a process ended in another way.
    """
    first = list(islice(chunks, processes))
    if len(first) < 2:
        for texts in chain(first, chunks):
            yield texts, encode_pairs(tokenizers, texts.sources, texts.targets)
        return
    with started(_serve, len(first), "corpus", "encodes text") as workers:
        for worker in workers:
            worker.send(tokenizers.models)
        waiting = list(zip(workers, first, strict=True))
        for worker, texts in waiting:
            worker.send((texts.sources, texts.targets))
        while waiting:
            worker, texts = waiting.pop(0)
            following = next(chunks, None)  # read while the worker still works
            encoded = worker.receive()
            if following is not None:
                worker.send((following.sources, following.targets))
                waiting.append((worker, following))
            yield texts, encoded


class Worker(NamedTuple):
    """A process at the other end of a pipe, which answers requests.

    Errors of its methods are those of `encode_in_order`.
    """

    process: BaseProcess
    pipe: Connection
    subject: str  # of the work, which errors name: "corpus"
    work: str  # of the process, as a verb phrase for errors: "encodes text"

    def send(self, request: Any) -> None:
        """Sends a request."""
        try:
            self.pipe.send(request)
        except OSError:
            raise self._ended() from None

    def receive(self) -> Any:
        """Waits for the next answer, and returns it."""
        try:
            reply = self.pipe.recv()
        except (EOFError, OSError):
            raise self._ended() from None
        if isinstance(reply, Failure):
            if reply.traceback is None:
                raise MemoryExhaustedError(self.subject, f"a process that {self.work} ran out of memory")
            raise RuntimeError(f"a process that {self.work} failed:\n{reply.traceback}")
        return reply

    def _ended(self) -> NmtError:
        self.process.join(ENDING_SECONDS)
        code = self.process.exitcode
        what = f"a process that {self.work} ended by itself (exit code {code})"
        if code == -signal.SIGKILL:
            return MemoryExhaustedError(self.subject, f"{what}; memory may have run out")
        return NmtError(self.subject, what)


class Failure(NamedTuple):
    """The answer of a worker in which an exception was raised, or that ran out of memory, without a traceback."""

    traceback: str | None


@contextmanager
def started(target: Callable[[Connection], None], count: int, subject: str, work: str) -> Iterator[list[Worker]]:
    """Starts `count` workers, each of which runs `target`, and ends them with the context; the rest as for `Worker`.

    They are spawned, not forked: threads of this process, such as those of a tensor library, do not survive a fork.
    Their only argument is a pipe. Starting a process keeps open both ends of the pipe that carries its arguments: if it
    died before it read arguments larger than that pipe's buffer, this process would wait for ever.

    SIGINT and SIGTERM, which a terminal or a scheduler sends to all processes at once, are blocked in them: this
    process decides when they end. If it is killed, its ends of their pipes close, and they end, too.
    """
    context = multiprocessing.get_context("spawn")
    workers: list[Worker] = []
    try:
        with _own_modules_only(), _without_main_module():
            # The tracker starts before the signals are blocked, since its start would lift the block.
            resource_tracker.ensure_running()
            before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
            try:
                for _ in range(count):
                    ours, theirs = context.Pipe()
                    process = context.Process(target=target, args=(theirs,), daemon=True)
                    _start(process, work)
                    theirs.close()
                    workers.append(Worker(process, ours, subject, work))
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
        yield workers
    finally:
        for worker in workers:
            worker.pipe.close()
            worker.process.kill()
        for worker in workers:
            worker.process.join()
            worker.process.close()


@contextmanager
def _own_modules_only() -> Iterator[None]:
    """Keeps Python processes that are started inside from importing modules of the current folder.

    Before they receive this process's search path they would, and a stranger's `pickle.py` beside a corpus would run.
    """
    before = os.environ.get(_SAFE_PATH)
    os.environ[_SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_SAFE_PATH]
        else:
            os.environ[_SAFE_PATH] = before


@contextmanager
def _without_main_module() -> Iterator[None]:
    """Keeps Python processes that are started inside from importing the script that runs here.

    They need nothing of it. It may do its work while it is imported, and one from standard input has no file.
    """
    script, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


def _start(process: BaseProcess, work: str) -> None:
    try:
        process.start()
    except OSError as error:
        what = f"no process can be started that {work}: {error.strerror or error}"
        raise MemoryExhaustedError("corpus", what) from error


def _serve(pipe: Connection) -> None:
    """Encodes the lines that come through the pipe, after the models, until it closes; the body of a worker."""
    try:
        tokenizers = Tokenizers.from_models(*pipe.recv())
        while True:
            sources, targets = pipe.recv()
            pipe.send(encode_pairs(tokenizers, sources, targets))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
    except MemoryError:
        pipe.send(Failure(None))
    except Exception:  # of any type: the parent process raises it
        pipe.send(Failure(traceback.format_exc()))
