"""Claims about `nmt.io.locks`: one writer a run directory, and no stale lock."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from nmt.errors import RunInUseError, StorageError
from nmt.io.locks import RunLock, lock_holder

HOLD_THE_LOCK = """
import sys
from pathlib import Path
from nmt.io.locks import RunLock

with RunLock(Path(sys.argv[1]), *sys.argv[2:]):
    print("held", flush=True)
    sys.stdin.read()
assert "torch" not in sys.modules
"""


def holder(directory: Path, *job: str) -> subprocess.Popen[bytes]:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD_THE_LOCK, str(directory), *job], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdout is not None and child.stdout.readline() == b"held\n"
    return child


def test_a_second_writer_is_refused_and_told_who_the_first_is(tmp_path: Path) -> None:
    with holder(tmp_path) as child:
        with pytest.raises(RunInUseError) as caught, RunLock(tmp_path):
            pass
        assert str(caught.value) == f"{tmp_path}: in use by process {child.pid}"
        assert caught.value.exit_code == 75
        child.communicate()
    assert child.returncode == 0
    with RunLock(tmp_path):
        pass


def test_a_killed_holder_leaves_no_lock(tmp_path: Path) -> None:
    with holder(tmp_path) as child:
        child.send_signal(signal.SIGKILL)
    with RunLock(tmp_path):
        pass


def test_a_holder_of_the_same_job_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nmt.io.locks._SECONDS_BETWEEN_LOOKS", 0.01)
    with holder(tmp_path, "the job") as child:
        with pytest.raises(RunInUseError, match=f"process {child.pid}$"), RunLock(tmp_path, "another job"):
            pass
        threading.Timer(0.2, child.kill).start()
        begun = time.monotonic()
        with RunLock(tmp_path, "the job"):
            assert time.monotonic() - begun > 0.1
            monkeypatch.setattr("nmt.io.locks.SECONDS_FOR_OWN_JOB", 0.05)
            with pytest.raises(RunInUseError), RunLock(tmp_path, "the job"):
                pass


def test_who_has_lost_the_lock_knows(tmp_path: Path) -> None:
    with RunLock(tmp_path) as lock:
        lock.check()
        descriptor = lock._descriptor
        assert descriptor is not None
        fcntl.flock(descriptor, fcntl.LOCK_UN)  # as the server does that has not heard of a machine for long
        lock.check()  # nobody else has it, so it is taken again
        with pytest.raises(RunInUseError), RunLock(tmp_path):
            pass
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        with RunLock(tmp_path) as another:
            another.check()
            with pytest.raises(RunInUseError, match="another has taken over"):
                lock.check()
        with pytest.raises(RunInUseError):  # what the other wrote may be newer than all that is known here
            lock.check()


def test_a_lock_whose_file_is_gone_is_lost(tmp_path: Path) -> None:
    with RunLock(tmp_path) as lock:
        (tmp_path / ".lock").unlink()
        with RunLock(tmp_path), pytest.raises(RunInUseError):
            lock.check()


def test_a_file_that_is_removed_while_another_waits_is_held_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nmt.io.locks._SECONDS_BETWEEN_LOOKS", 0.01)
    with holder(tmp_path, "job") as child:
        threading.Timer(0.2, lambda: ((tmp_path / ".lock").unlink(), child.kill())).start()
        with RunLock(tmp_path, "job") as waited:
            with pytest.raises(RunInUseError), RunLock(tmp_path):
                pass
            waited.check()


@pytest.mark.parametrize("place", ["nmt.io.locks.still_locked", "pathlib.Path.read_bytes"])
def test_a_file_system_that_cannot_say_who_has_the_lock_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with RunLock(tmp_path) as lock:
        with monkeypatch.context() as patched:
            patched.setattr(place, fail)
            with pytest.raises(StorageError, match="Input/output error"):
                lock.check()
        lock.check()


LEAVE_A_CHILD = """
import os, sys, time
from pathlib import Path
from nmt.io.locks import RunLock

with RunLock(Path(sys.argv[1])):
    child = os.fork()
    if child == 0:
        os.close(1)
        time.sleep(60)
        os._exit(0)
print(child)
"""


def test_a_lock_is_given_back_though_a_forked_child_lives_on(tmp_path: Path) -> None:
    child = int(subprocess.check_output([sys.executable, "-c", LEAVE_A_CHILD, str(tmp_path)]))
    try:
        with RunLock(tmp_path):
            pass
    finally:
        os.kill(child, signal.SIGKILL)


def test_who_only_looks_at_the_lock_refuses_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nmt.io.locks._TRIES", 500)
    with RunLock(tmp_path):
        pass
    with (tmp_path / ".lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        timer = threading.Timer(0.03, fcntl.flock, (file, fcntl.LOCK_UN))
        timer.start()
        with RunLock(tmp_path):
            assert lock_holder(tmp_path) is not None
        timer.join()


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK])
def test_a_file_system_without_locks_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, number: int
) -> None:
    def flock(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    with RunLock(tmp_path) as first:
        assert lock_holder(tmp_path) is None
        first.check()
        with RunLock(tmp_path) as second:  # the last to come has it
            second.check()
            with pytest.raises(RunInUseError):
                first.check()
    assert f"{tmp_path}: its file system has no locks" in caplog.text
    number = errno.EIO
    with pytest.raises(StorageError), RunLock(tmp_path):
        pass
    with pytest.raises(StorageError):
        lock_holder(tmp_path)


def test_one_process_cannot_lock_twice(tmp_path: Path) -> None:
    with RunLock(tmp_path), pytest.raises(RunInUseError, match=f"process {os.getpid()}"), RunLock(tmp_path):
        pass


def test_control_characters_in_a_lock_file_are_not_shown(tmp_path: Path) -> None:
    with RunLock(tmp_path):
        (tmp_path / ".lock").write_text("12 \x1b[2J")
        with pytest.raises(RunInUseError, match="in use by another process"), RunLock(tmp_path):
            pass


@pytest.mark.parametrize("has_flag", [True, False])
def test_a_lock_file_that_is_a_link_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_flag: bool
) -> None:
    if not has_flag:
        monkeypatch.delattr(os, "O_NOFOLLOW")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".lock").symlink_to(tmp_path / "outside")
    with pytest.raises(StorageError), RunLock(tmp_path / "run"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_lock_that_is_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / ".lock")
    for attempt in (lambda: RunLock(tmp_path).__enter__(), lambda: lock_holder(tmp_path)):
        with pytest.raises(StorageError, match=r"\.lock: is no regular file"):
            attempt()
