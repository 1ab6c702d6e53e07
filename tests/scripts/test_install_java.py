"""Claims about `scripts/install_java.sh`, with an apt-get that only notes what it is asked to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from made_up_machine import MadeUpMachine

SCRIPT = Path(__file__).parents[2] / "scripts" / "install_java.sh"
JAVA = "default-jre-headless"


def machine_in(directory: Path, **options: Any) -> MadeUpMachine:
    return MadeUpMachine(directory, SCRIPT, needs=("sed", "head"), **options)


@pytest.mark.parametrize(
    ("version", "installs"), [("17.0.15", False), ("21", False), ("1.8.0_412", True), ("11.0.2", True)]
)
def test_a_java_that_is_new_enough_is_enough(version: str, installs: bool, tmp_path: Path) -> None:
    machine = machine_in(tmp_path, there="java", says=f'openjdk version "{version}" 2025-04-15')
    assert bool(machine.run()) == machine.installs(JAVA) == installs


def test_root_gets_it_by_apt_get(tmp_path: Path) -> None:
    machine = machine_in(tmp_path)
    assert "Installing Java by apt-get" in machine.run() and machine.installs(JAVA)


def test_who_is_not_root_is_told_what_is_skipped(tmp_path: Path) -> None:
    machine = machine_in(tmp_path, user=1000)
    assert "the test that translates with Spark will be skipped." in machine.run() and not machine.installs(JAVA)


def test_the_gate_goes_on_where_it_cannot_be_installed(tmp_path: Path) -> None:
    machine = machine_in(tmp_path, code=100)
    assert "will be skipped: apt-get could not install it" in machine.run() and machine.installs(JAVA)
