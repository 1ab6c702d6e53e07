"""Shells complete commands and options, without torch; what a shell needs for that is put into the home alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = "from nmt.__main__ import main; main()"


def asked_by_bash(typed):
    return {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}


def asked_by_zsh(typed):
    return {"_TYPER_COMPLETE_ARGS": typed}


def asked_by_fish(typed):
    return {"_TYPER_COMPLETE_ARGS": typed, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}


SHELLS = {"bash": asked_by_bash, "zsh": asked_by_zsh, "fish": asked_by_fish}
WRITTEN = {
    "bash": {".bashrc", ".bash_completions/nmt.sh"},
    "zsh": {".zshrc", ".zfunc/_nmt"},
    "fish": {".config/fish/completions/nmt.fish"},
}


@pytest.mark.parametrize(
    ("typed", "expected", "other"),
    [("nmt tran", "translate", "train "), ("nmt translate --beam", "--beam-size", "--batch-tokens")],
)
@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes_commands_and_options(shell, typed, expected, other, user_environment, tmp_path):
    asked = SHELLS[shell](typed)
    environment = user_environment(**asked, _NMT_COMPLETE=f"complete_{shell}", PYTHONPATH=str(ROOT))
    command = [sys.executable, "-X", "importtime", "-c", PROGRAM]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert expected in done.stdout and other not in done.stdout
    assert shell != "bash" or done.stdout.split() == [expected]
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "typer" in imported and not imported & {"torch", "numpy", "sentencepiece", "sacrebleu"}
    assert not list(tmp_path.iterdir())


def test_a_shell_completes_paths_itself(user_environment):
    environment = user_environment(_NMT_COMPLETE="source_bash")
    done = subprocess.run([sys.executable, "-m", "nmt"], env=environment, capture_output=True, text=True, check=False)
    assert "complete -o default -F" in done.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_installing_writes_into_the_home_and_twice_is_once(shell, process, user_environment, tmp_path):
    changes = {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    environment = user_environment(**changes)
    environment.pop("XDG_CONFIG_HOME", None)
    contents = []
    for _ in range(2):
        done = process("--install-completion", shell, env=environment)
        assert done.code == 0 and f"{shell} completion installed in {tmp_path}/" in done.out.decode()
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        contents.append({str(path.relative_to(tmp_path)): path.read_text().rstrip() for path in files})
    assert contents[0] == contents[1] and contents[0].keys() == WRITTEN[shell]
    assert "_NMT_COMPLETE" in "".join(contents[0].values())
