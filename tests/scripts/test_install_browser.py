"""Claims about `scripts/install_browser.sh`, with an apt-get that only notes what it is asked to do."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "install_browser.sh"
BASH = shutil.which("bash") or "/bin/bash"
APT_GET = """#!{bash}
echo "$*" >>"{asked}"
exit {code}
"""


class Machine:
    """A machine with few programs, of which apt-get notes what it is asked for."""

    def __init__(self, directory: Path, *, user: int = 0, code: int = 0, there: str | None = None) -> None:
        self._asked = directory / "asked"
        self._programs = directory / "programs"
        self._programs.mkdir()
        files = {"apt-get": APT_GET.format(bash=BASH, asked=self._asked, code=code), "id": f"#!{BASH}\necho {user}\n"}
        files["timeout"] = f'#!{BASH}\nshift\nexec "$@"\n'
        if there:
            files[there] = f"#!{BASH}\n"
        for name, text in files.items():
            (self._programs / name).write_text(text)
            (self._programs / name).chmod(0o755)

    @property
    def installs_chromium(self) -> bool:
        """True if apt-get was asked for it."""
        lines = self._asked.read_text().splitlines() if self._asked.exists() else []
        return any("install --yes" in line and "chromium" in line for line in lines)

    def run(self, *arguments: str) -> str:
        """Runs the script without a terminal, and returns its messages."""
        command = [BASH, SCRIPT, *arguments]
        environment = {"PATH": str(self._programs)}
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
        )
        return done.stderr

    def run_on_a_terminal(self, answer: str) -> None:
        """Runs the script on a terminal, where somebody types the answer."""
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            [BASH, SCRIPT], env={"PATH": str(self._programs)}, stdin=theirs, stdout=theirs, stderr=theirs
        ) as child:
            os.close(theirs)
            os.write(ours, f"{answer}\n".encode())
            assert child.wait(timeout=30) == 0
        os.close(ours)


@pytest.mark.parametrize("name", ["chromium", "google-chrome"])
def test_a_browser_that_is_there_is_enough(name: str, tmp_path: Path) -> None:
    machine = Machine(tmp_path, there=name)
    assert machine.run() == machine.run("--browser") == "" and not machine.installs_chromium


def test_nothing_is_installed_without_being_asked_for(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    assert "will be skipped; scripts/test.sh --browser installs one" in machine.run()
    assert not machine.installs_chromium


@pytest.mark.parametrize(("answer", "installs"), [("y", True), ("n", False), ("", False)])
def test_on_a_terminal_it_asks(answer: str, installs: bool, tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.run_on_a_terminal(answer)
    assert machine.installs_chromium == installs


def test_who_is_not_root_is_not_asked(tmp_path: Path) -> None:
    machine = Machine(tmp_path, user=1000)
    assert "will be skipped" in machine.run("--browser") and not machine.installs_chromium


def test_the_gate_goes_on_where_it_cannot_be_installed(tmp_path: Path) -> None:
    machine = Machine(tmp_path, code=100)
    assert "will be skipped: apt-get could not install it" in machine.run("--browser") and machine.installs_chromium
