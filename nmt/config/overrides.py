"""Options and arguments that stand for keys of a configuration, under the constraints of these keys."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from nmt.config import yaml12
from nmt.config.sections import SearchConfig
from nmt.config.types import BeamWidth, Candidates, Weight, expectation
from nmt.errors import ConfigError, Problem
from nmt.io.home import at_home


@cache
def search_kinds() -> Mapping[str, Any]:
    """Returns the type of each key of the section `search`, with its constraints."""
    return get_type_hints(SearchConfig, include_extras=True)


def check_search(given: Mapping[str, object]) -> dict[str, Any]:
    """Validates search options, by name (`beam_size` for `--beam-size`), and returns them as a configuration has them.

    Raises ConfigError, which names each option with an impossible value.
    """
    # The latter are no keys; the beam is at least as wide as the first two of them.
    kinds = {**search_kinds(), "n_best": BeamWidth, "mbr": Candidates, "diverse": BeamWidth, "diversity": Weight}
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, value in given.items():
        try:
            values[name] = _adapter(kinds[name]).validate_python(value)
        except ValidationError:
            what = f"expected {expectation(kinds[name])}, got {yaml12.shown(value)}"
            problems.append(Problem(f"--{name.replace('_', '-')}", what))
    if problems:
        raise ConfigError.from_problems(problems)
    return values


def check_path(path: object, name: str = "path") -> str:
    """Returns the text of a path that is a Python argument, with `~` expanded; raises TypeError for what is none."""
    if isinstance(path, str | os.PathLike) and isinstance(text := os.fspath(path), str):
        return at_home(text)
    raise TypeError(f"{name} is {path!r:.200}: expected a path, a str or a pathlib.Path")


def check_argument(name: str, value: object, kind: Any) -> Any:
    """Returns the value of a Python argument as a configuration has it; `kind` is one of `nmt.config.types`.

    A number of NumPy or PyTorch is taken for the number that it is.

    Raises:
        TypeError: it is of another type.
        ValueError: it is out of its range.
    """
    plain = value.item() if getattr(value, "ndim", None) == 0 and hasattr(value, "item") else value
    try:
        return _adapter(kind).validate_python(plain)
    except ValidationError as error:
        is_type = any(problem["type"].endswith("_type") for problem in error.errors(include_context=False))
        raise (TypeError if is_type else ValueError)(
            f"{name} is {value!r:.200}: expected {expectation(kind)}"
        ) from None


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    # Making one takes a third of a millisecond.
    return TypeAdapter(kind)
