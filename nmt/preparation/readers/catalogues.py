"""Message catalogues (PO) and XLIFF: what translators made and nobody doubts, of any size, in bounded memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from nmt.documents.plural_forms import PluralForms, plural_forms
from nmt.documents.po import CatalogueEntry, entries, usable_pairs
from nmt.documents.xliff import xliff_segments
from nmt.documents.xml_tokens import plain_text, xml_tokens
from nmt.errors import DataError
from nmt.io.lines import ready_lines
from nmt.io.streams import InputStream
from nmt.preparation.readers.batches import BatchBuilder, PairBatch
from nmt.preparation.readers.names import Languages
from nmt.preparation.readers.sources import Source

_LINES_AT_ONCE = 4096
_LANGUAGE = re.compile(r"^Language:[ \t]*([\w@-]+)", re.MULTILINE)
_CHARSET = re.compile(r"charset=([\w.:-]+)")
_UNICODE = ("utf-8", "utf8", "us-ascii", "ascii", "charset")


def read_po(source: Source, languages: Languages, warn: Callable[[str], None]) -> Iterator[PairBatch]:
    """Yields the pairs of a catalogue: entries that are translated, not fuzzy and not obsolete, and plurals of each.

    Numbers are those of the pairs. Which side `msgstr` is, its header tells or else its name; otherwise the target.

    Raises:
        DataError: it is broken, with the line, of another language, or has no such entries.
        InputFileError: it cannot be read to its end.
    """
    catalogue = _Catalogue(source.name, languages)
    batch, count = BatchBuilder(source.name), 0
    with source.open() as stream:
        found = catalogue.watched(entries(_lines(stream, warn), source.name))
        for _, one, other in usable_pairs(found, catalogue.forms):
            count += 1
            batch.add(count, *_in_order(one, other, is_swapped=catalogue.is_swapped))
            yield from batch.full()
    if not count:
        raise DataError(source.name, "has no entry that is translated and not fuzzy")
    yield from batch.rest()


class _Catalogue:
    """What the header of a catalogue says."""

    def __init__(self, name: str, languages: Languages) -> None:
        self.is_swapped = languages.side_of_name(name) == 0
        self._name = name
        self._languages = languages
        self._forms: PluralForms | None = None

    def watched(self, found: Iterator[CatalogueEntry]) -> Iterator[CatalogueEntry]:
        for entry in found:
            if entry.is_header:
                self._read(entry.texts.get("msgstr", ""), entry.line)
            yield entry

    def forms(self, entry: CatalogueEntry) -> PluralForms:
        return self._forms or PluralForms(len(entry.forms), 0)

    def _read(self, header: str, line: int) -> None:
        charset = _CHARSET.search(header)
        if charset and charset[1].lower() not in _UNICODE:
            what = f"is in {charset[1]}; convert it to UTF-8: msgconv --to-code=UTF-8"
            raise DataError(f"{self._name}:{line}", what)
        self._forms = plural_forms(header)
        language = _LANGUAGE.search(header)
        if language:
            side = self._languages.side(language[1])
            if side is None:
                raise DataError(f"{self._name}:{line}", f"is in {language[1]}, not in {self._languages}")
            self.is_swapped = side == 0


def read_xliff(source: Source, languages: Languages, warn: Callable[[str], None]) -> Iterator[PairBatch]:
    """Yields the pairs of an XLIFF: units that are translated and need no review, without what inline codes hold.

    Numbers are those of the pairs. Where it does not tell its languages, they are those wanted. Warns at the end of
    units of others.

    Raises:
        DataError: it is broken or declares entities, with the line, or has no such units.
        InputFileError: it cannot be read to its end.
    """
    batch, count, others = BatchBuilder(source.name), 0, 0
    codes = set[str]()
    with source.open() as stream:
        for segment in xliff_segments(xml_tokens(iter(stream.read, b""), source.name), source.name):
            if not segment.is_sure:
                continue
            sides = [languages.side(code) if code else place for place, code in enumerate(segment.languages)]
            if sides not in ([0, 1], [1, 0]):
                others += 1
                codes.add("-".join(segment.languages)[:40])
                continue
            one, other = plain_text(segment.source), plain_text(segment.target)
            if one and other:
                count += 1
                batch.add(count, *_in_order(one, other, is_swapped=sides == [1, 0]))
                yield from batch.full()
    if not count:
        found = f"; it is in {', '.join(sorted(codes)[:4])}" if codes else ""
        raise DataError(source.name, f"has no unit in {languages} that is translated and needs no review{found}")
    if others:
        warn(f"{source.name}: {others:,} units are not in both {languages}; left out")
    yield from batch.rest()


def _lines(stream: InputStream, warn: Callable[[str], None]) -> Iterator[str]:
    for lines in ready_lines(stream, warn, _LINES_AT_ONCE):
        for line in lines:
            yield f"{line.text}\n"


def _in_order(one: str, other: str, *, is_swapped: bool) -> tuple[str, str]:
    one, other = " ".join(one.split()), " ".join(other.split())
    return (other, one) if is_swapped else (one, other)
