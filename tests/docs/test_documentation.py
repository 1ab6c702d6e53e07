"""The documents say what the program does: its options, keys and exit codes, and links that lead somewhere."""

from __future__ import annotations

import ast
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import nmt
from nmt.config import from_yaml
from nmt.errors import NmtError, StoppedError
from nmt.preflight.traits import TRAITS

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "generate_docs.py"
GENERATOR = runpy.run_path(str(SCRIPT), run_name="generate_docs")
COMMANDS: dict[str, Any] = GENERATOR["COMMANDS"]
updated = GENERATOR["updated"]

PAGES = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")}
DOCUMENTS = sorted({"README.md", "data/README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"} | PAGES)


def read(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def page_of(command: str) -> str:
    return read(f"docs/commands/{command}.md")


def section(document: str, title: str) -> str:
    """The text below a heading, up to the next of its level or above."""
    found = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^#{{1,2}} |\Z)", read(document), re.MULTILINE | re.DOTALL)
    assert found, f"{document} has no heading {title!r}"
    return found[2]


def rows(text: str) -> Iterator[list[str]]:
    """The cells of each row of the tables in a text, their heads left out."""
    lines = text.splitlines()
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith("|") and not line.startswith("| --- ") and not below.startswith("| --- "):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def mentioned_options(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))


def options_of(command: str) -> set[str]:
    return {name for parameter in COMMANDS[command].params for name in parameter.opts if name.startswith("--")}


def code_blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def without_blocks(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def without_tables(text: str) -> str:
    """The text without what the generator wrote."""
    return re.sub(r"<!-- (\w[^>]*) -->\n.*?<!-- /\1 -->", "", text, flags=re.DOTALL)


def anchors(text: str) -> set[str]:
    """The names by which the repository's web view links to the headings of a document."""
    names: set[str] = set()
    for heading in re.findall(r"^#+ (.*)$", without_blocks(text), re.MULTILINE):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        copies = (f"{name}-{number}" for number in range(1, 100))
        names.add(name if name not in names else next(copy for copy in copies if copy not in names))
    return names


def documented_commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each command line of `nmt` in the shell blocks of a text: the command and its options."""
    for block in code_blocks(text, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            if "nmt " not in line:
                continue
            words = list(shlex.shlex(line, posix=True, punctuation_chars="|<>;&"))
            ends = [place for place, word in enumerate(words) if word[0] in "|<>;&"]
            for start, stop in zip([0, *(end + 1 for end in ends)], [*ends, len(words)], strict=True):
                if "nmt" in words[start:stop]:
                    command, *arguments = words[words.index("nmt", start) + 1 : stop]
                    yield command, [word.partition("=")[0] for word in arguments if word.startswith("--")]


def test_tables_made_from_the_code_are_up_to_date() -> None:
    """`python scripts/generate_docs.py` rewrites those that are not."""
    assert GENERATOR["stale"](ROOT / page for page in sorted(PAGES)) == []


def test_check_says_that_all_pages_are_up_to_date() -> None:
    ran = subprocess.run([sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_a_table_that_was_edited_is_found_and_mended() -> None:
    page = page_of("score")
    edited = page.replace("| `--per-token` |", "| `--per-word` |")
    assert edited != page
    assert updated(edited) == page


def test_a_table_of_an_unknown_command_is_an_error() -> None:
    with pytest.raises(ValueError, match="there is no command trnaslate"):
        updated("<!-- options: trnaslate -->\n<!-- /options: trnaslate -->\n")


def test_tables_do_not_depend_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("TERMINAL_WIDTH", "30")
    assert updated(page_of("translate")) == page_of("translate")


@pytest.mark.parametrize("name", ["commands", "shared options"])
def test_the_page_of_all_commands_has_its_tables(name: str) -> None:
    table = read("docs/commands/index.md").partition(f"<!-- {name} -->\n")[2].partition(f"<!-- /{name} -->")[0]
    assert table == GENERATOR["table"](name) != ""


def test_the_table_of_keys_is_on_the_page_of_the_configuration() -> None:
    page = read("docs/reference/configuration.md")
    assert f"<!-- configuration -->\n{GENERATOR['table']('configuration')}<!-- /configuration -->" in page


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_has_a_page_with_its_options(command: str) -> None:
    table = GENERATOR["options"](command)
    assert f"<!-- options: {command} -->\n{table}<!-- /options: {command} -->" in page_of(command)
    assert options_of(command) - mentioned_options(table) == set()


def test_every_option_is_explained_beside_the_tables() -> None:
    """On the page of its command, or among those of several commands: --help alone says little."""
    shared = mentioned_options(without_tables(read("docs/commands/index.md")))
    for command in COMMANDS:
        explained = mentioned_options(without_blocks(without_tables(page_of(command)))) | shared
        assert options_of(command) - explained == set(), command


def test_pages_speak_only_of_options_that_exist() -> None:
    known = {option for command in COMMANDS for option in options_of(command)}
    known |= {"--help", "--version", "--install-completion"}
    others = {"--nproc-per-node", "--paired-bs"}  # of torchrun and sacreBLEU
    for page in sorted(PAGES):
        if page.startswith("docs/commands/"):
            assert mentioned_options(read(page)) - known - others == set(), page


@pytest.mark.parametrize("document", DOCUMENTS)
def test_examples_use_commands_and_options_that_exist(document: str) -> None:
    for command, options in documented_commands(read(document)):
        assert command in COMMANDS
        assert set(options) <= options_of(command), command


@pytest.mark.parametrize("document", DOCUMENTS)
def test_examples_use_files_of_the_repository_that_exist(document: str) -> None:
    for block in code_blocks(read(document), "sh"):
        for path in re.findall(r"(?<![\w/])(?:scripts|configs|examples|tests)/[\w./]*\w", block):
            assert (ROOT / path).exists(), path


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_an_example_on_its_page(command: str) -> None:
    assert command in {name for name, _ in documented_commands(page_of(command))}


def test_examples_of_commands_are_found() -> None:
    examples = list(documented_commands(page_of("translate")))
    assert ("translate", ["--n-best"]) in examples
    assert ("eval", ["--hyp", "--ref"]) in examples
    assert ("score", ["--src", "--tgt", "--format", "--output"]) in list(documented_commands(page_of("score")))


def test_every_exit_code_is_in_the_table() -> None:
    table = section("docs/reference/exit-codes.md", "Exit codes")
    codes = {int(code) for first, *_ in rows(table) for code in re.findall(r"\d+", first)}
    errors = {error.exit_code for error in NmtError.__subclasses__() if error is not StoppedError}
    assert codes == errors | {0, NmtError.exit_code, 130, 143, 141}


def test_every_class_of_error_is_in_the_table_with_its_exit_code() -> None:
    table = {name.strip("`"): code for name, code, *_ in rows(section("docs/reference/python.md", "Errors"))}
    direct = NmtError.__subclasses__()
    inner = [one for error in direct for one in error.__subclasses__() if one.__module__ == NmtError.__module__]
    errors = {error.__name__: str(error.exit_code) for error in [*direct, *inner] if error is not StoppedError}
    assert table == errors | {"StoppedError": "128 + the signal's number"}


def test_every_kind_of_finding_is_listed() -> None:
    listed = {
        kind
        for _, kinds in rows(section("docs/commands/check.md", "Kinds of findings"))
        for kind in re.findall(r"`([a-z_0-9]+)`", kinds)
    }
    source = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "nmt" / "preflight").glob("*.py")))
    found = set(re.findall(r'Group\.[A-Z]+,\s+"([a-z_0-9]+)"', source))
    assert len(found) > 30 and found - listed == set()
    traits = section("docs/commands/check.md", "Sets that are not written alike")
    assert {trait.name for trait in TRAITS} == set(re.findall(r"`differs_([a-z_]+)`", traits))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_examples_of_whole_configurations_are_accepted(document: str) -> None:
    for example in code_blocks(read(document), "yaml"):
        if re.search(r"^data:", example, re.MULTILINE):
            from_yaml(example, document)


def test_examples_of_configurations_are_found() -> None:
    for document in ("README.md", "docs/reference/configuration.md"):
        [example] = code_blocks(read(document), "yaml")
        assert re.search(r"^data:", example, re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_names_imported_in_examples_exist(document: str) -> None:
    for example in code_blocks(read(document), "python"):
        for node in ast.walk(ast.parse(example)):
            if isinstance(node, ast.ImportFrom) and node.module == "nmt":
                assert {alias.name for alias in node.names} <= set(nmt.__all__)


def test_every_public_name_has_an_example_or_a_reference() -> None:
    page = read("docs/reference/python.md")
    assert {name for name in nmt.__all__ if f"`{name}`" not in page} == set()


def test_references_to_the_code_name_what_is_there() -> None:
    """The site fills them in from docstrings."""
    references = re.findall(r"^::: (\S+)$", read("docs/reference/python.md"), re.MULTILINE)
    assert len(references) > 10
    for reference in references:
        *modules, name = re.sub(r"\.([A-Z]\w*)\.(\w+)$", r".\1:\2", reference).split(".")
        found = import_module(".".join(modules))
        for part in name.split(":"):
            found = getattr(found, part)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_relative_links_lead_somewhere(document: str) -> None:
    path = ROOT / document
    text = re.sub(r"`[^`\n]*`", "", without_blocks(read(document)))
    for link in re.findall(r"\]\(\s*([^)\s]+)\s*\)", text):
        if "://" in link or link.startswith("mailto:"):
            continue
        file, _, anchor = link.partition("#")
        target = path.parent / file if file else path
        assert target.resolve().is_relative_to(ROOT), f"{link}: outside the repository"
        assert target.exists(), f"{link}: there is no such file"
        assert not anchor or anchor in anchors(target.read_text(encoding="utf-8")), f"{link}: no such heading"


def test_anchors_are_those_of_the_web_view() -> None:
    text = "# `nmt info`\n## `--verify`\n## What, [now](x.md)?\n```sh\n# no heading\n```\n## A b\n## A b\n"
    assert anchors(text) == {"nmt-info", "--verify", "what-now", "a-b", "a-b-1"}
