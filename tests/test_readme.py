"""The documents say what the program does: its options, keys and exit codes, and links that lead somewhere."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

import nmt
from nmt.cli.main import app
from nmt.config import as_documentation, from_yaml
from nmt.errors import NmtError, StoppedError
from nmt.visualization.heatmap import CELL, SHADES, heatmap
from proofs import PROMISES

ROOT = Path(__file__).parents[1]
DOCUMENTS = ["README.md", "data/README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROGRAM: Any = typer.main.get_command(app)
COMMANDS: dict[str, Any] = PROGRAM.commands
SHARED_OPTIONS = "Options of several commands"


def section(title: str) -> str:
    """The text below a heading, up to the next of its level or above."""
    found = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^#{{1,3}} |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found, f"there is no heading {title!r}"
    return found[2]


def rows(text: str) -> Iterator[list[str]]:
    """The cells of each row of the tables in a text."""
    for line in text.splitlines():
        if line.startswith("|"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def mentioned_options(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))


def options_of(command: str) -> set[str]:
    return {name for parameter in COMMANDS[command].params for name in parameter.opts if name.startswith("--")}


def code_blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def without_blocks(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(text: str) -> set[str]:
    """The names by which GitHub links to the headings of a document."""
    headings = re.findall(r"^#+ (.*)$", without_blocks(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def documented_commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each command line of `nmt` in the shell blocks of a text: the command and its options."""
    for block in code_blocks(text, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            _, is_there, arguments = line.partition("nmt ")
            if is_there:
                words = list(shlex.shlex(arguments, posix=True, punctuation_chars="|<>;&"))
                end = next((place for place, word in enumerate(words) if word[0] in "|<>;&"), len(words))
                yield words[0], [word for word in words[1:end] if word.startswith("--")]


def test_the_heatmap_is_as_the_program_draws_it() -> None:
    """Its words, and weights in the middle of what each shade stands for, give the same picture."""
    [picture] = code_blocks(README.partition("<!-- heatmap -->\n")[2].partition("<!-- /heatmap -->")[0], "text")
    source, target, *drawn = picture.splitlines()
    words = target.split()
    margin = max(map(len, words)) + 1
    cells = [row[margin::CELL].ljust(len(source.split())) for row in drawn[-len(words) :]]
    weights = np.array([[(SHADES.index(cell) + 0.5) / len(SHADES) for cell in row] for row in cells])
    assert drawn == heatmap(source.split(), words, weights)


def test_the_table_of_keys_is_up_to_date() -> None:
    _, _, after = README.partition("<!-- configuration -->\n")
    assert after.partition("<!-- /configuration -->")[0] == as_documentation()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_a_command_is_described(command: str) -> None:
    described = mentioned_options(without_blocks(section(f"`nmt {command}`")))
    for option, commands, *_ in rows(section(SHARED_OPTIONS)):
        if command in commands.split(", "):
            described |= mentioned_options(option)
    assert options_of(command) - described == set()


def test_shared_options_are_listed_with_commands_that_have_them() -> None:
    for option, commands, *_ in list(rows(section(SHARED_OPTIONS)))[2:]:
        for command in commands.split(", "):
            assert mentioned_options(option) <= options_of(command), f"{command} has no {option}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_examples_use_commands_and_options_that_exist(document: str) -> None:
    for command, options in documented_commands((ROOT / document).read_text(encoding="utf-8")):
        assert command in COMMANDS
        assert set(options) <= options_of(command)


def test_examples_of_commands_are_found() -> None:
    assert ("translate", ["--n-best"]) in list(documented_commands(README))
    assert {command for command, _ in documented_commands(README)} == set(COMMANDS)


def test_every_exit_code_is_in_the_table() -> None:
    codes = {int(code) for first, *_ in rows(section("Exit codes")) for code in re.findall(r"\d+", first)}
    errors = {error.exit_code for error in NmtError.__subclasses__() if error is not StoppedError}
    assert codes == errors | {0, NmtError.exit_code, 130, 143, 141}


def test_the_table_of_promises_has_those_that_are_proved() -> None:
    told = {int(number): promise for number, promise, *_ in list(rows(section("What is promised")))[2:]}
    assert list(told) == list(PROMISES)
    for number, promise in told.items():
        assert promise.startswith(f"**{PROMISES[number]}.** ")


def test_examples_of_configurations_are_accepted() -> None:
    examples = code_blocks(README, "yaml")
    assert len(examples) == 2
    for example in examples:
        from_yaml(example, "README.md")


def test_names_imported_in_examples_exist() -> None:
    examples = code_blocks(README, "python")
    assert len(examples) == 2
    for example in examples:
        for node in ast.walk(ast.parse(example)):
            if isinstance(node, ast.ImportFrom) and node.module == "nmt":
                assert {alias.name for alias in node.names} <= set(nmt.__all__)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_relative_links_lead_somewhere(document: str) -> None:
    path = ROOT / document
    text = path.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", without_blocks(text))):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = path.parent / file if file else path
        assert target.exists(), f"{link}: there is no such file"
        assert not anchor or anchor in anchors(target.read_text(encoding="utf-8")), f"{link}: no such heading"


def test_every_kind_of_finding_is_listed() -> None:
    listed = {
        kind for _, kinds in list(rows(section("`nmt check`")))[2:] for kind in re.findall(r"`([a-z_0-9]+)`", kinds)
    }
    source = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "nmt" / "checking").glob("*.py")))
    found = set(re.findall(r'Group\.[A-Z]+,\s+"([a-z_0-9]+)"', source))
    assert len(found) > 30 and found - listed == set()
