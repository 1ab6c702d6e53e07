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


HasKind = TensorKind | torch.Tensor


def encode_tensors(tensors: Mapping[str, torch.Tensor]) -> bytes:
    """Encodes tensors as a safetensors file."""
    return save({name: tensor.detach().contiguous() for name, tensor in tensors.items()})


def non_finite(tensors: Mapping[str, torch.Tensor]) -> str | None:
    """Returns the name of a tensor that holds NaN or an infinity; None where all are finite."""
    return next((name for name, tensor in tensors.items() if not bool(tensor.isfinite().all())), None)


def read_tensors(directory: Path, name: str, manifest: Manifest) -> dict[str, torch.Tensor]:
    """Reads the tensors of a safetensors file of a checksummed directory, on the CPU.

    Raises ModelError if it is missing, damaged or not a safetensors file, or a tensor holds NaN or an infinity.
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
    if (broken := non_finite(tensors)) is not None:
        raise ModelError(str(path), f"{broken:.100} holds NaN or an infinity")
    return tensors


def tensor_kinds(path: Path, size: int) -> dict[str, TensorKind]:
    """Reads the shapes and types that the header of a safetensors file gives; raises as `read_entries` does."""
    return {name: TensorKind(entry.shape, _DTYPES[entry.type]) for name, entry in read_entries(path, size).items()}


def check_tensors(found: Mapping[str, HasKind], expected: Mapping[str, HasKind], where: Path) -> None:
    """Checks that the tensors of a file are those that the model wants: names, shapes and number types.

    Raises ModelError about the file `where` if they differ; the message names the first few tensors and both shapes.
    """
    problems = [f"{name} is missing" for name in expected.keys() - found.keys()]
    problems += [f"{name} is not part of this model" for name in found.keys() - expected.keys()]
    for name in expected.keys() & found.keys():
        here, wanted = _kind(found[name]), _kind(expected[name])
        if here != wanted:
            problems.append(f"{name} is {_text(here)}, expected {_text(wanted)}")
    if problems:
        shown = "; ".join(f"{problem:.200}" for problem in sorted(problems)[:3])
        more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise ModelError(str(where), f"does not fit the model of its configuration: {shown}{more}")


def _kind(tensor: HasKind) -> TensorKind:
    return TensorKind(tuple(tensor.shape), tensor.dtype)


def _text(kind: TensorKind) -> str:
    return f"{list(kind.shape)} {str(kind.dtype).removeprefix('torch.')}"
