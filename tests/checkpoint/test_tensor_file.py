"""What a safetensors file holds, read without torch, is what it holds for torch."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from nmt.checkpoint.manifest import FileRecord
from nmt.checkpoint.tensor_file import NUMBER_BYTES, check_numbers, read_entries
from nmt.checkpoint.tensors import _DTYPES, TensorKind, encode_tensors, tensor_kinds
from nmt.errors import ModelError

NAME = "model.safetensors"
FLOATS = [kind for kind in _DTYPES.values() if kind.is_floating_point]


def write(folder: Path, tensors: dict[str, torch.Tensor]) -> FileRecord:
    data = encode_tensors(tensors)
    (folder / NAME).write_bytes(data)
    return FileRecord(len(data), "not looked at")


def test_the_types_are_those_of_torch() -> None:
    assert {name: kind.itemsize for name, kind in _DTYPES.items()} == dict(NUMBER_BYTES)


def test_every_tensor_is_found_with_its_type_its_shape_and_its_place(tmp_path: Path) -> None:
    tensors = {f"{kind}": torch.ones(2, 3).to(kind) for kind in _DTYPES.values()}
    tensors |= {"none": torch.ones(0, 4), "one": torch.tensor(7.0)}
    record = write(tmp_path, tensors)
    assert tensor_kinds(tmp_path / NAME, record.size) == {
        name: TensorKind(tuple(tensor.shape), tensor.dtype) for name, tensor in tensors.items()
    }
    data = (tmp_path / NAME).read_bytes()
    for name, entry in read_entries(tmp_path / NAME, record.size).items():
        stored = torch.frombuffer(bytearray(data[entry.start : entry.end] or b"\0" * 8), dtype=tensors[name].dtype)
        assert torch.equal(stored[: tensors[name].numel()], tensors[name].flatten())
    check_numbers(tmp_path, NAME, record)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("kind", FLOATS, ids=str)
def test_a_number_that_is_not_finite_is_found_wherever_it_stands(
    kind: torch.dtype, value: float, tmp_path: Path
) -> None:
    for place in (0, 600_000, 1_199_999):
        tensor = torch.full((1_200_000,), torch.finfo(kind).max, dtype=kind)
        tensor[place] = value
        record = write(tmp_path, {"fine": torch.ones(3), "broken": tensor})
        with pytest.raises(ModelError, match=r"model\.safetensors: broken holds NaN or an infinity$"):
            check_numbers(tmp_path, NAME, record)


def test_the_largest_and_smallest_numbers_are_finite(tmp_path: Path) -> None:
    numbers = {
        str(kind): torch.tensor([torch.finfo(kind).max, torch.finfo(kind).tiny, -0.0], dtype=kind) for kind in FLOATS
    }
    check_numbers(tmp_path, NAME, write(tmp_path, numbers | {"bytes": torch.full((9,), 255, dtype=torch.uint8)}))
