"""Claims about `scripts/install.sh`, with a Python that only notes what it is asked to do."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# "-m venv" makes an environment whose Python is this same script; without ensurepip it fails, and leaves half of one.
PYTHON = """#!/bin/sh
case "$*" in
    -c*) exit 0 ;;
    "-m pip --version") [ -e "$CLONE/.venv/pip" ]; exit ;;
    *" wheel "*) mkdir -p "$CLONE/.venv/wheels"; touch "$CLONE/.venv/wheels/packed"; exit "${CODE_OF_WHEEL:-0}" ;;
esac
echo "$*" >>"$CLONE/asked"
case "$*" in
    *"-m venv"*)
        rm -rf "$CLONE/.venv"
        mkdir -p "$CLONE/.venv/bin"
        cp "$CLONE/programs/python3" "$CLONE/.venv/bin/python"
        [ -z "$NO_ENSUREPIP" ] || exit 1
        touch "$CLONE/.venv/pip" ;;
esac
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for name in ("scripts/install.sh", "pyproject.toml", "constraints.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs" / "python3").write_text(PYTHON)
    (tmp_path / "programs" / "python3").chmod(0o755)
    return tmp_path


def install(clone: Path, *arguments: str, code: int = 0, **settings: str) -> list[str]:
    """Runs the script; returns the ends of what Python was asked for."""
    (clone / "asked").unlink(missing_ok=True)
    environment = {
        "PATH": f"{clone}/programs:{os.environ['PATH']}",
        "CLONE": str(clone),
        "NO_ENSUREPIP": "",
        **settings,
    }
    command = ["bash", str(clone / "scripts" / "install.sh"), *arguments]
    assert subprocess.run(command, env=environment, check=False, capture_output=True).returncode == code
    asked = (clone / "asked").read_text().splitlines() if (clone / "asked").exists() else []
    return [line.split()[-1] for line in asked]


def test_what_is_installed_is_not_installed_again(clone: Path) -> None:
    assert install(clone) == [".venv", "."]
    assert install(clone) == []
    assert install(clone, "dev") == [".[dev]", "pyspark"]
    for _ in range(2):
        assert install(clone) == install(clone, "dev") == []


def test_other_versions_are_installed(clone: Path) -> None:
    install(clone, "dev")
    (clone / "constraints.txt").write_text("torch==2.0\n")
    assert install(clone) == ["."]
    assert install(clone, "dev") == [".[dev]", "pyspark"]


def test_half_an_environment_is_made_anew(clone: Path) -> None:
    assert install(clone, code=1, NO_ENSUREPIP="1") == [".venv"]
    assert (clone / ".venv" / "bin" / "python").exists()
    assert install(clone) == [".venv", "."]


def test_where_pyspark_cannot_be_packed_it_is_tried_again(clone: Path) -> None:
    assert install(clone, "dev", code=1, CODE_OF_WHEEL="1") == [".venv", ".[dev]"]
    assert install(clone, "dev") == [".[dev]", "pyspark"]
    assert not (clone / ".venv" / "wheels").exists()


def test_only_for_tests_is_compiling_left_to_the_first_import(clone: Path) -> None:
    for extra, expected in ((), False), (("dev",), True):
        install(clone, *extra)
        asked = [line for line in (clone / "asked").read_text().splitlines() if " install " in line]
        assert asked and all(("--no-compile" in line) == expected for line in asked)
