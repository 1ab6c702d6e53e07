"""Worker processes: requests go to several of them, and the answers come back in order."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain, islice
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any, NamedTuple, TypeVar

from nmt.errors import MemoryExhaustedError, NmtError

Item = TypeVar("Item")

ENDING_SECONDS = 5.0

_SAFE_PATH = "PYTHONSAFEPATH"


def available_processors() -> int:
    """Counts the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Service(NamedTuple):
    """The work of processes that answer requests."""

    begin: Callable[[Any], Callable[[Any], Any]]  # of a module: what was sent first -> (request -> answer)
    opening: Any  # sent to each process before its requests
    work: str  # as a verb phrase for errors: "encodes text"


def answers_in_order(
    items: Iterator[Item],
    request: Callable[[Item], Any],
    answer_here: Callable[[Any], Any],
    service: Service,
    processes: int,
) -> Generator[tuple[Item, Any]]:
    """Yields each item with the answer to its request, in order; each process has at most one request at a time.

    Fewer than two items, or processes, are answered here. The caller closes the iterator (see `contextlib.closing`);
    otherwise its processes live until it is collected.

    Raises:
        MemoryExhaustedError: a process ran out of memory, or was killed, as the system does when memory runs out.
        NmtError: a process ended in another way.
    """
    first = list(islice(items, processes))
    if len(first) < 2:
        for item in chain(first, items):
            yield item, answer_here(request(item))
        return
    with started(partial(_serve, service.begin), len(first), "corpus", service.work) as workers:
        for worker in workers:
            worker.send(service.opening)
        waiting = deque(zip(workers, first, strict=True))
        for worker, item in waiting:
            worker.send(request(item))
        while waiting:
            worker, item = waiting.popleft()
            following = next(items, None)  # read while the worker still works
            answer = worker.receive()
            if following is not None:
                worker.send(request(following))
                waiting.append((worker, following))
            yield item, answer


class Worker(NamedTuple):
    """A process at the other end of a pipe, which answers requests.

    Errors of its methods are those of `answers_in_order`.
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
        if hasattr(signal, "SIGKILL") and code == -signal.SIGKILL:
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
        with _own_modules_only(), _without_main_module(), _signals_blocked():
            for _ in range(count):
                ours, theirs = context.Pipe()
                process = context.Process(target=target, args=(theirs,), daemon=True)
                _start(process, work)
                theirs.close()
                workers.append(Worker(process, ours, subject, work))
        yield workers
    finally:
        for worker in workers:
            worker.pipe.close()
            worker.process.kill()
        for worker in workers:
            worker.process.join()
            worker.process.close()


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Blocks SIGINT and SIGTERM, in processes that are started inside for good; on Windows no signal can be blocked."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # The tracker starts before the signals are blocked, since its start would lift the block.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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


def _serve(begin: Callable[[Any], Callable[[Any], Any]], pipe: Connection) -> None:
    """Answers the requests that come through the pipe, after the opening, until it closes; the body of a worker."""
    try:
        answer = begin(pipe.recv())
        while True:
            pipe.send(answer(pipe.recv()))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
    except MemoryError:
        pipe.send(Failure(None))
    except Exception:  # of any type: the parent process raises it
        pipe.send(Failure(traceback.format_exc()))
