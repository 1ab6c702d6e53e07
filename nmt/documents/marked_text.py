"""A line of text with marks in it: placeholders and tags, which the model does not see.

They are taken out before the translation, and put back where those words stand that they stood beside. No model has to
have learned anything for it, and none can lose or change a mark.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, pairwise
from typing import NamedTuple

from nmt.documents.correspondence import Correspondence
from nmt.documents.placeholders import find_placeholders, tag_of
from nmt.translation.result import Translation

_NO_SPACE_BEFORE = set(".,;:!?…)]}»”’%。、，！？；：）】》」』")
_BRACKETS = {
    "(": ")",
    "[": "]",
    "{": "}",
    '"': '"',
    "'": "'",
    "`": "`",
    "“": "”",
    "„": "“”",
    "‘": "’",
    "‚": "‘",
    "«": "»",
    "»": "«",
    "‹": "›",
    "「": "」",
    "『": "』",
    "（": "）",
}
_CUT_SIGN = "\x1f"
_CUT = re.compile(
    rf"\{{[^{{}}\n]{{0,200}}{_CUT_SIGN}[^{{}}\n]{{0,200}}\}}|%\([^()\n]{{0,100}}{_CUT_SIGN}[^()\n]{{0,100}}\)[a-z]"
)
_NESTED = re.compile(r"\{[^{}]+\{")
_MOST_MARKS = 2000
_DEEPEST = 100


# The entity of a space at which no line is broken.
_NO_BREAK = re.compile(r"&(nbsp|#160|#[xX]0*[aA]0|#8239|#[xX]0*202[fF]);")
SPACE = "space"
"""The name of a mark that stands for white space."""
SIGN = "sign"
"""The name of a mark that parts the words beside it, as a dash does, also without white space."""


class InlineMark(NamedTuple):
    """What is carried over as it stands.

    Attributes:
        raw: as it is written.
        role: open, close or alone.
        name: by which an opening mark finds its closing one.
    """

    raw: str
    role: str = "alone"
    name: str = ""


@dataclass
class _Node:
    """A mark, or two of them with what is between, and the places of the line where they stood."""

    start: int
    stop: int
    before: str  # raw
    after: str = ""
    is_pair: bool = False
    space_before: bool = False
    space_after: bool = False
    is_space: bool = False
    inner: list[_Node] = field(default_factory=list)
    place: tuple[int, int] = (0, 0)  # atoms of the translation

    def shifted(self, offset: int) -> _Node:
        """Returns the same for a line that begins at an offset."""
        inner = [node.shifted(offset) for node in self.inner]
        return replace(self, start=self.start + offset, stop=self.stop + offset, inner=inner)


class LeftAsItWasError(Exception):
    """A translation cannot take the place of its source; the message says why."""


@dataclass
class MarkedLine:
    """A line to translate, and the marks to put into its translation.

    Attributes:
        line: what the model sees; empty where nothing of it is language.
    """

    line: str
    _head: str
    _tail: str
    _nodes: list[_Node]
    _escape: Callable[[str], str]

    @property
    def has_marks(self) -> bool:
        """Returns whether marks stand inside of the line, which attention puts in their places."""
        return bool(self._nodes)

    def written_alone(self) -> str:
        """Returns a line without language as it stands."""
        return self._head + self._tail

    def written(self, translation: Translation) -> str:
        """Returns the translation with all marks in it.

        Raises LeftAsItWasError if that is impossible, or the model wrote something that would be taken for a mark.
        """
        return written_pieces([self], [0], translation, [])[0]


def check_marks(text: str, line: str) -> None:
    """Raises LeftAsItWasError for a translation that is empty, or holds what would be taken for a mark."""
    if not text.strip():
        raise LeftAsItWasError("the translation is empty")
    invented = Counter(one.text for one in find_placeholders(text)) - Counter(
        one.text for one in find_placeholders(line)
    )
    if invented:
        raise LeftAsItWasError(f"the translation holds {next(iter(invented))!r}, which the text does not")
    if any(text.count(brace) != line.count(brace) for brace in "{}"):
        raise LeftAsItWasError("the translation has more or fewer braces than the text")


def written_pieces(
    lines: Sequence[MarkedLine], offsets: Sequence[int], translation: Translation, cuts: Sequence[int]
) -> list[str]:
    """Returns the pieces of a translation, with the marks of each, for lines that were translated as one.

    Args:
        lines: of one text; the source of the translation is these, with something between them.
        offsets: where each begins in that source.
        translation: of all of them.
        cuts: the gaps between atoms of the translation (see `Correspondence`) where it is cut.

    Raises:
        LeftAsItWasError: the translation is empty, or the model wrote something that would be taken for a mark.
    """
    text = translation.text
    check_marks(text, translation.source)
    if len(lines) == 1 and not lines[0]._nodes:
        return [lines[0]._head + lines[0]._escape(text) + lines[0]._tail]
    by = Correspondence(translation)
    pieces = []
    ends = [0, *cuts, len(by.target)]
    for line, offset, low, high in zip(lines, offsets, ends, ends[1:], strict=False):
        nodes = [node.shifted(offset) for node in line._nodes]
        _place(nodes, by, low, high)
        writer = _Writer(by, line._escape, low, high)
        writer.write(nodes, high)
        pieces.append(line._head + writer.finished(high) + line._tail)
    return pieces


def _place(nodes: Sequence[_Node], by: Correspondence, low: int, high: int) -> None:
    """Finds the places of neighbouring nodes among the atoms of a range, so that none cuts another in two."""
    free = [(low, high)]
    for node in nodes:
        if not node.is_pair:
            continue
        node.place = start, stop = by.span(node.start, node.stop, free)
        if start < stop:
            free = _without(free, start, stop)
    for node in nodes:
        if node.is_pair:
            if node.place[0] == node.place[1]:
                node.place = by.nearest_word(node.place[0], free)
                free = _without(free, *node.place)
            _place(node.inner, by, *node.place)
    for node in nodes:
        if not node.is_pair:
            gap = by.gap(node.start, free)
            node.place = gap, gap
    # Neighbours without a word between them stay neighbours, in their order.
    for node, following in pairwise(nodes):
        if not node.is_pair and not following.is_pair and node.start == following.start:
            following.place = node.place


def _without(ranges: Sequence[tuple[int, int]], start: int, stop: int) -> list[tuple[int, int]]:
    """Cuts a range out of the one of some ranges that holds it."""
    if start == stop:
        return list(ranges)
    number = next(place for place, (first, last) in enumerate(ranges) if first <= start and stop <= last)
    first, last = ranges[number]
    return [*ranges[:number], (first, start), (stop, last), *ranges[number + 1 :]]


class _Writer:
    """Writes atoms and marks one after the other, with the white space that belongs between them."""

    def __init__(self, by: Correspondence, escape: Callable[[str], str], first: int, last: int) -> None:
        self._by = by
        self._escape = escape
        self._parts: list[str] = []
        self._first = self._next = first  # atoms
        # The character of the translation up to which all is written.
        self._position = by.target[first].start if 0 < first < len(by.target) else 0
        self._last = last
        self._needs_space = False

    def write(self, nodes: Sequence[_Node], stop: int) -> None:
        """Writes nodes, and the atoms around them up to `stop`."""
        order = sorted(range(len(nodes)), key=lambda number: (*nodes[number].place, number))
        for number in order:
            node = nodes[number]
            self._write_atoms(node.place[0])
            if node.place[0] < node.place[1]:
                self._flush_space()
                self._parts.append(node.before)
                self.write(node.inner, node.place[1])
                self._write_atoms(node.place[1])
                self._parts.append(node.after)
            else:
                self._write_alone(node)
        self._write_atoms(stop)

    def finished(self, stop: int) -> str:
        """Returns all that is written, and the rest up to an atom."""
        self._write_atoms(stop)
        if stop == len(self._by.target):
            self._parts.append(self._escape(self._by.text[self._position :]))
        return "".join(self._parts)

    def _write_alone(self, node: _Node) -> None:
        target, text = self._by.target, self._by.text
        is_first, is_last = self._next == self._first, self._next == self._last
        start = len(text) if self._next == len(target) else target[self._next].start
        has_space = self._position < start and not is_first
        if node.is_space:
            if has_space:
                self._position = start
            self._needs_space = False
        elif has_space and (node.space_before or not node.space_after):
            if node.space_before:
                self._flush_space()
                # A tag may touch the word behind it.
                self._needs_space = not is_last and not node.before.startswith("<")
            # Otherwise it touches the word before, and the white space follows it.
        elif has_space:
            self._flush_space()
        elif node.space_before and not is_first and not self._ends_with_space():
            self._parts.append(" ")
        self._needs_space = self._needs_space or (node.space_after and not is_last)
        self._parts.append(node.before)
        for inner in node.inner:
            self._parts.append(inner.before + "".join(one.before + one.after for one in inner.inner) + inner.after)
        self._parts.append(node.after)

    def _ends_with_space(self) -> bool:
        return bool(self._parts) and self._parts[-1][-1:].isspace()

    def _flush_space(self) -> None:
        if self._next < len(self._by.target):
            start = self._by.target[self._next].start
            if self._position < start:
                self._parts.append(self._escape(self._by.text[self._position : start]))
                self._position = start
                self._needs_space = False
            elif self._needs_space:
                if self._by.text[start] not in _NO_SPACE_BEFORE and not self._ends_with_space():
                    self._parts.append(" ")
                self._needs_space = False

    def _write_atoms(self, stop: int) -> None:
        if self._next >= stop:
            return
        self._flush_space()
        end = self._by.target[stop - 1].stop
        self._parts.append(self._escape(self._by.text[self._position : end]))
        self._position, self._next = end, stop


def unescaped(text: str) -> str:
    """Returns a text as it is, where a format escapes nothing."""
    return text


def with_joined_texts(parts: Sequence[str | InlineMark]) -> list[str | InlineMark]:
    """Returns texts and marks with those texts as one that stand beside each other."""
    joined: list[str | InlineMark] = []
    for is_text, group in groupby(parts, lambda part: isinstance(part, str)):
        neighbours = list(group)
        joined += ["".join(map(str, neighbours))] if is_text else neighbours
    return joined


def check_braces(parts: Sequence[str | InlineMark]) -> None:
    """Raises LeftAsItWasError for braces inside of braces: some of what they hold is language, and some is none."""
    if _NESTED.search("".join(part for part in parts if isinstance(part, str))):
        raise LeftAsItWasError("it has braces inside of braces, as the plurals of ICU have")


def marked(parts: Sequence[str | InlineMark], escape: Callable[[str], str] = unescaped) -> MarkedLine:
    """Takes the marks out of a line: those that are given between its texts, and placeholders within these.

    Args:
        parts: texts as one reads them, and marks.
        escape: writes a text as the format has it.

    Raises:
        LeftAsItWasError: there are more marks than a text has, or braces inside of braces.
    """
    check_braces(parts)
    if len(parts) > 1 and _CUT.search(_CUT_SIGN.join(part for part in parts if isinstance(part, str))):
        raise LeftAsItWasError("a tag stands inside of a placeholder")
    items = _with_placeholders(parts, escape)
    if sum(isinstance(item, InlineMark) for item in items) > _MOST_MARKS:
        raise LeftAsItWasError(f"the text has more than {_MOST_MARKS:,} marks")
    partners = _partners(items)
    start, stop = _without_edges(items, partners)
    write = [item.raw if isinstance(item, InlineMark) else escape(item) for item in items]
    head, tail = "".join(write[:start]), "".join(write[stop:])
    builder = _Builder(items, partners, stop)
    nodes = builder.nodes(start, stop)
    line = builder.line
    if not any(map(str.isalpha, line)):
        return MarkedLine("", "".join(write), "", [], escape)
    return MarkedLine(line, head, tail, nodes, escape)


def _with_placeholders(parts: Sequence[str | InlineMark], escape: Callable[[str], str]) -> list[str | InlineMark]:
    """Makes marks of the placeholders in texts, and parts of texts' white space at marks and at both ends."""
    items: list[str | InlineMark] = []
    for part in parts:
        if isinstance(part, InlineMark):
            items.append(part)
            continue
        place = 0
        for found in find_placeholders(part):
            role, name = tag_of(found.text) or ("alone", "")
            start, stop = _with_brackets(part, found.start, found.stop, place) if role == "alone" else found[:2]
            items += _pieces(part[place:start])
            name = SPACE if _NO_BREAK.fullmatch(found.text) else f"text {name}"
            items.append(InlineMark(escape(part[start:stop]), role, name))
            place = stop
        items += _pieces(part[place:])
    return items


def _with_brackets(text: str, start: int, stop: int, least: int) -> tuple[int, int]:
    """Extends a placeholder by the brackets or quotation marks around it, which hold nothing else."""
    while start > least and stop < len(text) and text[stop] in _BRACKETS.get(text[start - 1], ""):
        start, stop = start - 1, stop + 1
    return start, stop


def _pieces(text: str) -> list[str]:
    """Cuts a text at the white space of its ends, where there is any."""
    inner = text.strip()
    if not inner:
        return [text] if text else []
    start = text.index(inner)
    return [piece for piece in (text[:start], inner, text[start + len(inner) :]) if piece]


def _partners(items: Sequence[str | InlineMark]) -> dict[int, int]:
    """Finds for each opening mark its closing one, and the other way round, as far as they are well nested."""
    partners: dict[int, int] = {}
    opened: list[int] = []
    for place, item in enumerate(items):
        if not isinstance(item, InlineMark) or item.role == "alone":
            continue
        if item.role == "open":
            opened.append(place)
            continue
        same = [number for number, other in enumerate(opened) if _name(items[other]) == item.name]
        if same:
            other = opened[same[-1]]
            del opened[same[-1] :]  # those within that are not closed stand alone
            if len(opened) < _DEEPEST:
                partners[other], partners[place] = place, other
    return partners


def _name(item: str | InlineMark) -> str:
    return item.name if isinstance(item, InlineMark) else ""


def _without_edges(items: Sequence[str | InlineMark], partners: dict[int, int]) -> tuple[int, int]:
    """Returns the range of items inside of the marks that stand at both ends, or around all of the line."""
    start, stop = 0, len(items)
    changed = True
    while changed and start < stop:
        changed = False
        first, last = items[start], items[stop - 1]
        # Punctuation behind a mark at the beginning belongs to it.
        if isinstance(first, str) and (first.isspace() or (start and not any(map(str.isalnum, first)))):
            start, changed = start + 1, True
        elif isinstance(last, str) and last.isspace():
            stop, changed = stop - 1, True
        elif isinstance(first, InlineMark) and partners.get(start) == stop - 1:
            start, stop, changed = start + 1, stop - 1, True
        elif isinstance(first, InlineMark) and _is_bare(items, partners, start, stop):
            start, changed = partners.get(start, start) + 1, True
        elif isinstance(last, InlineMark) and _is_bare(items, partners, partners.get(stop - 1, stop - 1), stop):
            stop, changed = partners.get(stop - 1, stop - 1), True
    return start, stop


def _is_bare(items: Sequence[str | InlineMark], partners: dict[int, int], start: int, stop: int) -> bool:
    """Returns whether the mark at `start` stands alone, or nothing but marks is between it and its partner."""
    end = partners.get(start, start)
    return start <= end < stop and all(
        isinstance(item, InlineMark) or item.isspace() for item in items[start : end + 1]
    )


class _Builder:
    """Builds the line that the model sees, and the nodes of its marks."""

    def __init__(self, items: Sequence[str | InlineMark], partners: dict[int, int], stop: int) -> None:
        self.line = ""
        self._items = items
        self._partners = partners
        self._stop = stop
        self._all: list[_Node] = []
        self._is_behind_mark = False

    def nodes(self, start: int, stop: int) -> list[_Node]:
        """Adds a range of items, and returns its nodes."""
        found: list[_Node] = []
        place = start
        while place < stop:
            item = self._items[place]
            if isinstance(item, str):
                self._add_text(item)
                place += 1
                continue
            end = self._partners.get(place, place)
            spaces = self._is_space(place - 1), self._is_space(end + 1)
            if _is_bare(self._items, self._partners, place, stop):
                raw = "".join(one if isinstance(one, str) else one.raw for one in self._items[place : end + 1])
                is_space = item.name == SPACE or (item.name == SIGN and self._parts_words(place))
                start = len(self.line.rstrip())
                node = _Node(start, start, raw, "", False, *spaces, is_space)
                self._all.append(node)
                if is_space and not self._is_space(place - 1) and not self._is_space(end + 1):
                    self.line += " "
                self._is_behind_mark = True
            else:
                closing = self._items[end]
                node = _Node(len(self.line), 0, item.raw, _raw(closing), True, *spaces)
                self._all.append(node)
                node.inner = self.nodes(place + 1, end)
                node.stop = len(self.line)
            found.append(node)
            place = end + 1
        return found

    def _is_space(self, place: int) -> bool:
        if not 0 <= place < len(self._items):
            return False
        item = self._items[place]
        return isinstance(item, str) and item.isspace()

    def _parts_words(self, place: int) -> bool:
        """Returns whether a mark stands between two words without any white space."""
        following = self._items[place + 1] if place + 1 < len(self._items) else ""
        return self.line[-1:].isalnum() and isinstance(following, str) and following[:1].isalnum()

    def _add_text(self, text: str) -> None:
        if text.isspace():
            if not self.line or self.line[-1].isspace():
                return
            self.line += text
            return
        if self._is_behind_mark and text[0] in _NO_SPACE_BEFORE and self.line[-1:].isspace():
            self.line = self.line.rstrip()
            for node in self._all:
                node.start, node.stop = min(node.start, len(self.line)), min(node.stop, len(self.line))
        self._is_behind_mark = False
        self.line += text


def _raw(item: str | InlineMark) -> str:
    return item if isinstance(item, str) else item.raw
