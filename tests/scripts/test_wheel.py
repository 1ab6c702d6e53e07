"""The built wheel holds all that the program needs: it is installed into an empty environment and used elsewhere."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command: object, folder: Path, env: dict[str, str] | None = None, text: str = "") -> str:
    done = subprocess.run(
        list(map(str, command)), cwd=folder, env=env, input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    shutil.copytree(ROOT / "nmt", source / "nmt", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = ("wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", built, source)
    run(sys.executable, "-m", "pip", *build, folder=source)
    [path] = built.iterdir()
    return path


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds the wheel alone, and finds what it depends on where these tests do."""
    folder = tmp_path_factory.mktemp("environment") / "env"
    run(sys.executable, "-m", "venv", "--without-pip", folder, folder=folder.parent)
    python = folder / "bin" / "python"
    install = ("install", "--quiet", "--no-deps", "--no-index", "--no-compile", wheel)
    run(sys.executable, "-m", "pip", "--python", python, *install, folder=folder.parent)
    packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", folder=folder).strip())
    # A folder that a .pth file names is searched, but .pth files in it, such as that of an editable nmt, are not read.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def test_the_wheel_holds_every_file_of_the_package_and_no_other(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = (path for path in (ROOT / "nmt").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    assert packed == {path.relative_to(ROOT).as_posix() for path in files}


def test_what_was_installed_is_used_from_another_folder(environment, model, data, user_environment, tmp_path) -> None:
    env = {name: value for name, value in user_environment().items() if name != "PYTHONPATH"}
    nmt = environment / "bin" / "nmt"
    where = run(environment / "bin" / "python", "-c", "import nmt; print(nmt.__file__)", folder=tmp_path, env=env)
    assert Path(where.strip()).is_relative_to(environment)
    assert run(nmt, "translate", model, folder=tmp_path, env=env, text="ba ce\n\n").count("\n") == 2
    run(nmt, "attend", model, "ba ce", "--output", "page.html", folder=tmp_path, env=env)
    assert "</html>" in (tmp_path / "page.html").read_text()
    sides = [(data / f"train.{side}").read_text().splitlines() for side in ("xx", "yy")]
    (tmp_path / "pairs.tsv").write_text("".join(map("{}\t{}\n".format, *sides)))
    languages = ("--source-language", "xx", "--target-language", "yy")
    run(nmt, "prepare", "pairs.tsv", "--output", "out", *languages, "--no-trial", folder=tmp_path, env=env)
    assert (tmp_path / "out" / "config.yaml").exists()
