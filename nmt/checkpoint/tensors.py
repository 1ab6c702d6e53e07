"""Tensors in safetensors files, which hold numbers only, read as from a stranger."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from nmt.checkpoint.manifest import Manifest, read_file
from nmt.checkpoint.tensor_file import check_header_length, read_entries
from nmt.errors import ModelError

_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "BF16": torch.bfloat16,
    "F16": torch.float16,
    "I64": torch.int64,
    "I32": torch.int32,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


class TensorKind(NamedTuple):
    """The shape and number type of a tensor, without its numbers."""

    shape: tuple[int, ...]
    dtype: torch.dtype


def encode_tensors(tensors: Mapping[str, torch.Tensor]) -> bytes:
    """A safetensors file of these."""
    return save({name: tensor.detach().contiguous() for name, tensor in tensors.items()})


def non_finite(tensors: Mapping[str, torch.Tensor]) -> str | None:
    """The name of a tensor that holds NaN or an infinity."""
    return next((name for name, tensor in tensors.items() if not bool(tensor.isfinite().all())), None)


def read_tensors(directory: Path, name: str, manifest: Manifest) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file of a sealed directory, on the CPU.

    Raises:
        ModelError: it is missing, damaged or no such file, or a tensor holds NaN or an infinity.
    """
    path = directory / name
    data = read_file(directory, name, manifest)
    check_header_length(path, data[:8])
    try:
        tensors = load(data)
    except (SafetensorError, RuntimeError, ValueError, TypeError, KeyError, OverflowError) as error:
        raise ModelError(str(path), f"not a safetensors file of this program: {error!s:.200}") from error
    for tensor_name, tensor in tensors.items():
        if tensor.dtype not in _DTYPES.values():
            raise ModelError(str(path), f"{tensor_name:.100} holds numbers of the type {tensor.dtype}")
    broken = non_finite(tensors)
    if broken is not None:
        raise ModelError(str(path), f"{broken:.100} holds NaN or an infinity")
    return tensors


def tensor_kinds(path: Path, size: int) -> dict[str, TensorKind]:
    """The shapes and types that the header of a safetensors file gives, which fit its size.

    Raises:
        ModelError: it is missing, of another size, or no such file.
    """
    return {name: TensorKind(entry.shape, _DTYPES[entry.type]) for name, entry in read_entries(path, size).items()}
