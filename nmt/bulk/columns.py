"""The columns of a table: which is translated, which identifies rows, and which are added."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from numbers import Real

from nmt.errors import ConfigError, Problem

SCORE, CONFIDENCE, ERROR = "score", "confidence", "error"


@dataclass(frozen=True)
class Columns:
    """The columns of a table that is translated.

    Attributes:
        source: the column to translate.
        to: the column of the translations.
        id: the column that identifies rows; None where the file and the number of the row do.
        score: adds a column of scores.
        confidence: adds a column of the probabilities that `nmt.postprocessing.confidence` tells.

    Raises:
        ConfigError: two columns have one name, or a name is not UTF-8.
    """

    source: str = "text"
    to: str = "translation"
    id: str | None = None
    score: bool = False
    confidence: bool = False

    def __post_init__(self) -> None:
        taken = {
            self.source: "--column",
            **({} if self.id is None else {self.id: "--id"}),
            ERROR: "the column of errors",
        }
        if self.to in taken or self.to in self.added[1:]:
            raise ConfigError(
                "--to", f"is {self.to!r}, the name of {taken.get(self.to, 'another column that is added')}"
            )
        for option, name in (("--column", self.source), ("--to", self.to), ("--id", self.id or "")):
            if any("\ud800" <= character <= "\udfff" for character in name):
                raise ConfigError(option, f"is {name!r}: expected a name in UTF-8")

    @property
    def added(self) -> tuple[str, ...]:
        """The names of the columns that are added, in their order."""
        return (self.to, *[SCORE] * self.score, *[CONFIDENCE] * self.confidence, ERROR)

    @property
    def used(self) -> list[str]:
        """The names of the columns of the input that are used."""
        return [name for name in (self.source, self.id) if name is not None]

    def is_text(self, name: str) -> bool:
        """True for an added column of texts, False for one of numbers."""
        return name in (self.to, ERROR)

    def problems(self, where: str, names: Sequence[str]) -> list[Problem]:
        """Finds what keeps a table with columns of these names from being translated."""
        shown = ", ".join(names[:12])
        problems = [
            Problem(where, f"has no column {name!r}; it has {shown:.500}") for name in self.used if name not in names
        ]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            problems.append(Problem(where, f"two columns have one name, {twice!r:.80}"))
        clash = self.clash(names)
        return problems if clash is None else [*problems, Problem(where, clash)]

    def clash(self, names: Collection[str], noun: str = "column") -> str | None:
        """Returns what is wrong with a table or a row that has one of the names that are added; None if it has none."""
        taken = next((name for name in self.added if name in names), None)
        return None if taken is None else f"has a {noun} {taken!r} already, the name of one that is added"

    def id_errors(self, ids: Sequence[object]) -> dict[int, str]:
        """Returns what is wrong with rows of these identities, by their indices."""
        if self.id is None:
            return {}
        return {index: f"has no {self.id}" for index, one in enumerate(ids) if is_missing(one)}


def is_missing(value: object) -> bool:
    """Returns whether a value of a table stands for none: None, NaN, or what pandas has for it."""
    if value is None or (isinstance(value, Real) and bool(value != value)):
        return True
    pandas = sys.modules.get("pandas")  # without which there are none of its values
    return pandas is not None and bool(pandas.api.types.is_scalar(value) and pandas.isna(value))


def identity_number(identity: object) -> int:
    """Returns the number, 0 to 2^63 - 1, by which a row of an identity draws its samples."""
    return int.from_bytes(hashlib.sha256(str(identity).encode("utf-8", "surrogatepass")).digest()[:8]) >> 1
