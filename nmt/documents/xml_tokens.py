"""XML in parts that know their places, so that all but some text can be copied as it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from xml.parsers import expat

from nmt.documents.document import edited
from nmt.documents.entities import ENTITY, entity_part
from nmt.documents.marked_text import InlineMark, with_joined_texts
from nmt.errors import DataError

_MOST_DEPTH = 1000
_LONGEST_TAG = 1 << 22  # bytes; the parser holds what it has not yet understood

# Elements of XLIFF and TMX inside of text: of the first, what they hold is code.
_PAIRS = frozenset({"g", "pc", "mrk", "hi"})
_OPENING = {"bpt": ("rid", "id", "i"), "bx": ("rid", "id"), "sc": ("id",), "sm": ("id",)}
_CLOSING = {"ept": ("rid", "id", "i"), "ex": ("rid", "id"), "ec": ("startRef", "id"), "em": ("startRef",)}
_FAMILY = {"bpt": "bpt", "ept": "bpt", "bx": "bx", "ex": "bx", "sc": "sc", "ec": "sc", "sm": "sm", "em": "sm"}
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_WHITE = re.compile(r"[ \t\r\n]+")


class XmlToken(NamedTuple):
    """A part of a document; an empty element has two, the second without a character."""

    start: int  # bytes
    stop: int
    kind: str  # start, end, text, cdata or other
    line: int
    name: str = ""  # of an element, with its prefix
    attributes: dict[str, str] = {}  # noqa: RUF012 - of those without any, and never changed
    text: str = ""

    @property
    def local(self) -> str:
        """The name of an element without its prefix."""
        return self.name.rpartition(":")[2]


def xml_tokens(blocks: Iterable[bytes], name: str, encoding: str | None = None) -> Iterator[XmlToken]:
    """Yields the parts of a document, in order.

    Args:
        blocks: its bytes.
        name: of the document.
        encoding: in which it is, in place of the one that it tells.

    Raises:
        DataError: it is broken, has declarations of its own or entities, which are never read; with the line.
    """
    parser = _Tokenizer(name, encoding)
    fed = 0
    for block in blocks:
        fed += len(block)
        yield from parser.feed(block, fed)
    yield from parser.feed(b"", fed, is_last=True)


class _Tokenizer:
    def __init__(self, name: str, encoding: str | None) -> None:
        self._name = name
        self._found: list[XmlToken] = []
        self._depth = 0
        parser = self._parser = expat.ParserCreate(encoding)
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = lambda data: self._add("text", text=data)
        parser.CommentHandler = lambda _: self._add("other")
        parser.ProcessingInstructionHandler = lambda *_: self._add("other")
        parser.StartCdataSectionHandler = lambda: self._add("cdata")
        parser.EndCdataSectionHandler = lambda: self._add("cdata")
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._entity
        parser.SkippedEntityHandler = self._skipped_entity

    def feed(self, block: bytes, fed: int, *, is_last: bool = False) -> Iterator[XmlToken]:
        try:
            self._parser.Parse(block, is_last)
        except expat.ExpatError as error:
            raise self._error(f"is broken XML: {expat.ErrorString(error.code)}", error.lineno) from error
        if fed - self._parser.CurrentByteIndex > _LONGEST_TAG:
            raise self._error("is broken XML: a tag has no end")
        found, self._found = self._found, []
        # Where the last ones stop is told by what follows them.
        hold = 0 if is_last else len(found)
        while hold > 0 and found[hold - 1].start == found[-1].start:
            hold -= 1
        if not is_last:
            found, self._found = found[:hold], found[hold:]
        following = self._found[0].start if self._found else fed
        tokens = []
        for token in reversed(found):
            stop = following
            is_empty = token.kind == "end" and token.attributes is _SELF_CLOSED
            tokens.append(token._replace(stop=stop, start=stop if is_empty else token.start))
            following = token.start if not is_empty else following
        yield from reversed(tokens)

    def _error(self, what: str, line: int | None = None) -> DataError:
        return DataError(f"{self._name}:{line or self._parser.CurrentLineNumber}", what)

    def _add(self, kind: str, name: str = "", attributes: dict[str, str] | None = None, text: str = "") -> None:
        place, line = self._parser.CurrentByteIndex, self._parser.CurrentLineNumber
        self._found.append(XmlToken(place, 0, kind, line, name, {} if attributes is None else attributes, text))

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._add("start", name, attributes)
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise self._error(f"has elements inside of one another {_MOST_DEPTH:,} deep")

    def _end(self, name: str) -> None:
        self._depth -= 1
        last = self._found[-1] if self._found else None
        is_empty = last is not None and last.kind == "start" and last.start == self._parser.CurrentByteIndex
        self._add("end", name, _SELF_CLOSED if is_empty else None)

    def _doctype(self, _name: str, _system: str | None, _public: str | None, has_declarations: bool) -> None:
        if has_declarations:
            raise self._error("declares entities or elements of its own (<!DOCTYPE … [), which are not read")
        self._add("other")

    def _entity(self, *_: object) -> None:
        raise self._error("declares an entity, which is not read")

    def _skipped_entity(self, name: str, _is_parameter: bool) -> None:
        raise self._error(f"has the entity &{name};, which it does not declare")


_SELF_CLOSED: dict[str, str] = {}


def inline_parts(tokens: Sequence[XmlToken], data: bytes, *, keeps_space: bool) -> list[str | InlineMark]:
    """Returns the texts and marks of what is inside of an element, in which `keeps_space` has white space mean itself.

    Elements are marks: those that hold text with what opens and what closes them, others as a whole.
    """
    parts: list[str | InlineMark] = []
    code_start, depth = 0, 0
    code: XmlToken | None = None
    pairs: list[str] = []
    for token in tokens:
        raw = data[token.start : token.stop].decode()
        if code is not None:
            depth += (token.kind == "start") - (token.kind == "end")
            if not depth:
                parts.append(InlineMark(data[code_start : token.stop].decode(), *_role(code)))
                code = None
        elif token.kind == "text":
            parts.append(entity_part(raw) if ENTITY.fullmatch(raw) else token.text)
        elif token.kind == "start":
            attributes = token.attributes
            is_kept = attributes.get("translate") == "no" or attributes.get("mtype") == "protected"
            if token.local in _PAIRS and not is_kept:
                pairs.append(f"{token.name} {len(pairs)}")
                parts.append(InlineMark(raw, "open", pairs[-1]))
            else:
                code, code_start, depth = token, token.start, 1
        elif token.kind == "end":
            parts.append(InlineMark(raw, "close", pairs.pop()))
        elif token.kind == "other":
            parts.append(InlineMark(raw))
    joined = with_joined_texts(parts)
    return joined if keeps_space else [_WHITE.sub(" ", part) if isinstance(part, str) else part for part in joined]


def _role(token: XmlToken) -> tuple[str, str]:
    kinds = _OPENING if token.local in _OPENING else _CLOSING
    keys = [token.attributes[key] for key in kinds.get(token.local, ()) if key in token.attributes]
    if not keys:
        return "alone", ""
    return "open" if token.local in _OPENING else "close", f"{_FAMILY[token.local]} {keys[0]}"


def plain_text(tokens: Sequence[XmlToken]) -> str:
    """Returns what a reader sees of what is inside of an element: its text without codes, in one line."""
    parts, depth = [], 0
    for token in tokens:
        if token.kind == "start" and (depth or token.local not in _PAIRS):
            depth += 1
        elif token.kind == "end" and depth:
            depth -= 1
        elif token.kind == "text" and not depth:
            parts.append(token.text)
    return _WHITE.sub(" ", "".join(parts)).strip(" ")


def escaped_xml(text: str) -> str:
    """Writes a text in XML; what XML cannot hold becomes U+FFFD."""
    return re.sub("[&<>]", lambda found: _ESCAPES[found[0]], _ILLEGAL.sub("\ufffd", text))


def with_attribute(tag: str, name: str, value: str) -> str:
    """Returns a start tag with an attribute of this value."""
    known = re.compile(rf"""(\s{re.escape(name)}\s*=\s*)("[^"]*"|'[^']*')""")
    if known.search(tag):
        return known.sub(lambda found: f'{found[1]}"{value}"', tag, count=1)
    end = len(tag) - (2 if tag.endswith("/>") else 1)
    return f'{tag[:end].rstrip()} {name}="{value}"{tag[end:]}'


def opened(tag: str) -> str:
    """Returns the start tag of an element that may have been empty."""
    return tag.removesuffix("/>").rstrip() + ">" if tag.endswith("/>") else tag


def indentation(data: bytes, place: int) -> str:
    """Returns the line break and white space before a place; nothing where something else stands on its line."""
    begin = max(data.rfind(b"\n", 0, place), data.rfind(b"\r", 0, place)) + 1
    between = data[begin:place]
    if not begin or between.strip(b" \t"):
        return ""
    end = "\r\n" if data[:begin].endswith(b"\r\n") else data[begin - 1 : begin].decode()
    return end + between.decode()


def edited_bytes(data: bytes, edits: Iterable[tuple[int, int, str]]) -> str:
    """Returns a text in UTF-8 with edits at some of its bytes, which are ascending and do not overlap."""
    return edited(data, ((start, stop, new.encode()) for start, stop, new in edits)).decode()
