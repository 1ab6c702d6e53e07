"""Options of the command line that stand for keys of a configuration, under the rules of these keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from nmt.config import yaml12
from nmt.config.sections import SearchConfig
from nmt.config.types import expectation
from nmt.errors import ConfigError, Problem

# An option that is no key itself, and the key whose rule it has: the beam is as wide at least.
_RULES = {"n_best": "beam_size"}


def check_search(given: Mapping[str, object]) -> dict[str, Any]:
    """The values of options of the search, by name (`beam_size` for `--beam-size`), as a configuration would take them.

    Raises:
        ConfigError: some are impossible; it names each option.
    """
    kinds = get_type_hints(SearchConfig, include_extras=True)
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, value in given.items():
        kind = kinds[_RULES.get(name, name)]
        try:
            values[name] = TypeAdapter(kind).validate_python(value)
        except ValidationError:
            what = f"expected {expectation(kind)}, got {yaml12.shown(value)}"
            problems.append(Problem(f"--{name.replace('_', '-')}", what))
    if problems:
        raise ConfigError.from_problems(problems)
    return values
