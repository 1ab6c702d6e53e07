"""Cleaning in several processes, in order."""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Generator, Iterator
from itertools import chain, islice
from multiprocessing.connection import Connection

from nmt.corpus.encoding import Failure, started
from nmt.preparation.cleaning import CleanedPairs, CleaningRules, RawPairs, clean


def clean_in_order(batches: Iterator[RawPairs], rules: CleaningRules, processes: int) -> Generator[CleanedPairs]:
    """Yields each batch cleaned, in order; each process has at most one batch at a time.

    The caller closes the iterator (see `contextlib.closing`); otherwise its processes live until it is collected.

    Raises:
        MemoryExhaustedError, ConfigError, NmtError: as for `nmt.corpus.encoding.encode_in_order`.
    """
    first = list(islice(batches, processes))
    if len(first) < 2:
        for batch in chain(first, batches):
            yield clean(batch, rules)
        return
    with started(_serve, len(first), "corpus", "cleans text") as workers:
        for worker, batch in zip(workers, first, strict=True):
            worker.send(rules)
            worker.send(batch)
        waiting = deque(workers)
        while waiting:
            worker = waiting.popleft()
            following = next(batches, None)  # read while the worker still works
            cleaned = worker.receive()
            if following is not None:
                worker.send(following)
                waiting.append(worker)
            yield cleaned


def _serve(pipe: Connection) -> None:
    """Cleans the batches that come through the pipe, after the rules, until it closes; the body of a worker."""
    try:
        rules = pipe.recv()
        while True:
            pipe.send(clean(pipe.recv(), rules))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
    except MemoryError:
        pipe.send(Failure(None))
    except Exception:  # of any type: the parent process raises it
        pipe.send(Failure(traceback.format_exc()))
