"""Loads a configuration from YAML, or reports every mistake in it at once, each with file, line and key."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from nmt.config import reference, yaml12
from nmt.config.configuration import CONFLICT_ERROR, Config
from nmt.config.constraints import Conflict
from nmt.config.overrides import check_path
from nmt.config.yaml12 import Document, KeyPath, Mistake
from nmt.errors import ConfigError, Problem

# More than anybody corrects at once.
MOST_PROBLEMS = 100
COMMAND_LINE = "--set"


def load_config(
    path: str | os.PathLike[str], overrides: Sequence[str] = (), options: Mapping[str, tuple[str, object]] | None = None
) -> Config:
    """Loads the configuration in a file, changed by overrides.

    Args:
        path: a YAML file.
        overrides: values of `--set`, each `dotted.key=YAML`.
        options: other options of the command line, each with the dotted key that it stands for and the key's value.

    Raises:
        TypeError: the path is none, or the overrides are no sequence of texts.
        ConfigError: names all mistakes: those of the file at `path:line`, those of overrides at `--set`, those of
            options at their names. Also raised for a file that cannot be read, so that any fault of a configuration
            has the same exit code.
    """
    where = check_path(path)
    if isinstance(overrides, str | bytes) or not all(isinstance(one, str) for one in overrides):
        raise TypeError(
            f"overrides is {overrides!r:.200}: expected a list of texts, such as ['training.max_steps=100']"
        )
    try:
        with Path(where).open("rb") as file:
            source = file.read(yaml12.MAXIMUM_BYTES + 1)
    except FileNotFoundError as error:
        raise ConfigError(where, "no such file") from error
    except OSError as error:
        if Path(where).is_dir():
            raise ConfigError(where, f"cannot be read: it is a folder{_suggestion(Path(where))}") from error
        raise ConfigError(where, f"cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise ConfigError(yaml12.printable(where), f"cannot be read: {error}") from error
    return _Draft(yaml12.read(source), overrides, options or {}).config(where)


def _suggestion(folder: Path) -> str:
    inside = folder / "config.yaml"  # as `nmt prepare` and a training write it
    return f"; did you mean {inside}?" if inside.is_file() else ""


def from_yaml(source: str | bytes, where: str) -> Config:
    """Loads a configuration from text, such as `Config.as_yaml` wrote, of a file that errors call `where`.

    Raises ConfigError, which names all mistakes.
    """
    return _Draft(yaml12.read(source), (), {}).config(where)


class _Draft:
    """An unvalidated configuration: plain values, the line or option of each key, and the mistakes so far."""

    def __init__(self, document: Document, overrides: Sequence[str], options: Mapping[str, tuple[str, object]]) -> None:
        self._tree: dict[str, Any] = {}
        self._origins: dict[KeyPath, int | str] = dict(document.lines)
        self._mistakes = list(document.mistakes)
        self._refused = set(document.refused)
        self._broken = document.broken
        if isinstance(document.value, dict):
            self._tree = document.value
        elif document.value is not None and not document.mistakes:
            self._mistakes.append(Mistake((), 1, f"expected a mapping of keys, got {yaml12.shown(document.value)}"))
            self._refused.add(())
        for override in overrides:
            self._override(override)
        for option, (key, value) in options.items():
            self._put(key.split("."), value, option)

    def config(self, where: str) -> Config:
        """Validates the draft; raises ConfigError, which names every mistake, in the order of the lines."""
        config = None if self._broken else self._validated()
        if config is None or self._mistakes:
            raise ConfigError.from_problems(self._problems(where))
        return config

    def _override(self, text: str) -> None:
        key, equals, written = text.partition("=")
        names = [name.strip() for name in key.split(".")]
        if not equals or not all(names) or len(names) > yaml12.MAXIMUM_LEVELS:
            what = f"expected KEY=VALUE, such as training.max_steps=100, got {yaml12.shown(text)}"
            self._mistakes.append(Mistake((), COMMAND_LINE, what))
            return
        if not written.strip():  # as of a variable of the shell that is not set
            what = "expected a value, got nothing; null is written null, and an empty text \"''\""
            self._mistakes.append(Mistake(tuple(names), COMMAND_LINE, what))
            self._refused.add(tuple(names))
            return
        document = yaml12.read(written)
        self._mistakes += [Mistake((*names, *one.path), COMMAND_LINE, one.what) for one in document.mistakes]
        self._refused.update((*names, *path) for path in document.refused)
        if document.broken:
            self._refused.add(tuple(names))
        else:
            self._put(names, document.value, COMMAND_LINE)

    def _put(self, names: Sequence[str], value: object, option: str) -> None:
        for name in reversed(names):
            value = {name: value}
        assert isinstance(value, dict)
        self._merge(self._tree, (), value, option)

    def _merge(self, tree: dict[str, Any], above: KeyPath, changes: dict[str, Any], option: str) -> None:
        for name, value in changes.items():
            path = (*above, name)
            if not isinstance(value, dict):
                tree[name] = value
                self._origins[path] = option
                continue
            if not isinstance(tree.get(name), dict):
                tree[name] = {}
                self._origins[path] = option
            self._merge(tree[name], path, value, option)

    def _validated(self) -> Config | None:
        """Returns the configuration; adds mistakes and returns None if it has any.

        A wrong value must not hide a conflict between other keys: it is repaired until the rest can be validated as a
        whole, and conflicts in which it takes part are left out.
        """
        tree = copy.deepcopy(self._tree)
        bad = self._refused | {mistake.path for mistake in self._mistakes if mistake.path}
        reported = False
        while True:
            try:
                config = Config.model_validate(tree)
            except ValidationError as error:
                details = error.errors(include_url=False)
                if details[0]["type"] == CONFLICT_ERROR:
                    self._report_conflicts(details[0]["ctx"]["conflicts"], bad)
                    return None
                if not reported:
                    bad |= self._report(details)
                    reported = True
                bad.update(_written_part(tree, detail["loc"]) for detail in details)
                for detail in details:
                    _repair(tree, detail)
            else:
                return None if reported else config

    def _report(self, details: Sequence[ErrorDetails]) -> set[KeyPath]:
        """Adds the mistakes; returns the keys that misspelt ones stand for, about which nothing more is to be said."""
        known = {key.path: key.expected for key in reference.all_keys()}
        details = [one for one in details if not self._is_refused(_written_part(self._tree, one["loc"]))]
        meant: set[KeyPath] = set()
        for number, detail in enumerate(sorted(details, key=lambda detail: detail["type"] == "missing")):
            key, path = _key_path(detail), _written_part(self._tree, detail["loc"])
            if detail["type"] == "extra_forbidden":
                guess = reference.suggestion(key) if number < MOST_PROBLEMS else ""
                meant.add((*path[:-1], guess))
                self._mistake(path, f"unknown key (did you mean {guess}?)" if guess else "unknown key")
            elif detail["type"] != "missing":
                self._mistake(path, _unexpected(known[key], detail))
            elif path not in meant:
                self._mistake(_of_key(path), f"missing; expected {known[key]}")
        return meant

    def _report_conflicts(self, conflicts: Iterable[Conflict], bad: set[KeyPath]) -> None:
        for conflict in conflicts:
            located = [tuple(int(part) if part.isdigit() else part for part in key.split(".")) for key in conflict.keys]
            paths = [_written_part(self._tree, path) for path in located]
            if not any(_overlap(path, other) for path in paths for other in bad):
                self._mistake(paths[0], conflict.what)

    def _is_refused(self, path: KeyPath) -> bool:
        return any(path[:length] in self._refused for length in range(len(path) + 1))

    def _mistake(self, path: KeyPath, what: str) -> None:
        self._mistakes.append(Mistake(path, self._origin(path), what))

    def _origin(self, path: KeyPath) -> int | str:
        """Returns the line or option of the key, or of the innermost section that should have had it."""
        origin: int | str = 1
        for length in range(1, len(path) + 1):
            if path[:length] not in self._origins:
                break
            origin = self._origins[path[:length]]
            if isinstance(origin, str):
                break
        return origin

    def _problems(self, where: str) -> list[Problem]:
        # Mistakes of the file by line, then those of options.
        ordered = sorted(self._mistakes, key=lambda mistake: mistake.origin if isinstance(mistake.origin, int) else inf)
        problems = [_problem(where, mistake) for mistake in ordered[:MOST_PROBLEMS]]
        if len(ordered) > MOST_PROBLEMS:
            problems.append(Problem(where, f"and {len(ordered) - MOST_PROBLEMS:,} mistakes more"))
        return problems


def _problem(where: str, mistake: Mistake) -> Problem:
    origin, key = mistake.origin, _dotted(mistake.path)
    # Any option but `--set` stands for one key.
    if isinstance(origin, str) and origin != COMMAND_LINE:
        return Problem(origin, mistake.what)
    place = origin if isinstance(origin, str) else f"{where}:{origin}"
    return Problem(place, f"{key}: {mistake.what}" if key else mistake.what)


def _key_path(detail: ErrorDetails) -> tuple[str, ...]:
    """Returns the key that an error is about, without the index of an item."""
    return tuple(name for name in detail["loc"] if isinstance(name, str))


def _overlap(one: KeyPath, other: KeyPath) -> bool:
    length = min(len(one), len(other))
    return one[:length] == other[:length]


def _written_part(tree: Any, location: KeyPath) -> KeyPath:
    """Returns a location as it was written: the only item of a list, which may be written without it, has no index."""
    path: list[str | int] = []
    for name in location:
        if isinstance(name, str):
            tree = tree.get(name) if isinstance(tree, dict) else None
        elif isinstance(tree, list):
            tree = tree[name] if name < len(tree) else None
        else:
            continue
        path.append(name)
    return tuple(path)


def _of_key(path: KeyPath) -> KeyPath:
    """Returns the part of a path that ends with a key, and not with the index of an item."""
    last = max((place for place, part in enumerate(path) if isinstance(part, str)), default=-1)
    return path[: last + 1]


def _repair(tree: Any, detail: ErrorDetails) -> None:
    """Removes a wrong value, or adds a missing one."""
    *above, name = _of_key(_written_part(tree, detail["loc"]))
    for outer in above:
        if isinstance(tree, dict) and outer not in tree:  # gone for another item of the same list
            return
        tree = tree[outer]
    if detail["type"] != "missing":
        tree.pop(name, None)
        return
    section = next(key.section for key in reference.all_keys() if key.path == _key_path(detail))
    tree[name] = "absent" if section is None else {}


def _unexpected(expected: str, detail: ErrorDetails) -> str:
    value = detail["input"]
    hint = " (quotes make it text)" if detail["type"] == "string_type" and isinstance(value, int | float) else ""
    return f"expected {expected}, got {yaml12.shown(value)}{hint}"


def _dotted(path: KeyPath) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{yaml12.printable(part)}" for part in path)
    return "".join(parts).removeprefix(".")
