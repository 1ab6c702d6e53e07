"""The reading of documents of any format, and their encoding."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nmt.documents.document import MAX_DOCUMENT_BYTES, Told, TranslatableDocument, Warn
from nmt.documents.formats import TABLES
from nmt.documents.html import HtmlDocument
from nmt.documents.languages import LanguagePair
from nmt.documents.po import PoDocument
from nmt.documents.subtitles import SubtitleDocument
from nmt.documents.tables import read_rows
from nmt.documents.tmx import TmxDocument
from nmt.documents.xliff import XliffDocument
from nmt.errors import DataError
from nmt.io.lines import ByteStream

# Of XML and HTML, in which a sign of any encoding can be written as a number.
_WITH_NUMBERS = ("html", "xliff", "tmx")
_ENCODING = {
    "po": re.compile(rb"charset=([\w.:-]{1,40})"),
    "html": re.compile(rb"""<meta\s[^<>]{0,200}charset\s*=\s*["']?([\w.:-]{1,40})""", re.IGNORECASE),
    **dict.fromkeys(
        ("xliff", "tmx"), re.compile(rb"""\A(?:\xef\xbb\xbf)?<\?xml[^<>]{0,200}encoding\s*=\s*["']([\w.:-]{1,40})""")
    ),
}
_HEAD_BYTES = 1 << 14
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_KNOWN = re.compile(
    r"utf-?8|ascii|us-ascii|charset|(iso-?8859|windows|cp|koi8|euc|mac|tis|gb|big5|shift|ks_c)[\w-]*|latin-?\d",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Choices:
    """What of documents is translated: columns of a table, units of a catalogue; and the languages of the model."""

    columns: Sequence[str]
    all_units: bool
    languages: LanguagePair


@dataclass(frozen=True)
class Part:
    """A document, or some rows of one, and how it is encoded."""

    document: TranslatableDocument
    encoding: str = "utf-8"
    errors: str = "strict"
    mark: bytes = b""

    def encoded(self, text: str, name: str) -> bytes:
        """Encodes what was written; raises DataError if its encoding lacks a character."""
        try:
            return self.mark + text.encode(self.encoding, self.errors)
        except UnicodeEncodeError as error:
            character = error.object[error.start]
            what = f"is in {self.encoding}, which has no {character!r}; convert it to UTF-8 first"
            raise DataError(name, what) from None


def read_parts(stream: ByteStream, kind: str, choices: Choices, warn: Warn) -> Iterator[Part]:
    """Yields what is to be translated: of tables some rows at a time, of others the whole.

    Raises:
        DataError: it is broken, with its place, or too large.
        InputFileError: it cannot be read to its end.
    """
    if kind in TABLES:
        for rows in read_rows(stream, kind, choices.columns, Told(warn)):
            yield Part(rows)
        return
    data = _whole(stream)
    text, encoding, mark = _decoded(data, kind, stream.name)
    errors = "xmlcharrefreplace" if kind in _WITH_NUMBERS else "strict"
    yield Part(_document(text, stream.name, kind, choices, warn, encoding), encoding, errors, mark)


def _document(text: str, name: str, kind: str, choices: Choices, warn: Warn, encoding: str) -> TranslatableDocument:
    if kind == "html":
        return HtmlDocument(text, name, warn, languages=choices.languages)
    if kind == "po":
        return PoDocument(text, name, warn, languages=choices.languages, all_units=choices.all_units, encoding=encoding)
    if kind == "xliff":
        return XliffDocument(text, name, warn, languages=choices.languages, all_units=choices.all_units)
    if kind == "tmx":
        return TmxDocument(text, name, choices.languages, warn, all_units=choices.all_units)
    return SubtitleDocument(text, name, warn, kind=kind)


def _whole(stream: ByteStream) -> bytes:
    data = bytearray()
    while block := stream.read():
        data += block
        if len(data) > MAX_DOCUMENT_BYTES:
            raise DataError(stream.name, f"is larger than {MAX_DOCUMENT_BYTES >> 20} MiB; split it")
    return bytes(data)


def _decoded(data: bytes, kind: str, name: str) -> tuple[str, str, bytes]:
    """Returns text, encoding, and the mark in front of it that tells the encoding."""
    mark = data[:2]
    if mark in _UTF16:
        encoding, data = _UTF16[mark], data[2:]
    else:
        mark = b""
        found = _ENCODING[kind].search(data[:_HEAD_BYTES]) if kind in _ENCODING else None
        encoding = found[1].decode() if found and not data.startswith(codecs.BOM_UTF8) else "utf-8"
        encoding = "utf-8" if encoding.upper() == "CHARSET" else encoding  # as in a template
    try:
        if not (mark or _KNOWN.fullmatch(encoding)):
            raise LookupError
        text = data.decode(encoding)
        _check_way_back(text, data, encoding, name)
        return text, encoding, mark
    except LookupError:
        raise DataError(name, f"is in {encoding!r}, which is not read; convert it to UTF-8 first") from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(f"{name}:{line}", f"is not {encoding.upper()}; convert it first, with iconv") from None


def _check_way_back(text: str, data: bytes, encoding: str, name: str) -> None:
    """Raises DataError for bytes in place of which others are written: some encodings have a character twice."""
    again = text.encode(encoding, "replace")
    if again != data:
        place = next((place for place, (one, other) in enumerate(zip(again, data, strict=False)) if one != other), 0)
        line = data.count(b"\n", 0, place) + 1
        what = f"{encoding.upper()} has a character of it twice, and it would change; convert it to UTF-8 first"
        raise DataError(f"{name}:{line}", what)
