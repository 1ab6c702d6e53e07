"""Products in int8, for translation on a CPU: a quarter of the memory to read, and several times the speed.

Each column of a weight has a scale of its own, and so has each row that is multiplied by it, found anew every time
("dynamic quantisation per channel"). Whole numbers are added without rounding, so a row's product does not depend on
the rows beside it.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from nmt.model.kernels.onednn import FEW, filled_to, first, usual_count

LARGEST = 127  # of a number in int8, to either side
_OFFSET = 128  # makes a number of a row one in uint8, as the processor's instructions multiply uint8 by int8
_LEAST = 1e-30  # scale of a row of zeros


class Int8Weight(NamedTuple):
    """A weight (O, I) as whole numbers, packed by oneDNN, each row of it multiplied by 127 / its largest number."""

    packed: Tensor
    scales: Tensor  # (O,) float32; times a whole number, the number that it stands for
    zeros: Tensor  # (O,) int64, what stands for 0

    @classmethod
    def from_rounded(cls, whole: Tensor, scales: Tensor) -> Int8Weight:
        """Packs what `rounded` returns of a matrix."""
        packed = torch.ops.onednn.qlinear_prepack(whole, None)
        return cls(packed, scales, torch.zeros(len(scales), dtype=torch.int64))

    def takes(self, _rows: Tensor) -> bool:
        """Returns True: a `PackedWeight` for any number of rows."""
        return True

    def product(self, rows: Tensor, bias: Tensor | None = None) -> Tensor:
        """Multiplies rows, (N, I) -> (N, O) float32, and adds a bias (O,)."""
        count = len(rows)
        rows = rows if count <= FEW else filled_to(usual_count(count), rows)
        largest = rows.abs().amax(-1, keepdim=True).clamp_min_(_LEAST)  # several times as fast as `vector_norm`
        # Conversion cuts off what is behind the point.
        whole = (rows * (LARGEST / largest)).add_(_OFFSET + 0.5).to(torch.uint8)
        outputs: Tensor = torch.ops.onednn.qlinear_pointwise(
            whole,
            1.0 / LARGEST,
            _OFFSET,
            self.packed,
            self.scales,
            self.zeros,
            None,
            1.0,
            0,
            torch.float32,
            "none",
            [],
            "",
        )
        outputs = first(outputs.mul_(largest), count)
        return outputs if bias is None else outputs.add_(bias)


def rounded(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Rounds a matrix (O, I) of float32 to whole numbers, int8, and returns them with the scale of each row, (O,)."""
    scales = matrix.abs().amax(-1).clamp_min_(_LEAST) / LARGEST
    return (matrix / scales[:, None]).round_().to(torch.int8).contiguous(), scales


@cache
def int8_is_quick() -> bool:
    """Returns whether the processor multiplies numbers of 8 bits, by VNNI or AMX, and torch knows how to have it do so.

    Processors without these instructions add two products in 16 bits, which may overflow.
    """
    if not torch.backends.mkldnn.is_available() or not hasattr(torch.ops.onednn, "qlinear_pointwise"):
        return False
    try:
        capabilities = torch.cpu.get_capabilities()
    except (AttributeError, RuntimeError):  # of another version of torch, or of a processor that it does not know
        return False
    return any(capabilities.get(name) is True for name in ("avx512_vnni", "avx_vnni", "amx_int8"))
