"""Memory that the loops over time use again for each batch, in place of what the C library's malloc gives them.

What a loop saves for its backward pass is most of the memory of an update. Batches differ in shape, and between the
tensors malloc puts what oneDNN keeps, so that the holes of one batch seldom fit the next.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor

from nmt.model.kernels.matmul import rounded_up

_ALIGNMENT = 64  # bytes, those of a vector
_LEAST_PAGES = 1 << 20  # bytes that are worth pages of their own
# Not shared with a process that is forked; Windows knows no such memory.
_PRIVATE = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}


class Workspace:
    """A block of memory for the tensors of one batch after the other; as large as the largest batch so far needed."""

    def __init__(self) -> None:
        self._block: mmap.mmap | None = None
        self._size = 0  # of the block, in bytes
        self._needed = 0  # by this batch so far

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Lets `empty` take memory from here, inside. All that was taken before is given up: nobody may use it."""
        self._needed = 0
        before = _current.set(self)
        try:
            yield
        finally:
            _current.reset(before)
        if self._needed > self._size:
            self._block, self._size = None, rounded_up(self._needed)
            self._block = _own_pages(self._size)

    def take(self, count: int, dtype: torch.dtype) -> Tensor:
        """Returns `count` numbers: from the block or, in the first batch that needs so many, beside it."""
        start, size = self._needed, count * dtype.itemsize
        self._needed = -(-(start + size) // _ALIGNMENT) * _ALIGNMENT
        pages = self._block if self._needed <= self._size else None
        if pages is None and size >= _LEAST_PAGES:
            pages, start = _own_pages(size), 0
        if pages is None or not count:
            return torch.empty(count, dtype=dtype)
        # A tensor of its own, not a view of one: autograd counts changes for all views of a tensor together.
        return torch.frombuffer(pages, dtype=dtype, count=count, offset=start)


_current: ContextVar[Workspace | None] = ContextVar("workspace", default=None)


def empty(like: Tensor, *shape: int, dtype: torch.dtype | None = None) -> Tensor:
    """Allocates as `like.new_empty` does, from the workspace in use if there is one, for a processor."""
    workspace = _current.get()
    if workspace is None or like.device.type != "cpu":
        return like.new_empty(shape, dtype=dtype)
    return workspace.take(torch.Size(shape).numel(), dtype or like.dtype).view(shape)


def _own_pages(size: int) -> mmap.mmap | None:
    """Allocates memory apart from malloc's, of large pages if the system has them; None if there is not as much."""
    try:
        pages = mmap.mmap(-1, size, **_PRIVATE)
    except OSError:  # malloc says whether it has some left
        return None
    if hasattr(mmap, "MADV_HUGEPAGE"):
        pages.madvise(mmap.MADV_HUGEPAGE)
    return pages
