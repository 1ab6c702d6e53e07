"""YAML of configurations: the 1.2 core schema, with the line of every value, and nothing else.

PyYAML scans and parses; the meaning of its events is decided here, since its nodes lose anchors and explicit tags.
Tags, anchors, aliases and directives are refused, so reading runs no code and cannot expand the input. Mistakes are
collected rather than raised, so that they are reported together with those of the configuration.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias

import yaml

MAXIMUM_BYTES = 1_000_000
MAXIMUM_LEVELS = 20
# Any file of MAXIMUM_BYTES is read within a second or two.
MAXIMUM_VALUES = 20_000
# Far beyond any meaningful number, far below the length at which Python refuses to convert one.
MAXIMUM_NUMBER_LENGTH = 100

KeyPath: TypeAlias = tuple[str | int, ...]

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {name: word == "true" for word in ("true", "false") for name in (word, word.title(), word.upper())}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_PREFIXED_INTEGER = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITY = re.compile(r"[-+]?\.(inf|Inf|INF)")
_NOT_A_NUMBER = frozenset({".nan", ".NaN", ".NAN"})

# YAML's printable characters, less those (U+0085, U+2028, U+2029) that end a line in 1.1 but are text in 1.2: PyYAML
# follows 1.1 there, so its line numbers and its strings would be wrong.
_UNREADABLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE_END = re.compile(r"\r\n|\r|\n")
_PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./-]*")


@dataclass(frozen=True)
class Mistake:
    """A mistake in the value at `path`; `origin` is its line, counted from 1, or its option."""

    path: KeyPath
    origin: int | str
    what: str


@dataclass
class Document:
    """The content of a text."""

    value: object = None  # dict, list, str, int, float, bool or None
    lines: dict[KeyPath, int] = field(default_factory=dict)  # the line of each value, counted from 1
    mistakes: list[Mistake] = field(default_factory=list)
    refused: set[KeyPath] = field(default_factory=set)  # paths of refused values, each with a mistake
    broken: bool = False  # True for a text that cannot be read to its end, which has no value


class _UnreadableError(Exception):
    """A text cannot be read to its end; the arguments are the line and what is wrong."""


def read(source: str | bytes) -> Document:
    """Reads one YAML document; never raises an error for its content."""
    document = Document()
    try:
        _Composer(_text(source), document).compose()
    except _UnreadableError as error:
        document.mistakes.append(Mistake((), *error.args))
        document.value, document.broken = None, True
    return document


def _text(source: str | bytes) -> str:
    encoded = source if isinstance(source, bytes) else source.encode("utf-8", "surrogatepass")
    if len(encoded) > MAXIMUM_BYTES:
        raise _UnreadableError(1, f"larger than {MAXIMUM_BYTES:,} bytes")
    if isinstance(source, bytes):
        try:
            source = source.decode("utf-8")
        except UnicodeDecodeError as error:
            before = encoded[: error.start].decode("utf-8")
            raise _UnreadableError(_line(before), f"byte 0x{encoded[error.start]:02x} is not UTF-8") from error
    if unreadable := _UNREADABLE.search(source):
        what = f"character U+{ord(unreadable[0]):04X} is not allowed here (between double quotes it can be escaped)"
        raise _UnreadableError(_line(source[: unreadable.start()]), what)
    return source


def _line(before: str) -> int:
    return len(_LINE_END.findall(before)) + 1


class _Composer:
    """Composes values from parser events. The recursion is as deep as the document, which MAXIMUM_LEVELS bounds."""

    def __init__(self, text: str, document: Document) -> None:
        self._loader: Any = yaml.SafeLoader(text)  # the stubs leave its methods untyped
        self._document = document
        self._values = 0

    def compose(self) -> None:
        self._document.lines[()] = 1
        self._next()
        start = self._next()
        if isinstance(start, yaml.StreamEndEvent):
            return
        if isinstance(start, yaml.DocumentStartEvent) and (start.tags or start.version not in (None, (1, 2))):
            self._stop(start, "directives other than %YAML 1.2 are not allowed")
        self._document.value = self._value(self._next(), ())
        self._next()
        following = self._next()
        if not isinstance(following, yaml.StreamEndEvent):
            self._stop(following, "a second document; a configuration is one document")

    def _next(self) -> yaml.Event:
        try:
            event: yaml.Event = self._loader.get_event()
        except yaml.MarkedYAMLError as error:
            # A problem at the end of the text is better reported where its construct began.
            mark = error.problem_mark
            if error.context_mark is not None and mark is not None and self._loader.peek() == "\0":
                mark = error.context_mark
            what = ", ".join(part for part in (error.context, error.problem) if part)
            line = self._loader.line if mark is None else mark.line
            raise _UnreadableError(line + 1, f"not YAML: {printable(what, 200)}") from error
        except (ValueError, OverflowError) as error:
            # PyYAML converts \U escapes and %YAML versions without checking their range.
            raise _UnreadableError(self._loader.line + 1, "not YAML: an escape or number out of range") from error
        return event

    def _stop(self, event: yaml.Event, what: str) -> NoReturn:
        raise _UnreadableError(_start_line(event), what)

    def _refuse(self, event: yaml.Event, path: KeyPath, what: str) -> None:
        self._document.mistakes.append(Mistake(path, _start_line(event), what))
        self._document.refused.add(path)

    def _value(self, event: yaml.Event, path: KeyPath) -> object:
        self._values += 1
        if self._values > MAXIMUM_VALUES:
            self._stop(event, f"more than {MAXIMUM_VALUES:,} keys and values")
        if isinstance(event, yaml.AliasEvent):
            self._refuse(event, path, f"aliases (*{printable(str(event.anchor))}) are not allowed; repeat the value")
            return None
        assert isinstance(event, yaml.NodeEvent)
        if event.anchor is not None:
            self._refuse(event, path, f"anchors (&{printable(event.anchor)}) are not allowed; repeat the value")
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag is not None:
            self._refuse(event, path, f"tags ({printable(event.tag)}) are not allowed")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, path)
        if len(path) >= MAXIMUM_LEVELS:
            self._stop(event, f"more than {MAXIMUM_LEVELS} levels deep")
        return self._mapping(path) if isinstance(event, yaml.MappingStartEvent) else self._sequence(path)

    def _scalar(self, event: yaml.ScalarEvent, path: KeyPath) -> object:
        text: str = event.value
        if event.style is not None:
            if any("\ud800" <= character <= "\udfff" for character in text):
                self._refuse(event, path, "half of a surrogate pair is not a character")
            return text
        try:
            return plain_value(text)
        except ValueError as error:
            self._refuse(event, path, str(error))
            return None

    def _sequence(self, path: KeyPath) -> list[object]:
        items: list[object] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            item = (*path, len(items))
            self._document.lines[item] = _start_line(event)
            items.append(self._value(event, item))
        return items

    def _mapping(self, path: KeyPath) -> dict[str, object]:
        entries: dict[str, object] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            name = self._value(event, (*path, "?"))
            inner = (*path, name if isinstance(name, str) else "?")
            if not isinstance(name, str):
                self._refuse(event, inner, "a key must be text; quote it if it is meant to be")
            elif name in entries:
                what = f"duplicate key (line {self._document.lines[inner]} has it)"
                self._document.mistakes.append(Mistake(inner, _start_line(event), what))
                inner = (*path, "?")
            else:
                self._document.lines[inner] = _start_line(event)
            value = self._value(self._next(), inner)
            if isinstance(name, str):
                entries.setdefault(name, value)
        return entries


def _start_line(event: yaml.Event) -> int:
    return 1 if event.start_mark is None else event.start_mark.line + 1


def plain_value(text: str) -> str | int | float | bool | None:
    """Resolves an unquoted scalar by the core schema (YAML 1.2.2, section 10.3.2).

    Raises ValueError if a number has more than MAXIMUM_NUMBER_LENGTH characters.
    """
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INFINITY.fullmatch(text):
        return float(text.replace(".", ""))
    if text in _NOT_A_NUMBER:
        return float("nan")
    is_integer, is_prefixed = _INTEGER.fullmatch(text), _PREFIXED_INTEGER.fullmatch(text)
    if not (is_integer or is_prefixed or _FLOAT.fullmatch(text)):
        return text
    if len(text) > MAXIMUM_NUMBER_LENGTH:
        raise ValueError(f"a number of {len(text):,} characters is too long")
    if is_integer:
        return int(text)
    return int(text, 0) if is_prefixed else float(text)


def write(tree: Mapping[str, object], indentation: str = "") -> str:
    """Writes nested mappings, sequences of scalars, and scalars as YAML; `read` reads the same values."""
    parts: list[str] = []
    for name, value in tree.items():
        if isinstance(value, Mapping):
            parts.append(f"{indentation}{scalar(name)}:\n{write(value, indentation + '  ')}")
        else:
            parts.append(f"{indentation}{scalar(name)}: {flow(value)}\n")
    return "".join(parts)


def flow(value: object) -> str:
    """Writes a value as YAML on one line."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{scalar(name)}: {flow(inner)}' for name, inner in value.items())}}}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(map(flow, value))}]"
    return scalar(value)


def scalar(value: object) -> str:
    """Writes a scalar as YAML, quoted only where it would otherwise not be text."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        if len(value) <= MAXIMUM_NUMBER_LENGTH and _PLAIN.fullmatch(value) and isinstance(plain_value(value), str):
            return value
        quoted = json.dumps(value, ensure_ascii=False)
        return _UNREADABLE.sub(lambda character: f"\\u{ord(character[0]):04x}", quoted)
    return repr(value)


def shown(value: object) -> str:
    """Describes a value in a message: text in quotes, a list or a mapping without its content."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    return printable(json.dumps(value, ensure_ascii=False) if isinstance(value, str) else scalar(value))


def printable(text: str, limit: int = 80) -> str:
    """Returns `text` on one line, cut after `limit` characters, with unprintable characters escaped."""
    cut = text if len(text) <= limit else f"{text[: limit - 3]}..."
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in cut)
