"""Claims about `scripts/install_browser.sh`, with an apt-get that only notes what it is asked to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from made_up_machine import MadeUpMachine

SCRIPT = Path(__file__).parents[2] / "scripts" / "install_browser.sh"


@pytest.mark.parametrize("name", ["chromium", "google-chrome"])
def test_a_browser_that_is_there_is_enough(name: str, tmp_path: Path) -> None:
    machine = MadeUpMachine(tmp_path, SCRIPT, there=name)
    assert machine.run() == machine.run("--browser") == "" and not machine.installs("chromium")


def test_nothing_is_installed_without_being_asked_for(tmp_path: Path) -> None:
    machine = MadeUpMachine(tmp_path, SCRIPT)
    assert "will be skipped; scripts/test.sh --browser installs one" in machine.run()
    assert not machine.installs("chromium")


@pytest.mark.parametrize(("answer", "installs"), [("y", True), ("n", False), ("", False)])
def test_on_a_terminal_it_asks(answer: str, installs: bool, tmp_path: Path) -> None:
    machine = MadeUpMachine(tmp_path, SCRIPT)
    machine.run_on_a_terminal(answer)
    assert machine.installs("chromium") == installs


def test_who_is_not_root_is_not_asked(tmp_path: Path) -> None:
    machine = MadeUpMachine(tmp_path, SCRIPT, user=1000)
    assert "will be skipped" in machine.run("--browser") and not machine.installs("chromium")


def test_the_gate_goes_on_where_it_cannot_be_installed(tmp_path: Path) -> None:
    machine = MadeUpMachine(tmp_path, SCRIPT, code=100)
    assert "will be skipped: apt-get could not install it" in machine.run("--browser") and machine.installs("chromium")
