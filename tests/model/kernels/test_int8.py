"""Products in int8 are those of float32, as far as 255 steps can tell."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from nmt.config import Config
from nmt.device import choose_precision
from nmt.errors import ConfigError, DeviceError
from nmt.model.kernels import int8
from nmt.model.kernels.int8 import LARGEST, Int8Weight, int8_is_quick, rounded
from nmt.model.kernels.interface import PackedWeight
from nmt.model.kernels.matmul import linear, product
from nmt.model.kernels.native.library import available_library
from nmt.model.kernels.native.weights import NativeInt8Weight
from nmt.model.kernels.onednn import FEW
from nmt.model.kernels.packing import is_packed, pack_in_int8
from nmt.translation.translator import Translator
from random_models import make_lines, make_model, make_tokenizer, small_config

needs_int8 = pytest.mark.skipif(not int8_is_quick(), reason="the processor has neither VNNI nor AMX")


def rounding(rows: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    """The largest difference that rounding can make: (N, O)."""
    row_step, step = rows.abs().amax(-1, keepdim=True) / LARGEST, matrix.abs().amax(-1) / LARGEST
    of_rows = 0.5 * row_step * matrix.abs().sum(-1)
    of_matrix = 0.5 * step * rows.abs().sum(-1, keepdim=True)
    return of_rows + of_matrix + 0.25 * row_step * step * rows.shape[-1] + 1e-5


@needs_int8
@pytest.mark.parametrize(
    ("rows", "size", "width"), [(1, 1, 1), (5, 16, 7), (1, 300, 33), (FEW + 1, 64, 100), (320, 7, 3)]
)
@pytest.mark.parametrize("transposed", [False, True])
def test_a_product_is_that_of_float32_but_for_rounding(rows: int, size: int, width: int, transposed: bool) -> None:
    generator = torch.Generator().manual_seed(rows)
    # Rows and columns of very different sizes, each with a scale of its own.
    inputs = torch.randn(rows, size, generator=generator) * 10 ** torch.randint(-6, 6, (rows, 1), generator=generator)
    matrix = torch.randn(width, size, generator=generator) * 10 ** torch.randint(-3, 3, (width, 1), generator=generator)
    bias = torch.randn(width, generator=generator)
    weight = matrix.t().contiguous() if transposed else matrix
    pack_in_int8(weight, transposed=transposed)
    exact = inputs @ matrix.t()
    for found, expected in (
        (linear(inputs[None], weight, bias, transposed=transposed)[0], exact + bias),
        (product(inputs[None], weight, transposed=transposed)[0], exact),
    ):
        assert ((found - expected).abs() <= rounding(inputs, matrix) + 1e-5 * expected.abs()).all()


@pytest.fixture(params=["native", "oneDNN"])
def packed(request: pytest.FixtureRequest) -> Callable[[torch.Tensor], PackedWeight]:
    """Who packs a matrix."""
    library = available_library()
    if request.param == "oneDNN":
        return lambda matrix: Int8Weight.from_rounded(*rounded(matrix))
    if library is None or not NativeInt8Weight.fits(library, torch.zeros(1, 4, dtype=torch.int8)):
        pytest.skip("no C++ compiler, or a processor without AVX-512's VNNI")
    return lambda matrix: NativeInt8Weight(library, *rounded(matrix))


@needs_int8
def test_a_rows_product_is_the_same_bits_beside_any_others(packed: Callable[[torch.Tensor], PackedWeight]) -> None:
    rows, weight = torch.randn(200, 96), packed(torch.randn(50, 96))
    together = weight.product(rows)
    for count in (1, 3, 64):
        assert torch.equal(torch.cat([weight.product(part) for part in rows.split(count)]), together)


@needs_int8
def test_zeros_are_zeros_and_what_is_not_finite_stays_so(packed: Callable[[torch.Tensor], PackedWeight]) -> None:
    matrix = torch.randn(9, 32)
    matrix[3] = 0
    rows = torch.randn(4, 32)
    rows[0] = 0
    rows[1, 5] = torch.nan
    rows[2, 5] = torch.inf
    found = packed(matrix).product(rows)
    assert not found[0].any() and not found[3, 3]
    assert not found[1].isfinite().any() and not found[2].isfinite().any() and found[3].isfinite().all()


@needs_int8
@pytest.mark.parametrize("attention", ["additive", "general", "none"])
def test_a_step_has_the_logits_of_float32(attention: str) -> None:
    config: Config = small_config(64, 64, languages=("en", "en"), search={}, attention=attention)
    tokenizer = make_tokenizer(make_lines(200))
    exact, rounded = (make_model(config, tokenizer, tokenizer, factor=1, output_factor=2) for _ in range(2))
    rounded.hold_matrices_in(torch.int8)
    source, tokens = torch.randint(4, 50, (3, 7)), torch.randint(4, 50, (3, 1))
    with torch.inference_mode():
        memory = exact.encode(source, torch.tensor([7, 5, 2]))
        expected, found = (model.step(tokens, model.start(memory))[0] for model in (exact, rounded))
    assert 0 < (found - expected).abs().max() < 0.1 * expected.std()


@needs_int8
def test_a_translator_in_int8_translates_and_is_pickled_so(learned: Path) -> None:
    translator = Translator.load(learned, precision="int8")
    lines = ["ba ce", "di fo gu"]
    again = pickle.loads(pickle.dumps(translator))  # noqa: S301 (made here)
    assert [str(one) for one in again.translate(lines)] == [str(one) for one in translator.translate(lines)]
    assert is_packed(again.model.output_weight)


def test_int8_is_of_translation_on_processors_that_multiply_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="is auto, fp32 or bf16, not 'int8'"):
        choose_precision("int8", torch.device("cpu"), training=True)
    with pytest.raises(DeviceError, match="needs a processor with VNNI or AMX, and --device cpu"):
        choose_precision("int8", torch.device("cuda"), training=False)
    monkeypatch.setattr("nmt.device.int8_is_quick", lambda: False)
    with pytest.raises(DeviceError, match="needs a processor with VNNI"):
        choose_precision("int8", torch.device("cpu"), training=False)
    monkeypatch.setattr("nmt.device.int8_is_quick", lambda: True)
    assert choose_precision("int8", torch.device("cpu"), training=False) == torch.int8


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [({"avx512_vnni": True}, True), ({"avx_vnni": True}, True), ({"amx_int8": True}, True), ({"avx2": True}, False)],
)
def test_instructions_tell_whether_int8_is_quick(
    capabilities: dict[str, bool], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert int8.int8_is_quick.__wrapped__() is expected
