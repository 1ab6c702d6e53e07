"""Devices to compute on, the precision of products, and errors that mean that memory ran out."""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TypeVar

import torch

from nmt.errors import ConfigError, DeviceError, MemoryExhaustedError
from nmt.model.kernels.int8 import int8_is_quick

_CUDA = re.compile(r"cuda(?::([0-9]+))?")

# Messages by which torch, the allocators of C++ and CUDA's libraries report, without a class for it, exhausted memory.
_OUT_OF_MEMORY = re.compile(
    "can't allocate memory|could not create a memory object|bad_alloc|CUDA error: out of memory|STATUS_ALLOC_FAILED"
    # oneDNN, without memory for its machine code; with "descriptor" it means that there is no such operation.
    "|ALLOCATION_FAILED|could not create a primitive(?! descriptor)"
)

logger = logging.getLogger(__name__)

_process = os.getpid()

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Float32ByDefault:
    """Makes float32 the default number type while at least one thread is inside; it is one for all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._before = torch.float32

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._before = torch.get_default_dtype()
                torch.set_default_dtype(torch.float32)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                torch.set_default_dtype(self._before)


_float32_by_default = _Float32ByDefault()


@contextmanager
def own_settings() -> Iterator[None]:
    """Runs what is inside as if nobody had changed torch's defaults, and leaves them afterwards as they were.

    The program that calls this one may have another default number type or device, or be within autocast.
    """
    with ExitStack() as stack:
        stack.enter_context(_float32_by_default)
        if torch.get_default_device().type != "cpu":  # the context slows every call of torch
            stack.enter_context(torch.device("cpu"))
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        yield


def choose_device(name: str, process: int | None = None) -> torch.device:
    """Returns the device of a name: auto (CUDA if there is one), cpu, cuda or cuda:N.

    If several processes of this machine compute together, `process` is the number of this one: auto and cuda are then
    the CUDA device of that number. Raises ConfigError if there is no such name, or it means one device for several
    processes, and DeviceError if there is no such device on this machine.
    """
    if process is not None and name.startswith("cuda:"):
        raise ConfigError("--device", f"is auto, cpu or cuda for several processes, not {name!r:.40}")
    use_one_thread_after_fork()
    device = _device(name, process or 0)
    logger.debug("device: %s, chosen by %s; threads of the processor: %d", device, name, torch.get_num_threads())
    return device


def use_one_thread_after_fork() -> None:
    """In a process that was made by fork, sets torch to compute with one thread, once.

    GNU's OpenMP would wait for ever for the threads of the parent, which fork does not copy.
    """
    global _process
    if _process != (_process := os.getpid()):
        torch.set_num_threads(1)


def _device(name: str, default: int) -> torch.device:
    if name == "cpu":
        return torch.device("cpu")
    match = _CUDA.fullmatch("cuda" if name == "auto" else name)
    if match is None:
        raise ConfigError("--device", f"is auto, cpu, cuda or cuda:N, not {name!r:.40}")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto" and count == 0:
        return torch.device("cpu")
    number = str(default) if match[1] is None else match[1].lstrip("0") or "0"
    # By the number of digits first: Python converts only so many.
    if len(number) > len(str(count)) or int(number) >= count:
        wanted = f"cuda:{number}" if default else name
        raise DeviceError("--device", f"{wanted:.40} is not there: CUDA devices found: {count}")
    return torch.device("cuda", int(number))


def computes_bfloat16_fast(device: torch.device) -> bool:
    """Returns True if products in bfloat16 run faster than in float32, by what the device reports of itself."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))


def choose_precision(name: str, device: torch.device, *, training: bool) -> torch.dtype:
    """Returns the number type of matrix products: auto, fp32, bf16 or, for translation, int8.

    `auto` is bfloat16 if the device computes that fast, but float32 for translation on a CPU, where a line's
    translation then does not depend on its neighbours.

    Raises ConfigError for another name, and DeviceError if the device has no instructions for int8.
    """
    names = ("auto", "fp32", "bf16") if training else ("auto", "fp32", "bf16", "int8")
    if name not in names:
        raise ConfigError("--precision", f"is {', '.join(names[:-1])} or {names[-1]}, not {name!r:.40}")
    if name == "int8" and (device.type != "cpu" or not int8_is_quick()):
        raise DeviceError("--precision int8", "needs a processor with VNNI or AMX, and --device cpu")
    automatic = (training or device.type == "cuda") and computes_bfloat16_fast(device)
    chosen = "bf16" if name == "auto" and automatic else name
    dtype = {"bf16": torch.bfloat16, "int8": torch.int8}.get(chosen, torch.float32)
    logger.debug("precision: %s, chosen by %s", str(dtype).removeprefix("torch."), name)
    return dtype


def products_in(dtype: torch.dtype, device: torch.device) -> AbstractContextManager[object]:
    """Returns a context in which matrix products run in a number type."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=dtype == torch.bfloat16)


@contextmanager
def float32_products_by_tf32() -> Iterator[None]:
    """Lets CUDA's matrix units, inside, multiply float32 numbers rounded to 10 bits of mantissa, and add in float32."""
    before = torch.backends.cuda.matmul.fp32_precision
    torch.backends.cuda.matmul.fp32_precision = "tf32"
    try:
        yield
    finally:
        torch.backends.cuda.matmul.fp32_precision = before


def is_out_of_memory(error: BaseException) -> bool:
    """Returns True if an error, from torch or Python, means that memory ran out."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and bool(_OUT_OF_MEMORY.search(str(error)))


@contextmanager
def exhausted_memory_as(error: Callable[[], MemoryExhaustedError]) -> Iterator[None]:
    """Raises the error that `error` makes in place of any error, inside, which means that memory ran out."""
    try:
        yield
    except (RuntimeError, MemoryError) as caught:
        if not is_out_of_memory(caught):
            raise
        raise error() from caught


def within_memory(
    items: Sequence[Item],
    work: Callable[[Sequence[Item]], list[Result]],
    exhausted: Callable[[Item], MemoryExhaustedError],
) -> list[Result]:
    """Returns the results of `work` on the items, one for each: on all at once or, if memory runs out, on halves.

    Raises the error that `exhausted` makes of an item for which alone memory does not suffice.
    """
    if len(items) == 1:
        with exhausted_memory_as(lambda: exhausted(items[0])):
            return work(items)
    try:
        return work(items)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    logger.debug("out of memory in a batch of %d, which is halved", len(items))
    half = len(items) // 2
    return within_memory(items[:half], work, exhausted) + within_memory(items[half:], work, exhausted)
