"""The kernels in C++ compute what torch's own operations do, and where they cannot be compiled, nothing needs them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from nmt.model.kernels import dispatch
from nmt.model.kernels.dispatch import TORCH, native_kernels, search_kernels
from nmt.model.kernels.interface import Kernels
from nmt.model.kernels.native import library
from nmt.model.kernels.native.library import SWITCH, UnavailableError, load_library

SIZES = [1, 15, 16, 37, 64]  # vectors have 16 numbers
TYPES = [torch.float32, torch.bfloat16]
NAN, INFINITY = float("nan"), float("inf")


@pytest.fixture
def kernels(dtype: torch.dtype) -> Kernels:
    found = native_kernels(dtype)
    if found is None:
        pytest.skip("no C++ compiler, or torch has another OpenMP than GNU's")
    return found


@pytest.fixture
def one_thread() -> Iterator[Callable[[int], None]]:
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def drawn(*shape: int, seed: int, dtype: torch.dtype = torch.float32, scale: float = 1.5) -> Tensor:
    return (torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * scale).to(dtype)


def assert_close(found: Tensor, expected: Tensor, largest: float = 1.0) -> None:
    """Compares to what the type of the found has of digits, for numbers of about a size."""
    assert found.dtype == expected.dtype
    error = 2e-6 if found.dtype == torch.float32 else 1 / 128
    torch.testing.assert_close(found, expected, rtol=error, atol=error * largest, equal_nan=True)


def states_of_a_step(given: Kernels, recurrent: Tensor, added: Tensor, before: Tensor) -> list[Tensor]:
    """Gates, cell, its tanh and the hidden state, which stands in a wider row."""
    size = before.shape[-1]
    gates, cell, tanh = torch.empty(recurrent.shape), torch.empty_like(before), torch.empty_like(before)
    hidden = recurrent.new_empty(*before.shape[:-1], size + 5)[..., 3 : 3 + size]
    given.lstm_step(recurrent, added, gates, before, cell, tanh, hidden)
    return [gates, cell, tanh, hidden]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("leading", [(3,), (2, 3)])
def test_a_transition_and_its_gradient_are_those_of_torch(
    kernels: Kernels, dtype: torch.dtype, size: int, leading: tuple[int, ...]
) -> None:
    recurrent = drawn(*leading, 4 * size, seed=1, dtype=dtype)
    added = drawn(4 * size, seed=2, dtype=dtype).expand_as(recurrent)  # a bias, which stands once
    before = drawn(*leading, size, seed=3)
    given = recurrent, added, before
    states = states_of_a_step(TORCH, *given)
    for found, expected in zip(states_of_a_step(kernels, *given), states, strict=True):
        assert_close(found, expected)
    gates, cell, tanh, _ = states
    gradients = []
    for each in (kernels, TORCH):
        carried, output = (drawn(*leading, size, seed=seed, dtype=dtype) for seed in (4, 5))
        of_cell, of_gates = drawn(*leading, size, seed=6), torch.empty_like(recurrent)
        each.lstm_step_backward(carried, output, of_cell, gates, before, tanh, of_gates)
        gradients.append((of_cell, of_gates))
    for found, expected in zip(*gradients, strict=True):
        assert_close(found, expected, largest=4.0)
    assert not torch.equal(cell, before)


def attended(given: Kernels, dtype: torch.dtype, attention: int, context: int, *, learn: bool) -> list[Tensor]:
    """All that attention over two steps and its gradient fill, for sentences of 1 to 4 of 4 source tokens."""
    time, batch, source = 2, 5, 4
    wide = dtype if given.widens else torch.float32
    keys = drawn(batch, source, attention, seed=1, dtype=dtype).to(wide)
    annotations = drawn(batch, source, context, seed=2, dtype=dtype).to(wide)
    padding = torch.arange(source) >= torch.tensor([[4], [1], [2], [3], [4]])
    keys.masked_fill_(padding[:, :, None], NAN)  # nobody reads them
    energy = drawn(attention, seed=3)
    weights, tanhs = torch.empty(time, batch, source), torch.empty(time, batch, source, attention, dtype=dtype)
    contexts = torch.empty(time, batch, context + 2, dtype=dtype)[..., :context]
    if given is TORCH:
        keys.nan_to_num_()
    forward = given.additive_forward(keys, annotations, padding, energy, weights, tanhs)
    for t in range(time):
        forward.forward(t, drawn(batch, attention, seed=10 + t, dtype=dtype), contexts[t])
    backward = given.additive_backward(annotations, energy, weights, tanhs)
    queries = torch.empty(time, batch, attention, dtype=dtype)
    for t in reversed(range(time)):
        of_weights = drawn(batch, source, seed=30 + t) if learn else None
        backward.backward(t, drawn(batch, context, seed=20 + t), queries[t], of_weights)
    of_keys, of_energy = backward.gradients()
    assert of_energy is not None
    of_keys = of_keys.to(dtype).masked_fill(padding[:, :, None], 0)
    return [weights, contexts, queries, of_keys, of_energy]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("learn", [False, True])
def test_attention_and_its_gradient_are_those_of_torch(
    kernels: Kernels, dtype: torch.dtype, size: int, learn: bool
) -> None:
    found, expected = (attended(each, dtype, size, size + 2, learn=learn) for each in (kernels, TORCH))
    for ours, theirs in zip(found, expected, strict=True):
        # In bfloat16 the values of tanh are rounded for the gradient, by torch as tanh / 2.
        scale = float(theirs.abs().max()) * (1 if dtype == torch.float32 else 4)
        torch.testing.assert_close(
            ours.float(), theirs.float(), rtol=0, atol=scale * (4e-6 if dtype == torch.float32 else 1 / 128)
        )
    assert found[0].sum(-1).sub(1).abs().max() < 1e-6
    assert (found[0][:, 1, 1:] == 0).all()


@pytest.mark.parametrize("dtype", TYPES)
def test_attention_without_a_gradient_keeps_nothing_for_it(kernels: Kernels, dtype: torch.dtype) -> None:
    keys, annotations = drawn(2, 3, 20, seed=1, dtype=dtype), drawn(2, 3, 8, seed=2, dtype=dtype)
    weights, context = torch.empty(1, 2, 3), torch.empty(2, 8, dtype=dtype)
    nothing = torch.empty(0, 2, 3, 20, dtype=dtype)
    forward = kernels.additive_forward(keys, annotations, torch.zeros(2, 3).bool(), drawn(20, seed=3), weights, nothing)
    forward.forward(0, drawn(2, 20, seed=4, dtype=dtype), context)
    assert weights.sum(-1).sub(1).abs().max() < 1e-6


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("vocabulary", [1, 16, 1000, 1003])
@pytest.mark.parametrize("shift", [0.0, 3e4, -3e4])
def test_exponentials_are_those_of_torch(kernels: Kernels, dtype: torch.dtype, vocabulary: int, shift: float) -> None:
    logits = (drawn(7, vocabulary, seed=1, scale=4.0) + shift).to(dtype)
    targets = torch.arange(7) % vocabulary
    values = logits.clone()
    assert kernels.exponentials is not None
    sums, largest, of_targets = kernels.exponentials(values, targets)
    assert torch.equal(largest, logits.amax(1).float())
    assert torch.equal(of_targets, logits.gather(1, targets[:, None])[:, 0].float())
    assert_close(values, (logits.float() - largest[:, None]).exp().to(dtype))
    assert_close(sums, values.float().sum(1), largest=10.0)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("rows", [1, 5, 300])
@pytest.mark.parametrize("size", [1, 16, 130, 200])
def test_sums_of_rows_are_those_of_torch(kernels: Kernels, dtype: torch.dtype, rows: int, size: int) -> None:
    values = drawn(rows, size, seed=1, dtype=dtype)
    assert_close(kernels.sum_rows(values), TORCH.sum_rows(values), largest=30.0)
    assert_close(kernels.sum_rows(values.t()), TORCH.sum_rows(values.t()), largest=30.0)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("value", [NAN, -NAN, INFINITY, -INFINITY, 3e38, -3e38, 1e-40])
def test_numbers_at_the_ends_of_their_range_are_what_torch_makes_of_them(
    kernels: Kernels, dtype: torch.dtype, value: float
) -> None:
    recurrent = torch.full((2, 4 * 20), value, dtype=dtype)
    given = recurrent, torch.zeros_like(recurrent), drawn(2, 20, seed=1)
    for found, expected in zip(states_of_a_step(kernels, *given), states_of_a_step(TORCH, *given), strict=True):
        assert_close(found, expected)


@pytest.mark.parametrize("dtype", TYPES)
def test_a_nan_with_any_bits_stays_one(kernels: Kernels, dtype: torch.dtype) -> None:
    bits = torch.tensor([0x7F800001, 0x7FC00001, 0x7FFFFFFF, -1, -0x7FFFFF], dtype=torch.int32)
    logits = bits.view(torch.float32).to(dtype).repeat(4)[None]
    assert logits.isnan().all()
    assert kernels.exponentials is not None
    sums, *_ = kernels.exponentials(logits, torch.zeros(1, dtype=torch.int64))
    assert logits.isnan().all()
    assert sums.isnan().all()


@pytest.mark.parametrize("dtype", TYPES)
def test_threads_change_no_bit(kernels: Kernels, dtype: torch.dtype, one_thread: Callable[[int], None]) -> None:
    """Each is large enough for several threads."""

    def everything() -> list[Tensor]:
        recurrent, before = drawn(64, 4 * 300, seed=1, dtype=dtype), drawn(64, 300, seed=2)
        states = states_of_a_step(kernels, recurrent, recurrent, before)
        assert kernels.exponentials is not None
        logits = drawn(40, 900, seed=3, dtype=dtype)
        counted = kernels.exponentials(logits, torch.zeros(40, dtype=torch.int64))
        return [*states, logits, *counted, kernels.sum_rows(recurrent), *attended(kernels, dtype, 4000, 16, learn=True)]

    found = []
    for threads in (1, 2):
        one_thread(threads)
        found.append(everything())
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)


@pytest.fixture
def unloaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The folder of caches of a user who has not compiled anything yet; a new library is loaded for each test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for cached in (load_library, library._loaded):
        cached.cache_clear()
    yield tmp_path / "nmt" / "kernels"
    for cached in (load_library, library._loaded):
        cached.cache_clear()


def test_they_are_compiled_once(unloaded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if native_kernels(torch.float32) is None:
        pytest.skip("no C++ compiler, or torch has another OpenMP than GNU's")
    (made,) = unloaded.iterdir()
    assert unloaded.stat().st_mode & 0o777 == 0o700
    load_library.cache_clear()
    monkeypatch.setattr(library, "_compile", lambda *_: pytest.fail("compiled again"))
    load_library()
    # Another source is another library.
    monkeypatch.setattr(library, "HEADERS", [made])
    load_library.cache_clear()
    with pytest.raises(pytest.fail.Exception, match="compiled again"):
        load_library()


def no_compiler(monkeypatch: pytest.MonkeyPatch, _: Path) -> str:
    monkeypatch.setattr(library, "which", lambda _: None)
    return "no C++ compiler is installed (g++)"


def a_compiler_that_fails(monkeypatch: pytest.MonkeyPatch, folder: Path) -> str:
    compiler = folder / "g++"
    compiler.write_text("#!/bin/sh\n[ $1 = --version ] || { echo 'too old' >&2; exit 1; }\n")
    compiler.chmod(0o755)
    monkeypatch.setattr(library, "which", lambda _: str(compiler))
    return f"{compiler} failed: too old"


def a_compiler_that_hangs(monkeypatch: pytest.MonkeyPatch, folder: Path) -> str:
    compiler = folder / "g++"
    compiler.write_text("#!/bin/sh\nexec sleep 60\n")
    compiler.chmod(0o755)
    monkeypatch.setattr(library, "which", lambda _: str(compiler))
    monkeypatch.setattr(library, "SECONDS", 0.1)
    return f"{compiler} took more than 0.1 s"


def a_compiler_that_makes_nonsense(monkeypatch: pytest.MonkeyPatch, folder: Path) -> str:
    compiler = folder / "g++"
    compiler.write_text("#!/bin/sh\n[ $1 = --version ] && exit 0\nfor made; do :; done\necho nonsense > $made\n")
    compiler.chmod(0o755)
    monkeypatch.setattr(library, "which", lambda _: str(compiler))
    return "file too short|invalid ELF header"


def a_folder_that_others_write_to(_: pytest.MonkeyPatch, folder: Path) -> str:
    kernels = folder / "nmt" / "kernels"
    kernels.mkdir(parents=True)
    kernels.chmod(0o777)
    return f"{kernels} is not this user's alone"


def a_folder_that_cannot_be_made(_: pytest.MonkeyPatch, folder: Path) -> str:
    (folder / "nmt").write_text("a file")
    return "Not a directory"


def another_openmp(monkeypatch: pytest.MonkeyPatch, _: Path) -> str:
    def failing() -> str:
        raise UnavailableError("torch does not compute with GNU's OpenMP here")

    monkeypatch.setattr(library, "_openmp_of_torch", failing)
    return "torch does not compute with GNU's OpenMP here"


def another_system(monkeypatch: pytest.MonkeyPatch, _: Path) -> str:
    monkeypatch.setattr(library.platform, "system", lambda: "Darwin")
    return "they are made for Linux, not for Darwin"


@pytest.mark.parametrize(
    "prevented",
    [
        no_compiler,
        a_compiler_that_fails,
        a_compiler_that_hangs,
        a_compiler_that_makes_nonsense,
        a_folder_that_others_write_to,
        a_folder_that_cannot_be_made,
        another_openmp,
        another_system,
    ],
)
def test_where_they_cannot_be_compiled_all_goes_on_without(
    prevented: Callable[[pytest.MonkeyPatch, Path], str],
    unloaded: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    why = prevented(monkeypatch, tmp_path)
    weight: Any = torch.zeros(1)
    with caplog.at_level(logging.DEBUG, "nmt"):
        assert dispatch.choose_kernels(weight) is TORCH
        assert dispatch.choose_kernels(weight) is TORCH
    (message,) = [record.getMessage() for record in caplog.records]
    before, _, reason = message.partition(": ")
    assert before == "there are no compiled kernels, and all runs slower"
    assert any(each in reason for each in why.split("|"))
    assert not list(unloaded.glob("*"))


def test_the_environment_can_leave_them_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "torch")
    assert native_kernels(torch.float32) is None
    with torch.no_grad():
        assert search_kernels(torch.zeros(1)) is None


def test_they_are_for_two_number_types_and_search_without_gradients() -> None:
    assert dispatch.choose_kernels(torch.zeros(1, dtype=torch.float64)) is TORCH
    assert search_kernels(torch.zeros(1)) is None
    with torch.no_grad():
        assert search_kernels(torch.zeros(1, dtype=torch.float64)) is None
