from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nmt.errors import ModelError
from nmt.manifest import write_sealed
from nmt.run_directory import (
    best_valid_checkpoint,
    checkpoint_name,
    checkpoints,
    clean,
    latest_valid_checkpoint,
    mark,
    marked,
    prune,
    resolve_model,
    step_of,
)

FILES = {
    "model.safetensors": b"weights",
    "optimizer.safetensors": b"moments",
    "state.json": b"{}\n",
    "config.yaml": b"name: tiny\n",
    "shared.model": b"pieces",
}


def save(run: Path, *steps: int) -> None:
    (run / "checkpoints").mkdir(exist_ok=True)
    for step in steps:
        write_sealed(run / "checkpoints" / checkpoint_name(step), FILES, {"step": step}, replace=True)


def steps(run: Path) -> list[int | None]:
    return [step_of(path.name) for path in checkpoints(run)]


def no_warning(message: str) -> None:
    raise AssertionError(message)


def test_names_and_steps_belong_together() -> None:
    assert checkpoint_name(2400) == "step-00002400" and step_of("step-00002400") == 2400
    assert step_of(checkpoint_name(123_456_789)) == 123_456_789
    for name in ("step-2400", "step-0000002400", "step-00002400x", "xstep-00002400", "step-٠٠٠٠٢٤٠٠", "..", ""):
        assert step_of(name) is None


def test_checkpoints_come_in_the_order_of_steps_and_nothing_else_does(tmp_path: Path) -> None:
    assert checkpoints(tmp_path) == []
    save(tmp_path, 100_000_000, 20, 3)
    folder = tmp_path / "checkpoints"
    (folder / "step-00000001").symlink_to(folder / "step-00000003")
    (folder / "step-00000002").touch()
    (folder / ".nmt-temporary-1-a").mkdir()
    assert steps(tmp_path) == [3, 20, 100_000_000]


def test_a_mark_is_read_back(tmp_path: Path) -> None:
    assert marked(tmp_path, "best") is None
    mark(tmp_path, "best", "step-00000020")
    assert (tmp_path / "best").read_text() == "step-00000020\n"
    assert marked(tmp_path, "best") == tmp_path / "checkpoints" / "step-00000020"


@pytest.mark.parametrize(
    "text", [b"", b"..", b"../../etc", b"/etc", b"step-00000020\n\n", b"step-00000020" * 99, b"\xff"]
)
def test_a_damaged_mark_is_named(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "last").write_bytes(text)
    with pytest.raises(ModelError, match="last: damaged"):
        marked(tmp_path, "last")


def test_a_mark_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("step-00000020\n")
    (tmp_path / "last").symlink_to("elsewhere")
    with pytest.raises(ModelError, match="last: a link"):
        marked(tmp_path, "last")


def test_pruning_keeps_best_last_and_the_newest_others(tmp_path: Path) -> None:
    save(tmp_path, *range(1, 10))
    mark(tmp_path, "best", checkpoint_name(2))
    mark(tmp_path, "last", checkpoint_name(9))
    prune(tmp_path, 2)
    assert steps(tmp_path) == [2, 7, 8, 9]
    prune(tmp_path, 5)
    assert steps(tmp_path) == [2, 7, 8, 9]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best", "checkpoints", "last"]


def test_pruning_removes_nothing_while_a_mark_is_damaged(tmp_path: Path) -> None:
    save(tmp_path, 1, 2, 3)
    mark(tmp_path, "last", checkpoint_name(3))
    (tmp_path / "best").write_text("?")
    prune(tmp_path, 1)
    assert steps(tmp_path) == [1, 2, 3]


def test_cleaning_reaches_every_folder_of_the_run(tmp_path: Path) -> None:
    save(tmp_path, 1)
    (tmp_path / "corpus").mkdir()
    for folder in (tmp_path, tmp_path / "checkpoints", tmp_path / "corpus"):
        (folder / ".nmt-temporary-1-a").mkdir()
    (tmp_path / "checkpoints" / ".nmt-replaced-step-00000009").mkdir()
    clean(tmp_path)
    assert not list(tmp_path.rglob(".nmt-*"))
    assert steps(tmp_path) == [1, 9]


def test_training_goes_on_from_the_last_checkpoint(tmp_path: Path) -> None:
    assert latest_valid_checkpoint(tmp_path, no_warning) is None
    save(tmp_path, 1, 2, 3)
    assert latest_valid_checkpoint(tmp_path, no_warning) == tmp_path / "checkpoints" / "step-00000003"
    mark(tmp_path, "last", checkpoint_name(2))
    assert latest_valid_checkpoint(tmp_path, no_warning) == tmp_path / "checkpoints" / "step-00000002"


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_the_checkpoint_before_a_damaged_one_is_used_with_a_warning(tmp_path: Path, name: str) -> None:
    save(tmp_path, 1, 2)
    mark(tmp_path, "last", checkpoint_name(2))
    damaged, before = checkpoints(tmp_path)[1], checkpoints(tmp_path)[0]
    os.truncate(damaged / name, 1)
    warnings: list[str] = []
    assert latest_valid_checkpoint(tmp_path, warnings.append) == before
    (warning,) = warnings
    assert warning.startswith(f"{damaged / name}: ") and warning.endswith(f"; using {before} instead")


@pytest.mark.parametrize("damage", ["text", "missing", "linked"])
def test_a_last_mark_that_leads_nowhere_is_warned_of(tmp_path: Path, damage: str) -> None:
    save(tmp_path, 1)
    mark(tmp_path, "last", checkpoint_name(2))
    if damage == "text":
        (tmp_path / "last").write_text("../../elsewhere")
    if damage == "linked":
        (tmp_path / "checkpoints" / "step-00000002").symlink_to("step-00000001")
    warnings: list[str] = []
    assert latest_valid_checkpoint(tmp_path, warnings.append) == tmp_path / "checkpoints" / "step-00000001"
    assert len(warnings) == 1


def test_when_all_are_damaged_each_is_named(tmp_path: Path) -> None:
    save(tmp_path, 1, 2)
    for path in checkpoints(tmp_path):
        (path / "state.json").unlink()
    with pytest.raises(ModelError) as caught:
        latest_valid_checkpoint(tmp_path, no_warning)
    assert [problem.where for problem in caught.value.problems] == [
        str(tmp_path / "checkpoints" / checkpoint_name(step) / "state.json") for step in (2, 1)
    ]


def test_translation_takes_the_best_then_the_last(tmp_path: Path) -> None:
    save(tmp_path, 1, 2, 3)
    one, two, _ = checkpoints(tmp_path)
    mark(tmp_path, "last", two.name)
    assert best_valid_checkpoint(tmp_path, no_warning) == two
    mark(tmp_path, "best", one.name)
    assert best_valid_checkpoint(tmp_path, no_warning) == one
    (one / "optimizer.safetensors").unlink()
    assert best_valid_checkpoint(tmp_path, no_warning) == one
    (one / "config.yaml").unlink()
    warnings: list[str] = []
    assert best_valid_checkpoint(tmp_path, warnings.append) == two and len(warnings) == 1


def test_a_model_is_a_run_or_a_checkpoint_or_an_exported_directory(tmp_path: Path) -> None:
    save(tmp_path, 1)
    checkpoint = tmp_path / "checkpoints" / "step-00000001"
    assert resolve_model(tmp_path, no_warning) == checkpoint
    assert resolve_model(checkpoint, no_warning) == checkpoint
    (tmp_path / "link").symlink_to(checkpoint)
    assert resolve_model(tmp_path / "link", no_warning) == tmp_path / "link"


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("missing", "No such file or directory; expected a run directory, a checkpoint or an exported model"),
        ("file", "not a directory; expected a run directory"),
        ("file/inner", "Not a directory"),
        ("x" * 300, "File name too long"),
        ("empty", "holds neither manifest.json nor checkpoints"),
        ("run", "this run has saved no checkpoint yet"),
    ],
)
def test_what_is_no_model_is_told_what_was_expected(tmp_path: Path, place: str, reason: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    with pytest.raises(ModelError) as caught:
        resolve_model(tmp_path / place, no_warning)
    assert caught.value.problems[0].where == str(tmp_path / place) and reason in caught.value.problems[0].what


def test_a_linked_folder_of_checkpoints_is_not_followed(tmp_path: Path) -> None:
    for name in ("run", "elsewhere"):
        (tmp_path / name).mkdir()
    save(tmp_path / "elsewhere", 1)
    (tmp_path / "run" / "checkpoints").symlink_to(tmp_path / "elsewhere" / "checkpoints")
    mark(tmp_path / "run", "best", checkpoint_name(1))
    with pytest.raises(ModelError, match="a link"):
        resolve_model(tmp_path / "run", no_warning)


def test_finding_and_locking_need_no_torch() -> None:
    script = "import sys, nmt.run_directory, nmt.storage; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
