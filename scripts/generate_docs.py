"""Rewrites the tables of the documentation that come from the code: commands, their options, keys of the configuration.

    python scripts/generate_docs.py           # rewrites them
    python scripts/generate_docs.py --check   # names the pages that are not up to date, and exits with 1

A table stands between two marks, `<!-- options: translate -->` and `<!-- /options: translate -->`. Everything else on a
page is left alone.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, get_args

import typer

from nmt.cli.main import app
from nmt.config import as_documentation

ROOT = Path(__file__).parents[1]

PROGRAM: Any = typer.main.get_command(app)
COMMANDS: dict[str, Any] = PROGRAM.commands

SHARED_BY = 3
"""Minimum number of commands that have an option in common for it to be listed as shared."""

_TABLE = re.compile(r"<!-- (commands|shared options|options: \S+|configuration) -->\n(.*?)<!-- /\1 -->", re.DOTALL)


def commands() -> str:
    """Makes a table of all commands, each linked to its page beside the table's."""
    rows = ((f"[`nmt {name}`]({name}.md)", _one_line(command.help)) for name, command in COMMANDS.items())
    return _table(("command", "what it does"), rows)


def options(command: str) -> str:
    """Makes a table of a command's arguments and options, in the order of its help."""
    rows = ((_signature(one), _default(one), _meaning(one)) for one in _parameters(command))
    return _table(("option", "default", "meaning"), rows)


def shared_options() -> str:
    """Makes a table of the options that several commands have, under one name and with one meaning."""
    having: dict[tuple[str, str], list[str]] = {}
    for command in COMMANDS:
        for one in _parameters(command):
            if one.param_type_name == "option":
                having.setdefault((_signature(one), _meaning(one)), []).append(command)
    shared = {option: of for option, of in having.items() if len(of) >= SHARED_BY}
    rows = ((signature, ", ".join(of), meaning) for (signature, meaning), of in shared.items())
    return _table(("option", "commands", "meaning"), rows)


def table(name: str) -> str:
    """Makes the table between the marks of a name.

    Raises:
        ValueError: there is no such command.
    """
    if name == "commands":
        return commands()
    if name == "shared options":
        return shared_options()
    if name == "configuration":
        return as_documentation()
    command = name.removeprefix("options: ")
    if command not in COMMANDS:
        raise ValueError(f"{name}: there is no command {command}")
    return options(command)


def updated(page: str) -> str:
    """Returns the text of a page with its tables as they should be."""
    return _TABLE.sub(lambda found: f"<!-- {found[1]} -->\n{table(found[1])}<!-- /{found[1]} -->", page)


def stale(pages: Iterable[Path]) -> list[Path]:
    """Finds the pages whose tables are not up to date."""
    return [page for page in pages if (text := page.read_text(encoding="utf-8")) != updated(text)]


def _parameters(command: str) -> list[Any]:
    return [one for one in COMMANDS[command].params if not getattr(one, "hidden", False)]


def _signature(parameter: Any) -> str:
    """An argument or option with the name of its value, such as `--input FILE`."""
    if parameter.param_type_name == "argument":
        return f"`{parameter.metavar}`"
    names = ", ".join(parameter.opts)
    return f"`{names}`" if parameter.is_flag else f"`{names} {_value_name(parameter)}`"


def _value_name(parameter: Any) -> str:
    """The name of an option's value: as declared, `N` for whole numbers, or the first letter of its last word."""
    if parameter.metavar:
        return str(parameter.metavar)
    last = parameter.opts[0].rpartition("-")[2].upper()
    annotation = parameter.type_descriptor.annotation
    is_whole = int in (annotation, *get_args(annotation))
    return "N" if is_whole and len(last) > 1 else last[0]


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    if parameter.default is None or parameter.default is False:
        return ""
    return f"`{parameter.default}`"


def _meaning(parameter: Any) -> str:
    meaning = _one_line(parameter.help)
    if parameter.min is not None and parameter.max is not None:
        return f"{meaning} {parameter.min} to {parameter.max:,}."
    if parameter.max is not None:
        return f"{meaning} At most {parameter.max:,}."
    return meaning if parameter.min is None else f"{meaning} At least {parameter.min:,}."


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([cell.replace("|", r"\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def main() -> int:
    """Rewrites the pages, or with `--check` names those that it would rewrite, and returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a page is not up to date")
    check = parser.parse_args().check
    found = stale(sorted((ROOT / "docs").rglob("*.md")))
    for page in found:
        print(f"{page.relative_to(ROOT)}: {'not up to date' if check else 'rewritten'}", file=sys.stderr)
        if not check:
            page.write_text(updated(page.read_text(encoding="utf-8")), encoding="utf-8")
    return int(check and bool(found))


if __name__ == "__main__":
    sys.exit(main())
