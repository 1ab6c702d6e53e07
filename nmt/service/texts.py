"""Texts of several lines as the sentences that are translated, and the white space between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from nmt.io.lines import without_surrogates
from nmt.translation.sentences import sentences, writes_spaces


class Sentence(NamedTuple):
    """A sentence of a text.

    Attributes:
        text: without the white space at its ends.
        start: its first character in the text.
        source_before: the white space between it and the sentence before, in the text.
        before: the same between their translations.
    """

    text: str
    start: int
    source_before: str
    before: str


@dataclass(frozen=True)
class CutText:
    """A text as its sentences; a blank one has none."""

    sentences: tuple[Sentence, ...]
    after: str  # the white space behind the last sentence

    def joined(self, translations: Sequence[str]) -> str:
        """Joins the translations of the sentences."""
        pieces = [one.before + text for one, text in zip(self.sentences, translations, strict=True)]
        return "".join([*pieces, self.after])


def cut_text(text: str, source: str, target: str, *, split: bool = True) -> CutText:
    """Cuts a text into its lines and, if `split`, these into their sentences, by the codes of the languages.

    All white space between sentences is kept; where there is none, languages that write some get a space.
    """
    text = without_surrogates(text)
    usual = " " if writes_spaces(target) else ""
    found: list[Sentence] = []
    stop = line_start = 0
    for line in text.split("\n"):
        starts = [(piece.start, piece.text) for piece in sentences(line, source)] if split else _whole(line)
        for place, (start, sentence) in enumerate(starts):
            begin = line_start + start
            between = text[stop:begin]
            found.append(Sentence(sentence, begin, between, between or usual if place else between))
            stop = begin + len(sentence)
        line_start += len(line) + 1
    return CutText(tuple(found), text[stop:])


def uncut(texts: Sequence[str]) -> CutText:
    """Takes texts that are translated as they are for the sentences of one."""
    return CutText(tuple(Sentence(text, 0, "", "") for text in texts), "")


def _whole(line: str) -> list[tuple[int, str]]:
    """Returns a line as one sentence, with its first character; nothing of a blank one."""
    text = line.strip()
    return [(len(line) - len(line.lstrip()), text)] if text else []
