"""Importing, training and translating where Python has what it has on Windows, in all processes; see `like_windows`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import like_windows
import nmt
from program import configuration_text


@pytest.fixture
def surroundings(user_environment):
    path = ":".join((*like_windows.__path__, str(Path(nmt.__file__).parents[1])))
    return user_environment(PYTHONPATH=path, NO_COLOR="1")


def test_the_stand_in_takes_away(surroundings):
    program = "import os, select, signal; print([hasattr(os, 'pread'), hasattr(select, 'poll')]); import fcntl"
    done = subprocess.run(
        [sys.executable, "-c", program], env=surroundings, capture_output=True, text=True, check=False
    )
    assert done.stdout == "[False, False]\n" and "ModuleNotFoundError: import of fcntl" in done.stderr


@pytest.mark.slow
def test_checking_training_and_translating_need_nothing_of_posix(process, make_corpus, surroundings, tmp_path):
    make_corpus(tmp_path / "data", training_pairs=9000)  # encoded by several processes
    configuration, run = tmp_path / "my.yaml", tmp_path / "run"
    configuration.write_text(configuration_text(tmp_path / "data"))
    (tmp_path / "empty").mkdir()
    limits = ["--output", run, "--set", "training={max_steps: 2, validate_every: 1}"]
    for arguments in (
        ("check", configuration, *limits),
        ("train", configuration, *limits),
        ("translate", run),
        ("export", run, tmp_path / "empty"),
    ):
        done = process(*arguments, stdin=b"ba ce\nfo\n", env=surroundings)
        assert done.code == 0 and "Traceback" not in done.err, done.err
        assert arguments[0] != "translate" or len(done.lines) == 2


LOCK = """
import sys
from pathlib import Path
from nmt.errors import RunInUseError
from nmt.io.locks import RunLock, lock_holder

try:
    with RunLock(Path(sys.argv[1])):
        print("held", flush=True)
        sys.stdin.read()
except RunInUseError as error:
    print(error, lock_holder(Path(sys.argv[1])), sep="; ")
"""


def test_a_run_is_locked(surroundings, tmp_path):
    command = [sys.executable, "-c", LOCK, str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=surroundings, stdin=pipe, stdout=pipe) as holder:
        assert holder.stdout.readline() == b"held\n"
        told = subprocess.check_output(command, env=surroundings, input=b"").decode()
        who = f"process {holder.pid}"
        assert told == f"{tmp_path}: in use by {who}; {who}\n"
        holder.communicate()
    assert subprocess.check_output(command, env=surroundings, input=b"") == b"held\n"


def test_a_typed_line_is_answered_before_the_next(model, surroundings):
    program = [sys.executable, "-m", "nmt", "translate", str(model), "--quiet"]
    pipe = subprocess.PIPE
    with subprocess.Popen(program, env=surroundings, stdin=pipe, stdout=pipe, bufsize=0) as child:
        for _ in range(2):
            child.stdin.write(b"ba ce\n")
            assert child.stdout.readline().endswith(b"\n")
        child.stdin.close()
    assert child.returncode == 0
