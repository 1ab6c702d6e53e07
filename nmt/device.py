"""Where computation runs, in which precision, and what running out of memory looks like there."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch

from nmt.errors import ConfigError, DeviceError


def choose_device(name: str) -> torch.device:
    """The device of that name: auto (CUDA where there is one), cpu, cuda or cuda:N.

    Raises:
        ConfigError: there is no such name.
        DeviceError: there is no such device on this machine.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    kind, colon, number = name.partition(":")
    if kind not in ("cpu", "cuda") or (colon and not (kind == "cuda" and number.isascii() and number.isdigit())):
        raise ConfigError("--device", f"is auto, cpu, cuda or cuda:N, not {name!r}")
    if kind == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if int(number or 0) >= count:
            raise DeviceError("--device", f"{name} is not there: CUDA devices found: {count}")
    return torch.device(name)


def computes_bfloat16_fast(device: torch.device) -> bool:
    """Whether products in bfloat16 run faster than in float32 on this device, as it says of itself."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))


def choose_precision(name: str, device: torch.device, *, training: bool) -> torch.dtype:
    """The type that matrix products run in.

    `auto` is bfloat16 where the device does that fast, but float32 for translation on a CPU, where a line's translation
    then does not depend on its neighbours.
    """
    if name == "fp32":
        return torch.float32
    if name == "bf16":
        return torch.bfloat16
    if name != "auto":
        raise ConfigError("--precision", f"is auto, fp32 or bf16, not {name!r}")
    wanted = computes_bfloat16_fast(device) and (training or device.type == "cuda")
    return torch.bfloat16 if wanted else torch.float32


def products_in(dtype: torch.dtype, device: torch.device) -> AbstractContextManager[object]:
    """A context in which matrix products run in that type."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=dtype == torch.bfloat16)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether this error, from torch or Python, means that memory ran out."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(
        phrase in str(error) for phrase in ("can't allocate memory", "could not create a memory object", "bad_alloc")
    )
