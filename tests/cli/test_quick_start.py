"""Few lines are translated without torch, and so are the first ones; what else is asked for loads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nmt.cli import quick_start
from nmt.cli.arguments import ComputeArguments
from nmt.cli.quick_start import MOST_LINES, may_start_quickly
from program import Finished

IMPORTED = 99  # the exit code that says so
FEW = ["ba ce di", "fo gu"]


@pytest.fixture
def without_torch(tmp_path: Path, user_environment: Callable[..., dict[str, str]]) -> dict[str, str]:
    """An environment in which torch cannot be imported."""
    (tmp_path / "absent").mkdir()
    (tmp_path / "absent" / "torch.py").write_text(f"import os; os._exit({IMPORTED})\n")
    environment = user_environment()
    paths = [str(tmp_path / "absent"), environment.get("PYTHONPATH", "")]
    return environment | {"PYTHONPATH": ":".join(filter(None, paths))}


def lines_of(count: int) -> bytes:
    return "".join(f"{line}\n" for line in (FEW * count)[:count]).encode()


@pytest.mark.parametrize(
    ("options", "stdin"),
    [
        (("--", *FEW), b""),
        ((), lines_of(MOST_LINES)),
        (("--n-best", "3", "--format", "json", "--beam-size", "3", "--device", "cpu", "--threads", "1"), lines_of(2)),
        (("--format", "moses", "--precision", "fp32"), b"\n7 8\nba\n"),
    ],
)
def test_few_lines_need_no_torch_and_are_translated_as_with_it(
    options: tuple[str, ...], stdin: bytes, learned: Path, process: Any, without_torch: Any, call: Any, monkeypatch: Any
) -> None:
    done: Finished = process("translate", learned, *options, stdin=stdin, env=without_torch)
    assert (done.code, done.errors) == (0, [])
    monkeypatch.setattr("nmt.cli.translate.may_start_quickly", lambda *_: False)
    expected = call("translate", learned, *options, stdin=stdin)
    assert done.out.count(b"\n") > 1
    if "--format" not in options:
        assert done.out == expected.out


@pytest.mark.parametrize(
    ("options", "stdin"),
    [
        ((), lines_of(MOST_LINES + 1)),
        (("--sample",), lines_of(1)),
        (("--alignment", "hard"), lines_of(1)),
        (("--device", "cuda"), lines_of(1)),
        (("--precision", "bf16"), lines_of(1)),
    ],
)
def test_what_needs_torch_loads_it(
    options: tuple[str, ...], stdin: bytes, learned: Path, process: Any, without_torch: Any
) -> None:
    done = process("translate", learned, *options, stdin=stdin, env=without_torch)
    assert done.code == IMPORTED


def test_the_first_lines_of_many_are_translated_as_all_are(learned: Path, call: Any) -> None:
    """Lines that come one by one, and more and more at once."""
    batches = [lines_of(1), lines_of(MOST_LINES), lines_of(40), lines_of(2)]
    expected = call("translate", learned, stdin=b"".join(batches))
    one_by_one = [call("translate", learned, stdin=batch).out for batch in batches]
    assert b"".join(one_by_one) == expected.out


def test_a_damaged_model_is_told_as_ever(learned: Path, call: Any, tmp_path: Path) -> None:
    copy = tmp_path / "model"
    assert call("export", learned, copy).code == 0
    weights = copy / "model.safetensors"
    assert weights.exists()
    weights.write_bytes(weights.read_bytes()[:-8])
    done = call("translate", copy, "ba")
    assert done.code == 4 and done.errors[0].startswith(f"nmt: error: {weights}: ")


@pytest.mark.parametrize(
    ("compute", "expected"),
    [
        (ComputeArguments(), True),
        (ComputeArguments(device="cpu", precision="fp32", threads=2), True),
        (ComputeArguments(device="cuda"), False),
        (ComputeArguments(precision="bf16"), False),
        (ComputeArguments(precision="int8"), False),
    ],
)
def test_torch_is_not_needed_on_the_cpu_in_float32(compute: ComputeArguments, expected: bool) -> None:
    assert may_start_quickly(compute, None) is expected


def test_a_long_file_or_a_gpu_is_for_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, compute = tmp_path / "text", ComputeArguments()
    path.write_text("a short line\n")
    assert may_start_quickly(compute, str(path))
    path.write_text("a line\n" * 1000)
    assert not may_start_quickly(compute, str(path))
    assert not may_start_quickly(compute, str(tmp_path / "absent"))
    monkeypatch.setattr(quick_start, "_GPU_DEVICES", (str(path),))
    assert not may_start_quickly(compute, None)
    assert may_start_quickly(ComputeArguments(device="cpu"), None)
