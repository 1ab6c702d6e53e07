"""A machine for scripts that install programs, whose apt-get only notes what it is asked to do."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

BASH = shutil.which("bash") or "/bin/bash"
APT_GET = """#!{bash}
echo "$*" >>"{asked}"
exit {code}
"""


class MadeUpMachine:
    """A machine with few programs.

    Args:
        directory: an empty one.
        script: that is run there.
        user: number of the user.
        code: exit code of apt-get.
        there: a program that is installed already, which writes `says` to standard error.
        needs: other programs that the script needs.
    """

    def __init__(
        self,
        directory: Path,
        script: Path,
        *,
        user: int = 0,
        code: int = 0,
        there: str | None = None,
        says: str = "",
        needs: Sequence[str] = (),
    ) -> None:
        self._script = script
        self._asked = directory / "asked"
        self._programs = directory / "programs"
        self._programs.mkdir()
        files = {"apt-get": APT_GET.format(bash=BASH, asked=self._asked, code=code), "id": f"#!{BASH}\necho {user}\n"}
        files["timeout"] = f'#!{BASH}\nshift\nexec "$@"\n'
        if there:
            files[there] = f"#!{BASH}\necho '{says}' >&2\n"
        for name, text in files.items():
            (self._programs / name).write_text(text)
            (self._programs / name).chmod(0o755)
        for name in needs:
            (self._programs / name).symlink_to(shutil.which(name) or name)

    def installs(self, package: str) -> bool:
        """True if apt-get was asked for it."""
        lines = self._asked.read_text().splitlines() if self._asked.exists() else []
        return any("install --yes" in line and package in line for line in lines)

    def run(self, *arguments: str) -> str:
        """Runs the script without a terminal, and returns its messages."""
        command = [BASH, self._script, *arguments]
        environment = {"PATH": str(self._programs)}
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
        )
        return done.stderr

    def run_on_a_terminal(self, answer: str) -> None:
        """Runs the script on a terminal, where somebody types the answer."""
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            [BASH, self._script], env={"PATH": str(self._programs)}, stdin=theirs, stdout=theirs, stderr=theirs
        ) as child:
            os.close(theirs)
            os.write(ours, f"{answer}\n".encode())
            assert child.wait(timeout=30) == 0
        os.close(ours)
