"""The plural forms of a catalogue: how many there are, and which one a number has, by the expression of its header."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

_HEADER = re.compile(r"nplurals\s*=\s*(\d{1,2})\s*;\s*plural\s*=\s*([^;\n]{1,1000})")
_TOKEN = re.compile(r"\s*(\d{1,9}|n|\|\||&&|[=!<>]=|[<>!%*/+\-?:()])")
_LEVELS = (("||",), ("&&",), ("==", "!="), ("<", ">", "<=", ">="), ("+", "-"), ("*", "/", "%"))
_COMPUTE: dict[str, Callable[[int, int], int]] = {
    "||": lambda a, b: int(bool(a or b)),
    "&&": lambda a, b: int(bool(a and b)),
    "==": lambda a, b: int(a == b),
    "!=": lambda a, b: int(a != b),
    "<": lambda a, b: int(a < b),
    ">": lambda a, b: int(a > b),
    "<=": lambda a, b: int(a <= b),
    ">=": lambda a, b: int(a >= b),
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a // b if b else 0,
    "%": lambda a, b: a % b if b else 0,
}
_DEEPEST = 50


class PluralForms(NamedTuple):
    """The number of forms, and that of them which one thing has."""

    number: int
    of_one: int


def plural_forms(header: str) -> PluralForms | None:
    """Returns the forms that a header tells; None where it tells none, or what cannot be understood."""
    found = _HEADER.search(header)
    if found is None or not int(found[1]):
        return None
    number = int(found[1])
    try:
        of_one = _Expression(found[2], 1).value()
    except ValueError:
        of_one = 0
    return PluralForms(number, of_one if 0 <= of_one < number else 0)


class _Expression:
    """An expression of C over the number `n`, computed as it is read."""

    def __init__(self, text: str, number: int) -> None:
        self._tokens: list[str] = []
        place = 0
        text = text.rstrip()
        while place < len(text):
            found = _TOKEN.match(text, place)
            if found is None:
                raise ValueError(text)
            self._tokens.append(found[1])
            place = found.end()
        self._number = number
        self._place = self._depth = 0

    def value(self) -> int:
        value = self._choice()
        if self._place < len(self._tokens):
            raise ValueError(self._tokens[self._place])
        return value

    def _take(self, *tokens: str) -> str:
        if self._place < len(self._tokens) and self._tokens[self._place] in tokens:
            self._place += 1
            return self._tokens[self._place - 1]
        return ""

    def _choice(self) -> int:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError("too deep")
        condition = self._binary(0)
        if self._take("?"):
            yes = self._choice()
            if not self._take(":"):
                raise ValueError("no :")
            no = self._choice()
            condition = yes if condition else no
        self._depth -= 1
        return condition

    def _binary(self, level: int) -> int:
        if level == len(_LEVELS):
            return self._single()
        value = self._binary(level + 1)
        while sign := self._take(*_LEVELS[level]):
            value = _COMPUTE[sign](value, self._binary(level + 1))
        return value

    def _single(self) -> int:
        negated = 0
        while self._take("!"):
            negated += 1
        if self._take("("):
            value = self._choice()
            if not self._take(")"):
                raise ValueError("no )")
        elif self._take("n"):
            value = self._number
        elif self._place < len(self._tokens) and self._tokens[self._place].isdigit():
            value = int(self._tokens[self._place])
            self._place += 1
        else:
            raise ValueError("no value")
        return value if not negated else int(bool(value) == (negated % 2 == 0))
