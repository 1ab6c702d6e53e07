"""What may not be read is no damage, and no older checkpoint takes its place. What systems leave in folders is none."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from nmt.checkpoint.layout import CONFIG, MANIFEST, OPTIMIZER, SHARED_TOKENIZER, STATE, WEIGHTS
from nmt.checkpoint.run_directory import use_model
from nmt.errors import UnreadableError
from nmt.io.system_files import entries, is_system_file
from system_files import SYSTEM_FILES

NOBODY = 65534


@pytest.fixture
def run(model: Path, tmp_path: Path) -> Path:
    """A run with two checkpoints, the second of which is the best and the last."""
    run = tmp_path / "run"
    shutil.copytree(model, run)
    shutil.copytree(next((run / "checkpoints").iterdir()), run / "checkpoints" / "step-00000002")
    return run


@pytest.fixture
def best(run: Path) -> Path:
    return run / "checkpoints" / (run / "best").read_text().strip()


@contextmanager
def forbidden(monkeypatch: pytest.MonkeyPatch, path: Path, number: int = errno.EACCES) -> Iterator[None]:
    """Reading a path, or what is below it, fails; permissions would not hinder root, who may run this."""
    opened, looked_up, listed = os.open, Path.lstat, Path.iterdir

    def check(wanted: Any) -> None:
        if isinstance(wanted, str | Path) and Path(wanted).is_relative_to(path):
            raise OSError(number, os.strerror(number), str(wanted))

    def open_(wanted: Any, *rest: Any, **options: Any) -> int:
        check(wanted)
        return opened(wanted, *rest, **options)

    def look_up(self: Path) -> os.stat_result:
        if self != path:  # what may not be entered is seen from outside
            check(self)
        return looked_up(self)

    def list_(self: Path) -> Any:
        check(self)
        return listed(self)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", open_)
        patch.setattr(Path, "lstat", look_up)
        patch.setattr(Path, "iterdir", list_)
        yield


@pytest.mark.parametrize("name", [WEIGHTS, CONFIG, SHARED_TOKENIZER, MANIFEST, ""])
@pytest.mark.parametrize("command", ["translate", "info"])
def test_what_may_not_be_read_is_told_and_no_other_used(
    name: str, command: str, run: Path, best: Path, call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with forbidden(monkeypatch, best / name):
        done = call(command, run, stdin=b"ba\n")
    assert (done.code, done.out) == (4, b""), done.err
    assert done.errors == [f"nmt: error: {best / (name or MANIFEST)}: cannot be read: Permission denied"]


@pytest.mark.parametrize("name", [WEIGHTS, OPTIMIZER, STATE, ""])
def test_training_does_not_go_on_from_an_older_checkpoint_than_the_one_it_may_not_read(
    name: str, run: Path, best: Path, call: Any, configuration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with forbidden(monkeypatch, best / name):
        done = call("train", configuration, "--output", run, "--set", "training.max_steps=40")
    assert done.code == 4
    assert done.errors == [f"nmt: error: {best / (name or MANIFEST)}: cannot be read: Permission denied"]


@pytest.mark.parametrize("name", ["best", "checkpoints", ""])
def test_a_run_of_which_a_part_may_not_be_read_is_told(
    name: str, run: Path, call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with forbidden(monkeypatch, run / name):
        done = call("translate", run, stdin=b"ba\n")
    assert (done.code, done.out) == (4, b"")
    assert len(done.errors) == 1 and done.errors[0].endswith(": cannot be read: Permission denied")
    assert str(run / name) in done.errors[0]


@pytest.mark.parametrize("leads", [True, False])
@pytest.mark.parametrize("name", [WEIGHTS, "best", "checkpoint"])
def test_a_link_is_told_and_nothing_else_used(name: str, leads: bool, run: Path, best: Path, call: Any) -> None:
    path = {"best": run / "best", "checkpoint": best}.get(name, best / name)
    moved = path.rename(run / "moved")
    path.symlink_to(moved if leads else run / "nowhere")
    done = call("translate", run, stdin=b"ba\n")
    assert (done.code, done.out) == (4, b"")
    assert len(done.errors) == 1 and f"{path}: a link" in done.errors[0]


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOENT])
def test_a_disk_that_fails_is_damage(
    number: int, run: Path, best: Path, call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with forbidden(monkeypatch, best / WEIGHTS, number):
        done = call("translate", run, stdin=b"ba\n")
    assert done.code == 0 and done.out.count(b"\n") == 1
    assert f"{best / WEIGHTS}: cannot be read: {os.strerror(number)}; using " in done.err


def test_too_many_open_files_are_no_damage(run: Path, best: Path, call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with forbidden(monkeypatch, best / WEIGHTS, errno.EMFILE):
        assert call("translate", run, stdin=b"ba\n").code == 4


def as_nobody(work: Callable[[], None]) -> int:
    """Runs work in a child that permissions bind, and returns its exit code: 0 if it raised nothing."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_permissions_say_so_themselves(run: Path, best: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.parent)  # folders above it are closed to others
    run.parent.chmod(0o755)

    def fails() -> None:
        with pytest.raises(UnreadableError, match="Permission denied"):
            use_model(Path("run"), [].append, lambda directory: directory, verify_first=True)

    for folder in (best, run / "checkpoints", run):
        folder.chmod(0)
        assert as_nobody(fails) == 0
        folder.chmod(0o755)
    assert as_nobody(fails) == 1


def test_a_model_that_may_not_be_read_is_4_and_no_wrong_usage(
    call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    with forbidden(monkeypatch, tmp_path / "model"):
        (tmp_path / "model").mkdir()
        for command in ("translate", "info", "eval"):
            done = call(command, tmp_path / "model", stdin=b"ba\n")
            assert done.code == 4 and "Permission denied" in done.errors[0], done.err


def test_files_of_systems_damage_nothing(run: Path, best: Path, call: Any, tmp_path: Path, configuration: Path) -> None:
    exported = tmp_path / "exported"
    exported.mkdir()
    for name in SYSTEM_FILES:
        (exported / name).touch()
    assert call("export", run, exported).code == 0
    places = [run, run / "checkpoints", best, run / "tokenizer", run / "corpus", exported]
    for place in places:
        for name in SYSTEM_FILES:
            (place / name).touch()
    for model in (run, best, exported):
        assert call("info", "--verify", model).code == 0
        assert call("translate", model, stdin=b"ba\n").code == 0
    done = call("train", configuration, "--output", run, "--set", "training.max_steps=31")
    assert done.code == 0, done.err
    again = call("train", configuration, "--output", run, "--restart", "--set", "training.max_steps=1")
    assert again.code == 0, again.err


def test_a_file_of_the_users_is_none_of_a_system(tmp_path: Path) -> None:
    for name in (*SYSTEM_FILES, "notes.txt", "._", "best", "model.safetensors", ".hidden"):
        (tmp_path / name).touch()
    assert entries(tmp_path) == [".hidden", "best", "model.safetensors", "notes.txt"]
    assert not is_system_file("x.DS_Store")
