"""The columns of a table: which is translated, which tells rows apart, and which are added."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass

from nmt.errors import ConfigError, Problem

SCORE, CONFIDENCE, ERROR = "score", "confidence", "error"


@dataclass(frozen=True)
class Columns:
    """The columns of a table that is translated.

    Attributes:
        source: the column to translate.
        to: the column of the translations.
        id: the column that tells rows apart; None where the file and the number of the row do.
        score: adds a column of scores.
        confidence: adds a column of the probabilities that `nmt.postprocessing.confidence` tells.

    Raises:
        ConfigError: two columns have one name.
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

    @property
    def added(self) -> tuple[str, ...]:
        """The names of the columns that are added, in their order."""
        return (self.to, *[SCORE] * self.score, *[CONFIDENCE] * self.confidence, ERROR)

    def is_text(self, name: str) -> bool:
        """True for an added column of texts, False for one of numbers."""
        return name in (self.to, ERROR)

    def problems(self, where: str, names: Collection[str]) -> list[Problem]:
        """Finds what keeps a table with columns of these names from being translated."""
        shown = ", ".join(list(names)[:12])
        missing = [name for name in (self.source, self.id) if name is not None and name not in names]
        problems = [Problem(where, f"has no column {name!r}; it has {shown:.500}") for name in missing]
        what = "has a column {!r} already, the name of one that is added"
        return problems + [Problem(where, what.format(name)) for name in self.added if name in names]


def identity_number(identity: object) -> int:
    """Returns the number, 0 to 2^63 - 1, by which a row of an identity draws its samples."""
    return int.from_bytes(hashlib.sha256(str(identity).encode("utf-8", "surrogatepass")).digest()[:8]) >> 1
