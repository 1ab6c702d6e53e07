from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import nmt.checkpoint.restart
import nmt.checkpoint.run_directory
from nmt.checkpoint.manifest import Purpose, check_whole, verify, write_checksummed
from nmt.checkpoint.restart import clean, restore, stash
from nmt.checkpoint.run_directory import (
    checkpoint_name,
    checkpoints,
    checkpoints_to_replace,
    prune,
    read_pointer,
    set_pointer,
    step_of,
    use_latest,
    use_model,
)
from nmt.errors import ModelError, StorageError

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
        write_checksummed(run / "checkpoints" / checkpoint_name(step), FILES, {"step": step}, replace=True)


def steps(run: Path) -> list[int | None]:
    return [step_of(path.name) for path in checkpoints(run)]


def no_warning(message: str) -> None:
    raise AssertionError(message)


def whole(checkpoint: Path, purpose: Purpose) -> Path:
    """Reads a checkpoint as its users do: a `ModelError` where anything is wrong with it."""
    if problems := verify(checkpoint, purpose=purpose):
        raise ModelError.from_problems(problems)
    return checkpoint


def latest(run: Path, warn: Callable[[str], None]) -> Path | None:
    return use_latest(run, warn, lambda checkpoint: whole(checkpoint, "training"))


def best(model: Path, warn: Callable[[str], None]) -> Path:
    return use_model(model, warn, lambda checkpoint: whole(checkpoint, "translation"))


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


def test_a_pointer_is_read_back(tmp_path: Path) -> None:
    assert read_pointer(tmp_path, "best") is None
    set_pointer(tmp_path, "best", "step-00000020")
    assert (tmp_path / "best").read_text() == "step-00000020\n"
    assert read_pointer(tmp_path, "best") == tmp_path / "checkpoints" / "step-00000020"


@pytest.mark.parametrize(
    "text", [b"", b"..", b"../../etc", b"/etc", b"step-00000020\n\n", b"step-00000020" * 99, b"\xff"]
)
def test_a_damaged_mark_is_named(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "last").write_bytes(text)
    with pytest.raises(ModelError, match="last: damaged"):
        read_pointer(tmp_path, "last")


def test_a_mark_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("step-00000020\n")
    (tmp_path / "last").symlink_to("elsewhere")
    with pytest.raises(ModelError, match="last: a link"):
        read_pointer(tmp_path, "last")


def test_pruning_keeps_best_last_and_the_newest_others(tmp_path: Path) -> None:
    save(tmp_path, *range(1, 10))
    set_pointer(tmp_path, "best", checkpoint_name(2))
    set_pointer(tmp_path, "last", checkpoint_name(9))
    prune(tmp_path, 2)
    assert steps(tmp_path) == [2, 7, 8, 9]
    prune(tmp_path, 5)
    assert steps(tmp_path) == [2, 7, 8, 9]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best", "checkpoints", "last"]


def test_pruning_removes_nothing_while_a_mark_is_damaged(tmp_path: Path) -> None:
    save(tmp_path, 1, 2, 3)
    set_pointer(tmp_path, "last", checkpoint_name(3))
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


ASIDE = ["checkpoints", "metrics.jsonl", "tensorboard"]


def trained(run: Path) -> dict[str, bytes]:
    """What is in a run directory that an earlier training wrote."""
    save(run, 7, 9)
    set_pointer(run, "best", checkpoint_name(7))
    set_pointer(run, "last", checkpoint_name(9))
    (run / "metrics.jsonl").write_text("{}\n")
    return content(run)


def content(run: Path) -> dict[str, bytes]:
    return {str(path.relative_to(run)): path.read_bytes() for path in run.rglob("*") if path.is_file()}


def test_what_is_stashed_comes_back_unless_a_checkpoint_is_saved(tmp_path: Path) -> None:
    before = trained(tmp_path)
    stash(tmp_path, ASIDE)
    assert steps(tmp_path) == [] and read_pointer(tmp_path, "last") is None
    assert checkpoints_to_replace(tmp_path) == 2
    save(tmp_path, 1)
    (tmp_path / "metrics.jsonl").write_text("new")
    assert restore(tmp_path)
    assert content(tmp_path) == before
    assert not restore(tmp_path)

    stash(tmp_path, ASIDE)
    save(tmp_path, 1)
    set_pointer(tmp_path, "last", checkpoint_name(1))
    prune(tmp_path, 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoints", "last"]
    assert not restore(tmp_path)
    assert steps(tmp_path) == [1]


def test_a_new_checkpoint_is_not_lost_to_a_kill_before_the_old_ones_are_removed(tmp_path: Path) -> None:
    trained(tmp_path)
    stash(tmp_path, ASIDE)
    save(tmp_path, 1)
    set_pointer(tmp_path, "last", checkpoint_name(1))
    clean(tmp_path)
    assert steps(tmp_path) == [1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoints", "last"]


def test_killed_while_it_sets_aside_or_puts_back_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = trained(tmp_path)

    def killed(work: Callable[[], object], after: int) -> None:
        """Does the work up to a number of moves and removals."""
        done = 0

        def counted(change: Callable[..., None]) -> Callable[..., None]:
            def or_die(*arguments: Path) -> None:
                nonlocal done
                if done == after:
                    raise KeyboardInterrupt
                done += 1
                change(*arguments)

            return or_die

        with monkeypatch.context() as patch:
            for name in ("move", "remove", "make_directory"):
                patch.setattr(nmt.checkpoint.restart, name, counted(getattr(nmt.checkpoint.restart, name)))
            with pytest.raises(KeyboardInterrupt):
                work()

    for moves in range(5):
        killed(lambda: stash(tmp_path, ASIDE), moves)
        clean(tmp_path)
        assert content(tmp_path) == before
    for moves in range(7):
        stash(tmp_path, ASIDE)
        save(tmp_path, 1)
        (tmp_path / "metrics.jsonl").write_text("new")
        killed(lambda: restore(tmp_path), moves)
        clean(tmp_path)
        assert content(tmp_path) == before


def test_what_cannot_be_stashed_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = trained(tmp_path)

    def refuse(path: Path, _destination: Path) -> None:
        raise StorageError(str(path), "busy")

    with monkeypatch.context() as patch:
        patch.setattr(nmt.checkpoint.restart, "move", refuse)
        with pytest.raises(StorageError):
            stash(tmp_path, ASIDE)
    restore(tmp_path)
    assert content(tmp_path) == before


def test_training_goes_on_from_the_last_checkpoint(tmp_path: Path) -> None:
    assert latest(tmp_path, no_warning) is None
    save(tmp_path, 1, 2, 3)
    assert latest(tmp_path, no_warning) == tmp_path / "checkpoints" / "step-00000003"
    set_pointer(tmp_path, "last", checkpoint_name(2))
    assert latest(tmp_path, no_warning) == tmp_path / "checkpoints" / "step-00000002"


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_the_checkpoint_before_a_damaged_one_is_used_with_a_warning(tmp_path: Path, name: str) -> None:
    save(tmp_path, 1, 2)
    set_pointer(tmp_path, "last", checkpoint_name(2))
    damaged, before = checkpoints(tmp_path)[1], checkpoints(tmp_path)[0]
    os.truncate(damaged / name, 1)
    warnings: list[str] = []
    assert latest(tmp_path, warnings.append) == before
    (warning,) = warnings
    assert warning.startswith(f"{damaged / name}: ") and warning.endswith(f"; using {before} instead")


@pytest.mark.parametrize("damage", ["text", "missing"])
def test_a_last_pointer_that_leads_nowhere_is_warned_of(tmp_path: Path, damage: str) -> None:
    save(tmp_path, 1)
    set_pointer(tmp_path, "last", checkpoint_name(2))
    if damage == "text":
        (tmp_path / "last").write_text("../../elsewhere")
    warnings: list[str] = []
    assert latest(tmp_path, warnings.append) == tmp_path / "checkpoints" / "step-00000001"
    assert len(warnings) == 1


def test_when_all_are_damaged_each_is_named(tmp_path: Path) -> None:
    save(tmp_path, 1, 2)
    for path in checkpoints(tmp_path):
        (path / "state.json").unlink()
    with pytest.raises(ModelError) as caught:
        latest(tmp_path, no_warning)
    assert [problem.where for problem in caught.value.problems] == [
        str(tmp_path / "checkpoints" / checkpoint_name(step) / "state.json") for step in (2, 1)
    ]


def test_translation_takes_the_best_then_the_last(tmp_path: Path) -> None:
    save(tmp_path, 1, 2, 3)
    one, two, _ = checkpoints(tmp_path)
    set_pointer(tmp_path, "last", two.name)
    warnings: list[str] = []
    assert best(tmp_path, warnings.append) == two and len(warnings) == 1
    set_pointer(tmp_path, "best", one.name)
    assert best(tmp_path, no_warning) == one
    (one / "optimizer.safetensors").unlink()
    assert best(tmp_path, no_warning) == one
    (one / "config.yaml").unlink()
    assert best(tmp_path, warnings.append) == two and len(warnings) == 2


def test_a_model_is_a_run_or_a_checkpoint_or_an_exported_directory(tmp_path: Path) -> None:
    save(tmp_path, 1)
    set_pointer(tmp_path, "best", checkpoint_name(1))
    checkpoint = tmp_path / "checkpoints" / "step-00000001"
    assert best(tmp_path, no_warning) == checkpoint
    assert best(checkpoint, no_warning) == checkpoint
    (tmp_path / "link").symlink_to(checkpoint)
    assert best(tmp_path / "link", no_warning) == tmp_path / "link"


def test_a_checkpoint_that_no_validation_has_chosen_is_used_with_a_warning(tmp_path: Path) -> None:
    save(tmp_path, 1)
    warnings: list[str] = []
    best(tmp_path, warnings.append)
    assert len(warnings) == 1
    assert "step-00000001" in warnings[0]


def new_best(run: Path) -> None:
    """What a training does that finds a better model."""
    save(run, 2)
    set_pointer(run, "best", checkpoint_name(2))
    set_pointer(run, "last", checkpoint_name(2))
    (run / "checkpoints" / checkpoint_name(1)).rename(run / "checkpoints" / ".nmt-temporary-1-a")


def test_a_model_that_a_training_replaces_while_it_is_read_is_read_again(tmp_path: Path) -> None:
    save(tmp_path, 1)
    set_pointer(tmp_path, "best", checkpoint_name(1))
    read = []

    def use(directory: Path) -> str:
        read.append(directory.name)
        if len(read) == 1:
            new_best(tmp_path)
        if not directory.exists():
            raise ModelError(str(directory), "cannot be read")
        return directory.name

    assert use_model(tmp_path, no_warning, use) == checkpoint_name(2)
    assert read == [checkpoint_name(1), checkpoint_name(2)]


def test_a_model_that_is_damaged_is_read_once(tmp_path: Path) -> None:
    save(tmp_path, 1)
    set_pointer(tmp_path, "best", checkpoint_name(1))
    read = []

    def use(directory: Path) -> None:
        read.append(directory)
        raise ModelError(str(directory), "damaged")

    with pytest.raises(ModelError, match="damaged"):
        use_model(tmp_path, no_warning, use)
    assert len(read) == 1


def test_a_best_checkpoint_replaced_while_it_is_verified_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, 1)
    set_pointer(tmp_path, "best", checkpoint_name(1))
    set_pointer(tmp_path, "last", checkpoint_name(1))

    def check_slowly(checkpoint: Path, *, purpose: Purpose) -> None:
        if checkpoint.name == checkpoint_name(1):
            new_best(tmp_path)
        check_whole(checkpoint, purpose=purpose)

    monkeypatch.setattr(nmt.checkpoint.run_directory, "check_whole", check_slowly)
    found = use_model(tmp_path, no_warning, lambda checkpoint: checkpoint, verify_first=True)
    assert found == tmp_path / "checkpoints" / checkpoint_name(2)


def test_a_checkpoint_is_verified_first_only_where_that_is_asked_for(tmp_path: Path) -> None:
    save(tmp_path, 1, 2)
    set_pointer(tmp_path, "best", checkpoint_name(2))
    one, two = checkpoints(tmp_path)
    (two / "model.safetensors").write_bytes(b"damaged")
    assert use_model(tmp_path, no_warning, lambda checkpoint: checkpoint) == two
    warnings: list[str] = []
    assert use_model(tmp_path, warnings.append, lambda checkpoint: checkpoint, verify_first=True) == one
    assert len(warnings) == 1


def test_a_fault_that_is_no_damage_is_told_and_no_other_checkpoint_used(tmp_path: Path) -> None:
    save(tmp_path, 1, 2)
    set_pointer(tmp_path, "best", checkpoint_name(2))

    def misfit(directory: Path) -> None:
        raise ModelError(str(directory), "does not fit")

    with pytest.raises(ModelError, match=r"step-00000002: does not fit"):
        use_model(tmp_path, no_warning, misfit)


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
        best(tmp_path / place, no_warning)
    assert caught.value.problems[0].where == str(tmp_path / place) and reason in caught.value.problems[0].what


def test_finding_and_locking_need_no_torch() -> None:
    script = (
        "import sys, nmt.checkpoint.run_directory, nmt.io.locks; "
        "sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
