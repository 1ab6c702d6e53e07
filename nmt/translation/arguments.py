"""Checks of what Python code hands to a `Translator`: wrong arguments are named before any work is done."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Set
from numbers import Integral
from typing import Any, TypeVar

from nmt.config import check_argument
from nmt.config.types import Seed
from nmt.translation.options import TranslateOptions

Value = TypeVar("Value")


def check_lines(lines: Iterable[str], name: str = "lines") -> list[str]:
    """Returns the texts as a list; raises TypeError for anything but texts in an order."""
    return _listed(name, lines, check_text)


def check_numbers(numbers: Iterable[int], name: str = "numbers") -> list[int]:
    """Returns whole numbers as a list; raises TypeError or ValueError for anything else."""
    return _listed(name, numbers, _number)


def _number(value: object, name: str) -> int:
    # The usual case is quick: a batch has thousands.
    number = operator.index(value) if isinstance(value, Integral) and not isinstance(value, bool) else value
    return number if isinstance(number, int) and 0 <= number < 1 << 63 else check_argument(name, value, Seed)


def check_text(value: object, name: str) -> str:
    """Returns a text; raises TypeError for anything else."""
    if isinstance(value, str):
        return value
    hint = "; bytes are decoded first" if isinstance(value, bytes | bytearray) else ""
    raise TypeError(f"{name} is {value!r:.80}: expected text, a str{hint}")


def check_options(options: object) -> TranslateOptions | None:
    """Returns options of a translation, or None; raises TypeError for anything else."""
    if options is None or isinstance(options, TranslateOptions):
        return options
    raise TypeError(f"options is {options!r:.200}: expected what translator.options(beam_size=3) returns, or None")


def check_count(lines: list[str], **others: list[Any] | None) -> None:
    """Raises ValueError where there are not as many others as lines."""
    for name, values in others.items():
        if values is not None and len(values) != len(lines):
            raise ValueError(f"{len(values)} {name} for {len(lines)} lines")


def _listed(name: str, values: object, check: Callable[[Any, str], Value]) -> list[Value]:
    if isinstance(values, str):
        raise TypeError(f"{name} is one text: expected a sequence, such as [{values[:20]!r}]")
    if isinstance(values, bytes | bytearray | Mapping | Set) or not isinstance(values, Iterable):
        raise TypeError(f"{name} is {values!r:.80}: expected a sequence, such as a list")
    return [check(value, f"{name}[{place}]") for place, value in enumerate(values)]
