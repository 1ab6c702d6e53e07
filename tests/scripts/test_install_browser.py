"""Claims about `scripts/install_browser.sh`, with an apt-get that only notes what it is asked to do."""

from __future__ import annotations

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


def run(directory: Path, *, user: int, code: int = 0, there: str | None = None) -> tuple[list[str], str]:
    """Runs the script where there are few programs; what apt-get was asked for, and what was told."""
    programs, asked = directory / "programs", directory / "asked"
    programs.mkdir()
    files = {"apt-get": APT_GET.format(bash=BASH, asked=asked, code=code), "id": f"#!{BASH}\necho {user}\n"}
    files["timeout"] = f'#!{BASH}\nshift\nexec "$@"\n'
    if there:
        files[there] = f"#!{BASH}\n"
    for name, text in files.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    done = subprocess.run([BASH, SCRIPT], env={"PATH": str(programs)}, capture_output=True, text=True, check=True)
    return asked.read_text().splitlines() if asked.exists() else [], done.stderr


@pytest.mark.parametrize("name", ["chromium", "google-chrome"])
def test_a_browser_that_is_there_is_enough(name: str, tmp_path: Path) -> None:
    assert run(tmp_path, user=0, there=name) == ([], "")


def test_nothing_is_installed_that_would_need_asking(tmp_path: Path) -> None:
    asked, told = run(tmp_path, user=1000)
    assert asked == [] and "will be skipped" in told


def test_the_gate_goes_on_where_it_cannot_be_installed(tmp_path: Path) -> None:
    asked, told = run(tmp_path, user=0, code=100)
    assert any("install --yes" in line and "chromium" in line for line in asked) and "will be skipped" in told
