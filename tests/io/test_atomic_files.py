from __future__ import annotations

import errno
import os
import resource
import shutil
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from nmt.errors import StorageError
from nmt.io.atomic_files import (
    REPLACED_PREFIX,
    check_output,
    free_bytes,
    make_directory,
    move,
    new_directory,
    remove,
    remove_stale_temporaries,
    write_file,
    write_output,
)

Synced = list[str]


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> Synced:
    """The paths that were synced and the renames, in order."""
    events: Synced = []
    fsync, rename, replace = os.fsync, Path.rename, Path.replace

    def record_fsync(descriptor: int) -> None:
        events.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        fsync(descriptor)

    def record_rename(self: Path, target: Path) -> Path:
        events.append("rename")
        return rename(self, target)

    def record_replace(self: Path, target: Path) -> Path:
        events.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", record_fsync)
    monkeypatch.setattr(Path, "rename", record_rename)
    monkeypatch.setattr(Path, "replace", record_replace)
    return events


@pytest.fixture
def umask_027() -> Iterator[None]:
    before = os.umask(0o027)
    yield
    os.umask(before)


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_a_written_file_replaces_the_old_one(tmp_path: Path) -> None:
    write_file(tmp_path / "a", b"old")
    write_file(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert names(tmp_path) == ["a"]


@pytest.mark.promise(6, gate=1, full=1)
def test_promise_06_file_rename_and_folder_are_synced_in_that_order(tmp_path: Path, synced: Synced) -> None:
    write_file(tmp_path / "a", b"x")
    file, rename, folder = synced
    assert Path(file).parent == tmp_path and Path(file).name.startswith(".nmt-temporary-")
    assert (rename, folder) == ("rename", str(tmp_path))


@pytest.mark.promise(6, gate=1, full=1)
def test_promise_06_a_new_directory_is_synced_file_by_file_before_its_name_appears(
    tmp_path: Path, synced: Synced
) -> None:
    with new_directory(tmp_path / "new") as temporary:
        (temporary / "inner").mkdir()
        (temporary / "inner" / "b").write_bytes(b"b")
        (temporary / "a").write_bytes(b"a")
    *inside, rename, parent = synced
    expected = [temporary / "inner" / "b", temporary / "inner", temporary / "a", temporary]
    assert inside == list(map(str, expected))
    assert (rename, parent) == ("rename", str(tmp_path))


def test_a_made_directory_is_synced_with_its_parents(tmp_path: Path, synced: Synced) -> None:
    make_directory(tmp_path / "a" / "b")
    assert sorted(synced) == [str(tmp_path), str(tmp_path / "a")]
    make_directory(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


@pytest.mark.promise(6, gate=1, full=1)
@pytest.mark.usefixtures("umask_027")
def test_promise_06_modes_obey_the_umask(tmp_path: Path) -> None:
    write_file(tmp_path / "file", b"x")
    with new_directory(tmp_path / "directory") as temporary:
        (temporary / "a").write_bytes(b"a")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("file", "directory", "directory/a")]
    assert modes == [0o640, 0o750, 0o640]


def test_a_failing_body_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), new_directory(tmp_path / "new") as temporary:  # noqa: PT012
        (temporary / "a").write_bytes(b"a")
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_a_directory_with_content_is_not_overwritten_unless_asked(tmp_path: Path) -> None:
    final = tmp_path / "final"
    final.mkdir()
    (final / "old").touch()
    with pytest.raises(StorageError, match="final: cannot be written: Directory not empty"), new_directory(final):
        pass
    assert names(tmp_path) == ["final"] and names(final) == ["old"]
    with new_directory(final, replace=True) as temporary:
        (temporary / "new").touch()
    assert names(tmp_path) == ["final"] and names(final) == ["new"]


@pytest.mark.parametrize("times", [40, pytest.param(400, marks=pytest.mark.slow)])
def test_a_replaced_directory_is_never_without_its_name(times: int, tmp_path: Path) -> None:
    final, ended = tmp_path / "final", threading.Event()
    (final / "content").mkdir(parents=True)
    missing: list[OSError] = []

    def look() -> None:
        while not ended.is_set():
            try:
                (final / "content").stat()
            except OSError as error:
                missing.append(error)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for _ in range(times):
            with new_directory(final, replace=True) as temporary:
                (temporary / "content").mkdir()
    finally:
        ended.set()
        looking.join()
    assert missing == [] and names(tmp_path) == ["final"]


def test_where_names_cannot_be_exchanged_the_old_content_steps_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nmt.io.atomic_files._exchange", lambda _one, _other: False)
    for content in ("old", "new"):
        with new_directory(tmp_path / "final", replace=True) as temporary:
            (temporary / content).touch()
    assert names(tmp_path) == ["final"] and names(tmp_path / "final") == ["new"]


def test_what_a_user_names_may_be_a_link_or_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "page").write_bytes(b"old")
    for name in ("page", "new"):
        (tmp_path / f"link-{name}").symlink_to(tmp_path / "elsewhere" / name)
        check_output(tmp_path / f"link-{name}")
        write_output(tmp_path / f"link-{name}", b"page")
        assert (tmp_path / f"link-{name}").is_symlink() and (tmp_path / "elsewhere" / name).read_bytes() == b"page"
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    check_output(tmp_path / "pipe")
    write_output(tmp_path / "pipe", b"page")
    assert os.read(reader, 9) == b"page" and stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    timer = threading.Timer(0.1, os.close, (reader,))
    timer.start()
    with pytest.raises(BrokenPipeError):
        write_output(tmp_path / "pipe", bytes(1 << 20))
    timer.join()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        with pytest.raises(StorageError, match="socket: cannot be written"):
            check_output(tmp_path / "socket")
    with pytest.raises(StorageError, match="elsewhere: cannot be written: Is a directory"):
        check_output(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match="absent/page: cannot be written"):
        check_output(tmp_path / "absent" / "page")


def test_what_was_to_be_replaced_gets_its_name_back(tmp_path: Path) -> None:
    for name in (f"{REPLACED_PREFIX}lost", f"{REPLACED_PREFIX}kept", "kept"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "from").write_text(name)
    remove_stale_temporaries(tmp_path)
    assert names(tmp_path) == ["kept", "lost"]
    assert (tmp_path / "kept" / "from").read_text() == "kept"


def test_stale_temporaries_go_and_all_else_stays(tmp_path: Path) -> None:
    (tmp_path / ".nmt-temporary-1-ab").mkdir()
    (tmp_path / ".nmt-temporary-1-ab" / "half").touch()
    (tmp_path / ".nmt-temporary-2-cd").write_bytes(b"half")
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / ".nmt-temporary-3-ef").symlink_to(outside)
    (tmp_path / ".temporary-of-another").touch()
    remove_stale_temporaries(tmp_path)
    remove_stale_temporaries(tmp_path / "missing")
    assert names(tmp_path) == [".temporary-of-another", "outside"]


def test_a_removed_directory_loses_its_name_before_its_content(tmp_path: Path, synced: Synced) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    remove(tmp_path / "a")
    assert names(tmp_path) == [] and synced == ["rename", str(tmp_path)]


def test_a_removed_link_leaves_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "file").touch()
    remove(tmp_path / "link")
    remove(tmp_path / "file")
    assert names(tmp_path) == ["elsewhere"]


def test_what_cannot_be_removed_or_moved_is_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="absent: cannot be written"):
        remove(tmp_path / "absent")
    with pytest.raises(StorageError, match="absent: cannot be written"):
        move(tmp_path / "absent", tmp_path / "here")


def test_a_moved_directory_is_synced_where_it_goes_before_where_it_was(tmp_path: Path, synced: Synced) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "c").mkdir()
    move(tmp_path / "a" / "b", tmp_path / "c" / "b")
    assert (tmp_path / "c" / "b").is_dir()
    assert synced == ["rename", str(tmp_path / "c"), str(tmp_path / "a")]


def test_replaced_content_goes_only_after_the_new_name_is_durable(
    tmp_path: Path, synced: Synced, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nmt.io.atomic_files._exchange", lambda _one, _other: False)
    (tmp_path / "a").mkdir()
    with new_directory(tmp_path / "a", replace=True):
        pass
    assert synced[1:4] == ["rename", "rename", str(tmp_path)]
    assert len(synced) == 5


def test_exchanged_content_goes_only_after_the_new_name_is_durable(
    tmp_path: Path, synced: Synced, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a" / "old").mkdir(parents=True)
    with new_directory(tmp_path / "a", replace=True):
        assert synced == []
    assert synced[1:] == [str(tmp_path), str(tmp_path)]

    fsync = os.fsync

    def refuse(descriptor: int) -> None:
        fsync(descriptor)
        if Path(f"/proc/self/fd/{descriptor}").readlink() == tmp_path:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StorageError), new_directory(tmp_path / "a", replace=True) as temporary:
        (temporary / "new").mkdir()
    assert names(tmp_path) == ["a"] and names(tmp_path / "a") == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO])
def test_what_the_system_refuses_is_a_storage_error_and_leaves_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    write_file(tmp_path / "a", b"old")

    def refuse(_descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StorageError) as caught:
        write_file(tmp_path / "a", b"new")
    assert str(caught.value) == f"{tmp_path / 'a'}: cannot be written: {os.strerror(number)}"
    with pytest.raises(StorageError), new_directory(tmp_path / "b") as temporary:
        (temporary / "c").write_bytes(b"c")
    monkeypatch.undo()
    assert names(tmp_path) == ["a"] and (tmp_path / "a").read_bytes() == b"old"


def test_an_error_that_is_not_the_systems_passes_through(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="not a gzip file"), new_directory(tmp_path / "a"):
        raise OSError("not a gzip file")


def test_a_missing_parent_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="missing/a: cannot be written: No such file or directory"):
        write_file(tmp_path / "missing" / "a", b"")


def test_a_limit_on_file_size_is_a_storage_error(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    write_file(tmp_path / "a", b"old")
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(StorageError, match="File too large"):
            write_file(tmp_path / "a", bytes(200_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert names(tmp_path) == ["a"] and (tmp_path / "a").read_bytes() == b"old"


def test_free_space_is_told_of_a_place_that_is_not_there_yet(tmp_path: Path) -> None:
    told = free_bytes(tmp_path / "not" / "there")
    assert abs(told - shutil.disk_usage(tmp_path).free) < 1 << 30


FULL_DISK = """
import sys
from pathlib import Path
from nmt.errors import StorageError
from nmt.io.atomic_files import new_directory, write_file

disk = Path(sys.argv[1])
write_file(disk / "pointer", b"old")
with new_directory(disk / "old") as temporary:
    (temporary / "a").write_bytes(bytes(8192))
before = sorted(path.name for path in disk.iterdir())
refused = 0
for size in range(0, 260_000, 20_000):
    try:
        write_file(disk / "pointer", b"n" * size)
        write_file(disk / "pointer", b"old")
    except StorageError as error:
        assert "No space left on device" in str(error), error
        refused += 1
    try:
        with new_directory(disk / "old", replace=True) as temporary:
            (temporary / "a").write_bytes(bytes(8192))
            (temporary / "b").write_bytes(bytes(size))
    except StorageError as error:
        assert "No space left on device" in str(error), error
        refused += 1
    assert sorted(path.name for path in disk.iterdir()) == before
    assert (disk / "pointer").read_bytes() == b"old"
    assert (disk / "old" / "a").read_bytes() == bytes(8192)
assert refused > 10, refused
"""


@pytest.mark.promise(8, gate=1, full=1)
def test_promise_08_a_full_disk_leaves_what_was_written_before(tmp_path: Path) -> None:
    mount = 'mount -t tmpfs -o size=128k tmpfs "$1"'
    unshare = shutil.which("unshare")
    if (
        unshare is None
        or subprocess.run(
            [unshare, "-rm", "sh", "-c", mount, "sh", str(tmp_path)], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("a small file system to fill cannot be mounted here")
    command = [unshare, "-rm", "sh", "-c", f'{mount} && exec "$2" -c "$3" "$1"', "sh"]
    subprocess.run([*command, str(tmp_path), sys.executable, FULL_DISK], check=True, timeout=60)
