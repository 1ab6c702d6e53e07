"""Shells complete commands and options, without torch."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(("typed", "expected"), [("nmt tran", "translate"), ("nmt translate --beam", "--beam-size")])
def test_a_shell_completes_commands_and_options(typed, expected, user_environment):
    count = str(len(typed.split()) - 1)
    environment = user_environment(COMP_WORDS=typed, COMP_CWORD=count, _NMT_COMPLETE="complete_bash")
    program = "from nmt.__main__ import main; main()"
    command = [sys.executable, "-X", "importtime", "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == [expected]
    assert "| torch" not in done.stderr.replace("  ", " ")


def test_a_shell_completes_paths_itself(user_environment):
    environment = user_environment(_NMT_COMPLETE="source_bash")
    done = subprocess.run([sys.executable, "-m", "nmt"], env=environment, capture_output=True, text=True, check=False)
    assert "complete -o default -F" in done.stdout
