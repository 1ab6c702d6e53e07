"""The parsing of command lines beyond Typer's: groups of arguments, and several files behind one option."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Any, ClassVar, get_args, get_type_hints

from typer.core import TyperCommand

from nmt.io.home import at_home

PATHS = ("CONFIG.yaml", "DIR", "FILE", "FILE…", "INPUT…")
"""How the help names arguments that are paths, and texts because `-` or an ending has a meaning."""


def expand_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Turns each parameter of a command that is a dataclass into one parameter for each of its fields.

    Typer makes the arguments of a command line from the parameters of a function. The function that this returns has
    all of them, in the order of the command's parameters and of the fields; when called, it puts the dataclasses
    together and calls the command with them, after it expanded `~` in paths. Everything is annotated as Typer wants it;
    no name may occur twice.
    """
    parameters: list[Parameter] = []
    groups: dict[str, type[Any]] = {}
    for parameter in _parameters(command):
        kind = parameter.annotation
        if isinstance(kind, type) and is_dataclass(kind):
            groups[parameter.name] = kind
            parameters += _parameters(kind)
        else:
            parameters.append(parameter)

    paths = [parameter.name for parameter in parameters if _is_path(parameter.annotation)]

    @wraps(command)
    def expanded(**values: Any) -> None:
        values |= {name: _at_home(values[name]) for name in paths}
        for name, group in groups.items():
            values[name] = group(**{field.name: values.pop(field.name) for field in fields(group)})
        command(**values)

    expanded.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    expanded.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return expanded


def _is_path(annotation: Any) -> bool:
    """Returns True for a parameter whose values are paths, or texts that the help names as one."""
    notes = getattr(annotation, "__metadata__", ())
    return _holds_path(annotation) or any(getattr(note, "metavar", None) in PATHS for note in notes)


def _holds_path(kind: Any) -> bool:
    """Returns True for Path, or a type made from it: `list[Path] | None`."""
    return kind is Path or any(map(_holds_path, get_args(kind)))


def _at_home(value: Any) -> Any:
    """Expands `~` in a path, or in each of a list."""
    if isinstance(value, list):
        return [_at_home(one) for one in value]
    if isinstance(value, Path):
        return Path(at_home(str(value)))
    return at_home(value) if isinstance(value, str) else value


def _parameters(of: Callable[..., Any]) -> list[Parameter]:
    """Returns the parameters of a function or a dataclass, by keyword so that those with defaults may come first."""
    hints = get_type_hints(of, include_extras=True)
    return [
        parameter.replace(kind=Parameter.KEYWORD_ONLY, annotation=hints[parameter.name])
        for parameter in signature(of).parameters.values()
    ]


class FilesCommand(TyperCommand):
    """A command that takes several files behind one `--ref`: every word up to the next option that is no directory."""

    options: ClassVar[tuple[str, ...]] = ("--ref",)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Reads `--ref a b` as `--ref a --ref b`; a directory can only be MODEL."""
        expanded: list[str] = []
        value_due = False  # the next word is a value, whatever it looks like
        repeatable = ""  # option of which the next word may be a further value
        for word in args:
            is_option = word.startswith("-") and word != "-"
            if value_due:
                value_due = False
            elif repeatable and not is_option and not Path(word).is_dir():
                expanded.append(repeatable)
            else:
                option, has_value, _ = word.partition("=")
                repeatable = option if option in self.options else ""
                value_due = bool(repeatable) and not has_value
            expanded.append(word)
        return super().parse_args(ctx, expanded)


class CompareCommand(FilesCommand):
    """A command that takes several files behind one `--ref` or `--hyp`."""

    options = ("--ref", "--hyp")
