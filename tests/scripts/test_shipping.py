"""What others install: a wheel that holds all, used from another folder, and the steps of the Dockerfile.

The steps run where no engine is, their paths put into folders of the test. What pip would fetch is what these tests run
with.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sysconfig
import time
from pathlib import Path
from typing import NamedTuple

import pytest
import typer

from nmt.cli.main import app

ROOT = Path(__file__).parents[2]
READ_ONLY = ("unshare", "--mount", "--map-root-user", "sh", "-c", 'mount -o remount,bind,ro / && exec "$@"', "sh")
KNOWN = {"FROM", "ARG", "ENV", "WORKDIR", "RUN", "COPY", "USER", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"}


class Instruction(NamedTuple):
    name: str
    text: str

    def words(self) -> list[str]:
        """The form of a command that no shell reads."""
        return list(json.loads(self.text[self.text.index("[") :]))


def instructions() -> list[Instruction]:
    lines = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [Instruction(*line.split(maxsplit=1)) for line in lines.splitlines() if line.strip()]


STEPS = instructions()


def last(name: str) -> Instruction:
    return next(step for step in reversed(STEPS) if step.name == name)


def test_every_instruction_is_one_that_is_tried_here() -> None:
    assert {step.name for step in STEPS} == KNOWN


def test_it_is_no_superuser_and_keys_are_asked_for_where_all_may_connect() -> None:
    assert int(last("USER").text) > 0
    command = last("CMD").words()
    assert command[0] == "serve" and "--api-key-file" in command and "--allow-anyone" not in command
    assert last("EXPOSE").text == command[command.index("--port") + 1]


def test_what_is_copied_is_there_and_not_ignored() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [step.text.split()[:-1] for step in STEPS if step.name == "COPY" and "--from" not in step.text]
    assert {name for names in copied for name in names} == kept
    assert all((ROOT / name).exists() for name in kept)


def test_the_unit_of_systemd_gives_the_service_options_that_it_has_and_time_to_finish() -> None:
    # Its keys may come again, which no key of these does, and have no section twice.
    unit = configparser.ConfigParser(strict=True, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string((ROOT / "scripts" / "service" / "nmt.service").read_text())
    service = unit["Service"]
    options = typer.main.get_command(app).commands["serve"]  # type: ignore[attr-defined]
    known = {name for parameter in options.params for name in parameter.opts}
    given = {word for word in service["ExecStart"].split() if word.startswith("--")}
    assert given and given <= known
    [grace] = [parameter.default for parameter in options.params if parameter.name == "grace"]
    assert float(service["TimeoutStopSec"]) > grace
    if analyze := shutil.which("systemd-analyze"):
        path = ROOT / "scripts" / "service" / "nmt.service"
        said = subprocess.run([analyze, "verify", path], capture_output=True, text=True, check=False).stderr
        faults = [line for line in said.splitlines() if "nmt.service" in line and "is not executable" not in line]
        assert faults == []


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the installed program, after the steps of the first stage."""
    source, program = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("opt") / "nmt"
    for step in STEPS[: [step.name for step in STEPS].index("FROM", 1)]:
        if step.name == "COPY":
            *names, target = step.text.split()
            for name in names:
                place = source / (name if target == "./" else target)
                if (ROOT / name).is_dir():
                    shutil.copytree(ROOT / name, place, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(ROOT / name, place)
        elif step.name == "RUN":
            # Where they are found, pip fetches no dependency; and it builds with what is there.
            found = {"PYTHONPATH": sysconfig.get_path("purelib"), "PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0"}
            run = step.text.replace("/opt/nmt", str(program))
            done = subprocess.run(
                ["sh", "-ec", run], cwd=source, env=os.environ | found, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr
    return program


def environment_of(user_environment, **changes: str) -> dict[str, str]:
    """A shell's, in which the installed program finds what it depends on, but no other nmt."""
    # Of a folder on this path, .pth files such as that of an editable nmt are not read.
    return user_environment(**changes, PYTHONPATH=sysconfig.get_path("purelib"))


def test_the_wheel_holds_every_file_of_the_package_and_no_other(built) -> None:
    [package] = (built / "lib").glob("python3*/site-packages/nmt")

    def files(folder: Path) -> set[str]:
        found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        return {path.relative_to(folder).as_posix() for path in found}

    assert files(package) == files(ROOT / "nmt")


def test_what_was_installed_is_used_from_another_folder(built, model, user_environment, tmp_path) -> None:
    env = environment_of(user_environment)

    def run(*command: object, text: str = "") -> str:
        words = [str(word) for word in command]
        done = subprocess.run(words, cwd=tmp_path, env=env, input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = run(built / "bin" / "python", "-c", "import nmt; print(nmt.__file__)")
    assert Path(where.strip()).is_relative_to(built)
    nmt = built / "bin" / "nmt"
    assert run(nmt, "translate", model, text="ba ce\n\n").count("\n") == 2
    run(nmt, "attend", model, "ba ce", "--output", "page.html")
    assert "</html>" in (tmp_path / "page.html").read_text()


def test_it_serves_and_is_healthy_where_nothing_can_be_written(built, model, user_environment, tmp_path) -> None:
    if subprocess.run([*READ_ONLY, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system lets no process have a file system of its own")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    keys = tmp_path / "keys"
    keys.write_text("of-this-test-0123456789\n")
    places = {"/model": str(model), "/run/secrets/nmt-keys": str(keys), "5000": str(port), "0.0.0.0": "127.0.0.1"}
    program = str(built / "bin" / last("ENTRYPOINT").words()[0])
    command = [program, *(places.get(word, word) for word in last("CMD").words())]
    settings = environment_of(user_environment, PYTHONDONTWRITEBYTECODE="1")
    health = [word.replace("5000", str(port)) for word in last("HEALTHCHECK").words()]
    with subprocess.Popen([*READ_ONLY, *command], env=settings, cwd="/", stderr=subprocess.PIPE) as server:
        try:
            until = time.monotonic() + 60
            while subprocess.run(health, capture_output=True, check=False).returncode and server.poll() is None:
                assert time.monotonic() < until, "not healthy after a minute"
                time.sleep(0.2)
        finally:
            server.send_signal(signal.SIGTERM)
            _, said = server.communicate(timeout=60)
    assert server.returncode in (0, 143), said.decode()
