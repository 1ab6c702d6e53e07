"""A dictionary of single words, which translates unknown words."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from nmt.io.line_faults import LineFaults
from nmt.io.streams import read_lines
from nmt.postprocessing.entities import core


@dataclass(frozen=True)
class Dictionary:
    """Translations of single words, each of one word or several; an empty dictionary keeps every word."""

    translations: Mapping[str, str] = field(default_factory=dict)

    def translate(self, word: str, *, whole: bool) -> str:
        """Returns the translation of a word of a source line, or the word itself.

        The word is looked up as it stands, in lower case, and in both forms without the punctuation around it. That
        punctuation is kept if `whole`.
        """
        if (found := self._find(word)) is not None:
            return found
        start, stop = core(word)
        found = self._find(word[start:stop])
        inner = word[start:stop] if found is None else found
        return word[:start] + inner + word[stop:] if whole else inner

    def _find(self, word: str) -> str | None:
        found = self.translations.get(_normal(word))
        return found if found is not None else self.translations.get(_normal(word.lower()))


def read_dictionary(path: str, warn: Callable[[str], None]) -> Dictionary:
    """Reads a dictionary: on each line a word and its translation, with a tab or white space between them.

    After a tab the translation may have several words. Blank lines are skipped. Of several translations of a word the
    first counts, with a warning.

    Raises:
        DataError: lines that are no entries; names them as `LineFaults` does.
        InputFileError: the file is missing or cannot be read.
    """
    translations: dict[str, str] = {}
    faults = LineFaults("a dictionary")
    repeated: list[int] = []
    for line in read_lines(path, warn):
        text = line.unmarked
        if not text.strip() and not line.too_long:
            continue
        word, translation, what = _entry(text)
        what = "is too long for an entry" if line.too_long else what
        faults.look_at(f"{path}:{line.number}", what)
        if faults.are_enough:
            break
        if not what and translations.setdefault(_normal(word), translation) != translation:
            repeated.append(line.number)
    faults.check()
    if repeated:
        others = f" and {len(repeated) - 1:,} further lines" if len(repeated) > 1 else ""
        warn(f"{path}:{repeated[0]}{others}: another translation of a word that came before; the first counts")
    return Dictionary(translations)


def _entry(text: str) -> tuple[str, str, str]:
    """Returns word, translation, and the fault of the entry, empty if there is none."""
    fields = text.split("\t") if "\t" in text.strip() else text.split()
    if len(fields) != 2:
        found = f"has {len(fields)} column{'s' * (len(fields) != 1)}"
    else:
        words, translation = fields[0].split(), " ".join(fields[1].split())
        if len(words) == 1 and translation:
            return words[0], translation, ""
        found = "has more than one word" if len(words) > 1 else "has no translation" if words else "has no word"
    return "", "", f"{found}; expected a word and its translation, with a tab between them"


def _normal(word: str) -> str:
    """Returns the one spelling of a word that Unicode can spell in several ways."""
    return unicodedata.normalize("NFC", word)
