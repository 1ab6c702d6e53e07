"""Options of the command line that stand for keys of a configuration, under the constraints of these keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from nmt.config import yaml12
from nmt.config.sections import SearchConfig
from nmt.config.types import expectation
from nmt.errors import ConfigError, Problem

# An option that is no key, and the key whose constraint it has: the beam is at least as wide.
_RULES = {"n_best": "beam_size"}


def check_search(given: Mapping[str, object]) -> dict[str, Any]:
    """Validates search options as a configuration would.

    Args:
        given: values by name (`beam_size` for `--beam-size`).

    Returns:
        the values as the configuration takes them.

    Raises:
        ConfigError: names each option with an impossible value.
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
