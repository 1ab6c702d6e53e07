"""Translation memories in TMX, 1.1 to 1.4, of any size, in bounded memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from xml.parsers import expat

from nmt.errors import DataError
from nmt.io.lines import MAX_LINE_BYTES
from nmt.preparation.readers.batches import BatchBuilder, PairBatch
from nmt.preparation.readers.names import Languages
from nmt.preparation.readers.sources import Source

# What they hold is code of the document that was translated.
_CODE = frozenset({"bpt", "ept", "ph", "it", "ut"})
_USUAL = frozenset({"tmx", "header", "body", "prop", "note", "ude", "map", "hi", "sub"})
# The parser keeps every name that it meets. These are those of nearly all memories; of others there may be some.
_USUAL_ATTRIBUTES = frozenset(
    {"xml:lang", "lang", "tuid", "type", "i", "x", "creationdate", "creationid", "changedate"}
)
_BREAK = re.compile(r"[ \t]*[\r\n\t][ \t\r\n]*")

_MOST_DEPTH = 1000
_MOST_NAMES = 1000
_LONGEST_TAG = 1 << 22  # bytes; the parser holds what it has not yet understood
_SHOWN_LANGUAGES = 8


def read_tmx(source: Source, languages: Languages, warn: Callable[[str], None]) -> Iterator[PairBatch]:
    """Yields the pairs of a translation memory: of each unit the first text in each language.

    Numbers are those of units. Warns at the end of units without both languages.

    Raises:
        DataError: it is broken, has declarations of its own or entities, which are never read, or no unit has both
            languages; with the line.
        InputFileError: it cannot be read to its end.
    """
    units = _Units(source.name, languages)
    with source.open() as stream:
        while block := stream.read():
            units.feed(block)
            yield from units.builder.full()
        units.feed(b"", is_last=True)
    yield from units.builder.rest()
    units.report(warn)


class _Units:
    """Gathers the units of a memory as its parser meets them."""

    def __init__(self, name: str, languages: Languages) -> None:
        self.builder = BatchBuilder(name)
        self._name = name
        self._languages = languages
        self._other: set[str] = set()  # codes of other languages
        self._names: set[str] = set()  # of elements and attributes that TMX does not have, or few memories
        self._count = self._taken = self._depth = self._fed = 0
        self._texts: list[str | None] = [None, None]  # of the unit, by side
        self._has_text = [False, False]
        self._side: int | None = None  # of the variant
        self._parts: list[str] | None = None  # of a text that is wanted, while the parser is in it
        self._length = 0
        self._code_depth = 0
        self._parser = self._new_parser()

    def _new_parser(self) -> expat.XMLParserType:
        parser = expat.ParserCreate()
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._entity
        parser.SkippedEntityHandler = self._skipped_entity
        return parser

    def feed(self, block: bytes, *, is_last: bool = False) -> None:
        """Parses the next bytes."""
        try:
            self._parser.Parse(block, is_last)
        except expat.ExpatError as error:
            raise self._error(f"is broken XML: {expat.ErrorString(error.code)}", error.lineno) from error
        except (LookupError, ValueError) as error:  # of those that it names, the parser knows the simple ones alone
            raise self._error("is in an encoding that cannot be read; expected UTF-8") from error
        self._fed += len(block)
        if self._fed - self._parser.CurrentByteIndex > _LONGEST_TAG:
            raise self._error("is broken XML: a tag has no end")

    def report(self, warn: Callable[[str], None]) -> None:
        """Warns of units that lack a language; raises DataError if all do."""
        if not self._taken:
            others = ", ".join(sorted(self._other)[:_SHOWN_LANGUAGES])
            found = f"; it has {others}" if others else ""
            raise DataError(self._name, f"has no unit in {self._languages}{found}")
        if self._taken < self._count:
            lacking = self._count - self._taken
            warn(f"{self._name}: {lacking:,} of {self._count:,} units are not in both {self._languages}; left out")

    def _error(self, what: str, line: int | None = None) -> DataError:
        return DataError(f"{self._name}:{line or self._parser.CurrentLineNumber}", what)

    def _doctype(self, _name: str, _system: str | None, _public: str | None, has_declarations: bool) -> None:
        if has_declarations:
            raise self._error("declares entities or elements of its own (<!DOCTYPE … [), which are not read")

    def _entity(self, *_: object) -> None:
        raise self._error("declares an entity, which is not read")

    def _skipped_entity(self, name: str, _is_parameter: bool) -> None:
        raise self._error(f"has the entity &{name};, which it does not declare")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        for attribute in attributes.keys() - _USUAL_ATTRIBUTES:
            self._note_unknown(attribute)
        if name == "seg":
            if self._side is not None and not self._has_text[self._side]:
                self._parts, self._length, self._code_depth = [], 0, 0
        elif name == "tuv":
            code = attributes.get("xml:lang") or attributes.get("lang") or ""
            self._side = self._languages.side(code)
            if self._side is None and len(self._other) < _MOST_NAMES:
                self._other.add(code)
        elif name == "tu":
            self._count += 1
            self._texts, self._has_text = [None, None], [False, False]
        elif name in _CODE:
            self._code_depth += 1
        elif name not in _USUAL:
            self._note_unknown(name)
        if self._depth > _MOST_DEPTH:
            raise self._error(f"has elements inside of one another {_MOST_DEPTH:,} deep")

    def _note_unknown(self, name: str) -> None:
        self._names.add(name)
        if len(self._names) > _MOST_NAMES:
            raise self._error(f"is no TMX: it has more than {_MOST_NAMES:,} different elements and attributes")

    def _text(self, data: str) -> None:
        if self._parts is not None and not self._code_depth:
            self._length += len(data)
            if self._length <= MAX_LINE_BYTES:
                self._parts.append(data)

    def _end(self, name: str) -> None:
        self._depth -= 1
        if name == "seg":
            if self._parts is not None and self._side is not None:
                is_whole = self._length <= MAX_LINE_BYTES
                self._texts[self._side] = _one_line("".join(self._parts)) if is_whole else None
                self._has_text[self._side] = True
                self._parts = None
        elif name == "tuv":
            self._side = None
        elif name == "tu":
            if all(self._has_text):
                self._taken += 1
                self.builder.add(self._count, *self._texts)
        elif name in _CODE:
            self._code_depth -= 1


def _one_line(text: str) -> str:
    """Returns the text of an element, in which line breaks are white space."""
    if "\n" in text or "\t" in text or "\r" in text:
        text = _BREAK.sub(" ", text)
    return text.strip(" ")
