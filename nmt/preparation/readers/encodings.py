"""Files in another encoding than UTF-8, told by how many of their lines are not UTF-8."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from nmt.errors import DataError
from nmt.io.lines import Line
from nmt.preflight.encodings import NEARLY_ALL, how_to_convert
from nmt.preparation.readers.names import Languages

# So many lines that are not UTF-8, at the end of a file and on the way, are no accident, if they are so many of a
# hundred lines, and nearly all of those that are not ASCII.
_LEAST, _LEAST_ON_THE_WAY = 10, 200
_LEAST_PERCENT = 1


class EncodingWatch:
    """Refuses a file in another encoding; the warnings of single lines are held back until that is decided."""

    def __init__(self, name: str, languages: Languages, warn: Callable[[str], None]) -> None:
        self.name = name
        self._languages = languages
        self._warn = warn
        self._held: list[str] = []
        self._lines = self._beyond_ascii = self._invalid = 0

    def warn(self, message: str) -> None:
        """Takes a warning."""
        self._held.append(message)

    def look(self, lines: Iterable[Line]) -> None:
        """Takes in the next lines; raises DataError as soon as it is clear that they are in another encoding."""
        for line in lines:
            self._lines += 1
            if not line.text.isascii():
                self._beyond_ascii += 1
                self._invalid += line.mended
        self._judge(_LEAST_ON_THE_WAY)

    def finish(self) -> None:
        """Judges the whole file; raises DataError if it is in another encoding."""
        self._judge(_LEAST)

    def _judge(self, least: int) -> None:
        is_many = self._invalid >= least and 100 * self._invalid >= _LEAST_PERCENT * self._lines
        if is_many and self._invalid > NEARLY_ALL * self._beyond_ascii:
            what = f"{self._invalid:,} of {self._lines:,} lines are not UTF-8"
            raise DataError(self.name, f"{what}: {how_to_convert(self._codes())}")
        for message in self._held:
            self._warn(message)
        self._held.clear()

    def _codes(self) -> list[str]:
        """Returns the language that the name tells, or both."""
        codes = list(self._languages.names)
        side = self._languages.side_of_name(self.name)
        return codes if side is None or self._languages.are_both_in(self.name) else [codes[side]]
