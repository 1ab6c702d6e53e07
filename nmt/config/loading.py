"""From YAML to a configuration, or to every mistake in it at once, each with its file, line and key."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from nmt.config import reference, yaml12
from nmt.config.configuration import CONFLICT_ERROR, Config
from nmt.config.rules import Conflict
from nmt.config.yaml12 import Document, KeyPath, Mistake
from nmt.errors import ConfigError, Problem

# More than anybody mends at once.
MOST_PROBLEMS = 100
COMMAND_LINE = "--set"


def load_config(path: str, overrides: Sequence[str] = ()) -> Config:
    """The configuration in the file at `path`, with each override (`dotted.key=YAML`) put over it.

    Raises ConfigError with all mistakes found: those of the file at `path:line`, those of overrides at `--set`. A
    file that cannot be read is a ConfigError as well: whatever is wrong with the configuration has one exit code.
    """
    try:
        with Path(path).open("rb") as file:
            source = file.read(yaml12.MAXIMUM_BYTES + 1)
    except OSError as error:
        raise ConfigError(path, f"cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise ConfigError(yaml12.printable(path), f"cannot be read: {error}") from error
    return _Draft(yaml12.read(source), overrides).config(path)


def from_yaml(source: str | bytes, where: str) -> Config:
    """The configuration that `source` holds, such as `Config.as_yaml` wrote; errors name `where` as the file.

    Raises ConfigError with all mistakes found.
    """
    return _Draft(yaml12.read(source), ()).config(where)


class _Draft:
    """A configuration in the making: plain values, the line of each key (None: `--set`), the mistakes so far."""

    def __init__(self, document: Document, overrides: Sequence[str]) -> None:
        self._tree: dict[str, Any] = {}
        self._lines: dict[KeyPath, int | None] = dict(document.lines)
        self._mistakes = list(document.mistakes)
        self._refused = set(document.refused)
        self._broken = document.broken
        if isinstance(document.value, dict):
            self._tree = document.value
        elif document.value is not None and not document.mistakes:
            self._mistakes.append(Mistake((), 1, f"expected a mapping of keys, got {_shown(document.value)}"))
            self._refused.add(())
        for override in overrides:
            self._override(override)

    def config(self, where: str) -> Config:
        """Raises ConfigError with every mistake, in the order of the lines."""
        config = None if self._broken else self._validated()
        if config is None or self._mistakes:
            raise ConfigError.of(self._problems(where))
        return config

    def _override(self, text: str) -> None:
        key, equals, written = text.partition("=")
        names = [name.strip() for name in key.split(".")]
        if not equals or not all(names) or len(names) > yaml12.MAXIMUM_LEVELS:
            what = f"expected KEY=VALUE, such as training.max_steps=100, got {_shown(text)}"
            self._mistakes.append(Mistake((), None, what))
            return
        document = yaml12.read(written)
        self._mistakes += [Mistake((*names, *mistake.path), None, mistake.what) for mistake in document.mistakes]
        self._refused.update((*names, *path) for path in document.refused)
        if document.broken:
            self._refused.add(tuple(names))
            return
        value = document.value
        for name in reversed(names):
            value = {name: value}
        assert isinstance(value, dict)
        self._merge(self._tree, (), value)

    def _merge(self, tree: dict[str, Any], above: KeyPath, changes: dict[str, Any]) -> None:
        for name, value in changes.items():
            path = (*above, name)
            if not isinstance(value, dict):
                tree[name] = value
                self._lines[path] = None
                continue
            if not isinstance(tree.get(name), dict):
                tree[name] = {}
                self._lines[path] = None
            self._merge(tree[name], path, value)

    def _validated(self) -> Config | None:
        """The configuration, or None with mistakes added.

        A wrong value must not hide that other keys do not go together: it is put aside until what is left can be
        checked as a whole, and conflicts it takes part in are left out.
        """
        tree, bad = copy.deepcopy(self._tree), set(self._refused)
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
                bad.update(_key_path(detail) for detail in details)
                for detail in details:
                    _repair(tree, detail)
            else:
                return None if reported else config

    def _report(self, details: Sequence[ErrorDetails]) -> set[KeyPath]:
        """Adds the mistakes; returns the keys that misspelt ones stand for, of which nothing more should be said."""
        known = {key.path: key.expected for key in reference.all_keys()}
        details = [detail for detail in details if not self._is_refused(_key_path(detail))]
        meant: set[KeyPath] = set()
        for number, detail in enumerate(sorted(details, key=lambda detail: detail["type"] == "missing")):
            path = _key_path(detail)
            if detail["type"] == "extra_forbidden":
                guess = reference.suggestion(path) if number < MOST_PROBLEMS else ""
                meant.add((*path[:-1], guess))
                self._mistake(path, f"unknown key (did you mean {guess}?)" if guess else "unknown key")
            elif detail["type"] != "missing":
                self._mistake(_place(self._tree, detail["loc"]), _unexpected(known[path], detail))
            elif path not in meant:
                self._mistake(path, f"missing; expected {known[path]}")
        return meant

    def _report_conflicts(self, conflicts: Iterable[Conflict], bad: set[KeyPath]) -> None:
        for conflict in conflicts:
            paths: list[KeyPath] = [tuple(key.split(".")) for key in conflict.keys]
            if not any(_overlap(path, other) for path in paths for other in bad):
                self._mistake(paths[0], conflict.what)

    def _is_refused(self, path: KeyPath) -> bool:
        return any(path[:length] in self._refused for length in range(len(path) + 1))

    def _mistake(self, path: KeyPath, what: str) -> None:
        self._mistakes.append(Mistake(path, self._line(path), what))

    def _line(self, path: KeyPath) -> int | None:
        """Of the key, or of the innermost section that should have had it."""
        line: int | None = 1
        for length in range(1, len(path) + 1):
            if path[:length] not in self._lines:
                break
            line = self._lines[path[:length]]
            if line is None:
                break
        return line

    def _problems(self, where: str) -> list[Problem]:
        ordered = sorted(self._mistakes, key=lambda mistake: (mistake.line is None, mistake.line or 0))
        problems = [
            Problem(
                COMMAND_LINE if mistake.line is None else f"{where}:{mistake.line}",
                f"{_dotted(mistake.path)}: {mistake.what}" if mistake.path else mistake.what,
            )
            for mistake in ordered[:MOST_PROBLEMS]
        ]
        if len(ordered) > MOST_PROBLEMS:
            problems.append(Problem(where, f"and {len(ordered) - MOST_PROBLEMS:,} mistakes more"))
        return problems


def _key_path(detail: ErrorDetails) -> tuple[str, ...]:
    """The key an error is about, whichever item of its list is at fault."""
    return tuple(name for name in detail["loc"] if isinstance(name, str))


def _overlap(one: KeyPath, other: KeyPath) -> bool:
    length = min(len(one), len(other))
    return one[:length] == other[:length]


def _place(tree: Any, location: KeyPath) -> KeyPath:
    """The part of a location that was written: a single path stands for a list of one, which has no items to name."""
    for length, name in enumerate(location):
        if isinstance(name, int) and not isinstance(tree, list):
            return location[:length]
        tree = tree[name]
    return location


def _repair(tree: dict[str, Any], detail: ErrorDetails) -> None:
    """Takes out a wrong value; puts something into a place that may not be empty."""
    *above, name = _key_path(detail)
    for outer in above:
        tree = tree[outer]
    if detail["type"] != "missing":
        tree.pop(name, None)  # another item of the same list may have taken it out
        return
    section = next(key.section for key in reference.all_keys() if key.path == (*above, name))
    tree[name] = "absent" if section is None else {}


def _unexpected(expected: str, detail: ErrorDetails) -> str:
    value = detail["input"]
    hint = " (quotes make it text)" if detail["type"] == "string_type" and isinstance(value, int | float) else ""
    return f"expected {expected}, got {_shown(value)}{hint}"


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, str) else yaml12.scalar(value)
    return yaml12.printable(text)


def _dotted(path: KeyPath) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{yaml12.printable(part)}" for part in path)
    return "".join(parts).removeprefix(".")
