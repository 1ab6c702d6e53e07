"""Web pages: blocks of text are units, in which inline tags are marks; all else is copied as it stands."""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from nmt.documents.document import DocumentOfUnits, TextEdit, Told, Units, Warn, edited, silent
from nmt.documents.entities import ENTITY, entity_part, text_parts
from nmt.documents.languages import LanguagePair, is_language, remark_on
from nmt.documents.marked_text import InlineMark, with_joined_texts
from nmt.errors import DataError
from nmt.translation.result import Translation

_NAMES = re.compile(r"\w+")
_INLINE = frozenset(
    _NAMES.findall(
        "a abbr acronym b bdi bdo big cite data del dfn em font i img ins label mark q s small span strike strong sub "
        "sup time tt u wbr"
    )
)
_VOID = frozenset(_NAMES.findall("area base br col embed hr img input link meta param source track wbr"))
# What is inside of them is no text to translate; the first of them stand in a line of text.
_INLINE_CODE = frozenset({"code", "kbd", "samp", "var", "ruby", "svg", "math"})
_CODE = _INLINE_CODE | frozenset(
    _NAMES.findall("script style pre textarea noscript template iframe object xmp plaintext")
)
_OF_PAGE = frozenset({"html", "body"})
_ATTRIBUTES = ("alt", "title", "placeholder", "aria-label")
_DESCRIPTIONS = frozenset({"description", "og:title", "og:description", "twitter:title", "twitter:description"})
_ATTRIBUTE = re.compile(
    r"""([^\s"'>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'=<>`]+)))?""",
)
_START = re.compile(r"""<([A-Za-z][^\s/>]*)(?:=\s*(?:"[^"]*+"|'[^']*+')|[^>])*+>""")
_TAG_BEGIN = re.compile("<[A-Za-z]")
_END = re.compile(r"</([A-Za-z][^\s/>]*)")
_TEXT_END = re.compile("[<&]")
# What is inside of them is text whatever it looks like, up to their closing tag.
_RAW = frozenset({"script", "style", "textarea", "xmp", "iframe", "plaintext"})
_WHITE = re.compile(r"[ \t\n\r\f]+")


class _Token(NamedTuple):
    start: int
    kind: str  # open, close, text, entity or other
    tag: str = ""
    is_kept: bool = False  # with all that is in it


def _tokens(text: str, language: str) -> Iterator[_Token]:
    """Yields where the parts of a page begin, which together are the page, as browsers would; in linear time.

    What is said to be in another language than `language`, if that is given, is kept.
    """
    place, last_end = 0, text.rfind(">")
    while place < len(text):
        if text[place] == "&":
            found = ENTITY.match(text, place)
            is_entity = found is not None and html.unescape(found[0]) != found[0]
            yield _Token(place, "entity" if is_entity else "text")
            place = found.end() if found else place + 1
            continue
        if text[place] == "<" and place < last_end:
            if text.startswith("<!--", place):
                yield _Token(place, "comment")
                place = _behind(text, "-->", place + 4)
                continue
            if text.startswith(("<!", "<?"), place) or (text.startswith("</", place) and not _END.match(text, place)):
                yield _Token(place, "other")
                place = _behind(text, ">", place)
                continue
            if end := _END.match(text, place):
                yield _Token(place, "close", end[1].lower())
                place = _behind(text, ">", place)
                continue
            if tag := _START.match(text, place):
                name = tag[1].lower()
                yield _Token(place, "open", name, name in _CODE or _is_kept(tag[0], name, language))
                place = tag.end()
                if name in _RAW and place < len(text):
                    closing = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(text, place)
                    stop = closing.start() if closing else len(text)
                    if place < stop:
                        yield _Token(place, "text")
                    place = stop
                continue
            if _TAG_BEGIN.match(text, place):
                # It goes on to the end, and nothing of it is shown.
                yield _Token(place, "other")
                return
        yield _Token(place, "text")
        found = _TEXT_END.search(text, place + 1)
        place = found.start() if found else len(text)


def _behind(text: str, sign: str, place: int) -> int:
    found = text.find(sign, place)
    return len(text) if found < 0 else found + len(sign)


def _attributes(tag: str, name: str) -> dict[str, str]:
    return {one[1].lower(): one[2] or one[3] or one[4] or "" for one in _ATTRIBUTE.finditer(tag, 1 + len(name))}


def _is_kept(tag: str, name: str, language: str) -> bool:
    """Returns whether a tag says that what it holds is not to be translated, or in another language."""
    values = _attributes(tag, name)
    code = "" if name in _OF_PAGE else values.get("lang") or values.get("xml:lang") or ""
    is_foreign = bool(code and language) and not is_language(code, language)
    is_excluded = values.get("translate", "").lower() == "no" or "notranslate" in values.get("class", "").split()
    return is_foreign or is_excluded


def _closes_itself(tag: str) -> bool:
    """Returns whether a tag ends with a slash, and this is not the end of a value without quotation marks."""
    if not tag.endswith("/>") or tag[-3].isspace():
        return tag.endswith("/>")
    before, *last = tag[:-2].rsplit(maxsplit=1)
    has_value = "=" in (last or [before])[0] or (bool(last) and before.endswith("="))
    return not has_value or tag[-3] in "\"'"


class HtmlDocument(DocumentOfUnits):
    """A web page, or a part of one."""

    def __init__(self, text: str, name: str, warn: Warn = silent, *, languages: LanguagePair | None = None) -> None:
        """Reads a page; `name` is that of warnings and errors, which `warn` receives.

        It warns where the page is said to be in another language than the first of `languages`; parts in another one
        are left.

        Raises:
            DataError: it is broken so that what is text cannot be told.
        """
        self._text = text
        self._name = name
        self._told = Told(warn)
        self._units = Units(name, self._told)
        self._key = next(chr(code) for code in range(0xF0000, 0x10FFFE) if chr(code) not in text)
        self._ends = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
        self._attributes: list[tuple[int, int, int, bool]] = []  # unit, start, stop of its value, and if it has quotes
        self._blocks: list[tuple[int, int, int]] = []  # unit, start, stop
        self._codes: list[TextEdit] = []  # of the language of the page
        self._is_sent = False  # what is read
        self._check_comments()
        tokens = list(_tokens(text, languages.source if languages else ""))
        if languages:
            self._read_codes(tokens, languages, warn)
        self._read(tokens)

    def written(self, translations: Sequence[Translation | None]) -> str:
        """Returns the page with the translations of its lines; None leaves a block as it is."""
        values = []
        for unit, start, stop, has_quotes in self._attributes:
            result = self._units.result(unit, translations)
            if result is None or result.is_same:
                values.append(TextEdit(start, stop, self._text[start:stop]))
            else:
                values.append(TextEdit(start, stop, result.text if has_quotes else f'"{result.text}"'))
        edits: list[TextEdit] = []
        place = 0
        for unit, start, stop in self._blocks:
            while place < len(values) and values[place].start < start:
                edits.append(values[place])
                place += 1
            result = self._units.result(unit, translations)
            if result is not None and not result.is_same:
                edits.append(TextEdit(start, stop, self._with_values(result.text, values)))
                while place < len(values) and values[place].start < stop:
                    place += 1
        edits += values[place:]
        if any(edit.text != self._text[edit.start : edit.stop] for edit in edits):
            edits += self._codes
        self._told.finish(self._name)
        return edited(self._text, sorted(edits))

    def _with_values(self, text: str, values: Sequence[TextEdit]) -> str:
        """Puts the attributes of tags into what was written of a block."""
        key = re.escape(self._key)
        return re.sub(f"{key}([0-9]+){key}", lambda found: values[int(found[1])].text, text)

    def _line_number(self, place: int) -> int:
        return bisect_right(self._ends, place)

    def _check_comments(self) -> None:
        begin = self._text.rfind("<!--")
        if begin >= 0 and self._text.find("-->", begin) < 0 and self._text.find("--!>", begin) < 0:
            begin = self._text.find("<!--", self._text.rfind("-->", 0, begin) + 1)
            raise DataError(f"{self._name}:{self._line_number(begin)}", "is broken HTML: a comment has no end")

    def _read_codes(self, tokens: Sequence[_Token], languages: LanguagePair, warn: Warn) -> None:
        """Notes where the language of the page is named, which is another one once it is translated."""
        remarks: list[str | None] = []
        for token in tokens:
            if token.kind != "open" or token.tag not in _OF_PAGE:
                continue
            tag = _START.match(self._text, token.start)
            assert tag is not None
            for one in _ATTRIBUTE.finditer(tag[0], 1 + len(token.tag)):
                group = next((group for group in (2, 3, 4) if one[group]), None)
                if one[1].lower() not in ("lang", "xml:lang") or group is None:
                    continue
                remarks.append(remark_on(LanguagePair(one[group], ""), languages))
                if remarks[-1] is None:
                    start, stop = (token.start + place for place in one.span(group))
                    self._codes.append(TextEdit(start, stop, _escaped_value(languages.target)))
        for remark in list(filter(None, remarks))[:1]:
            warn(f"{self._name}: {remark}")

    def _read(self, tokens: Sequence[_Token]) -> None:
        parts: list[str | InlineMark] = []
        begin = 0
        kept, depth, kept_start = "", 0, 0
        end_token = _Token(len(self._text), "end")
        for token, following in pairwise([*tokens, end_token]):
            start, stop = token.start, following.start
            raw = self._text[start:stop]
            if kept:
                if token.tag == kept:
                    depth += (token.kind == "open" and not _closes_itself(raw)) - (token.kind == "close")
                if not depth:
                    if kept in _INLINE or kept in _INLINE_CODE:
                        parts.append(InlineMark(self._text[kept_start:stop]))
                    kept = ""
                continue
            is_element = token.kind == "open" and token.tag not in _VOID and not _closes_itself(raw)
            if token.is_kept:
                if token.tag in _INLINE or token.tag in _INLINE_CODE:
                    begin = begin if parts else start
                    if not is_element:
                        parts.append(InlineMark(raw))
                else:
                    self._add_block(parts, begin, start)
                    parts = []
                if is_element:
                    kept, depth, kept_start = token.tag, 1, start
                continue
            if token.kind == "open":
                raw = self._with_attributes(token, raw)
            if token.kind in ("text", "entity", "comment") or token.tag in _INLINE:
                begin = begin if parts else start
                parts.append(self._part(token, raw))
            else:
                self._add_block(parts, begin, start)
                parts = []
                is_option = token.kind == "open" and token.tag == "option"
                # What it holds is what a form sends.
                self._is_sent = is_option and "value" not in _attributes(raw, token.tag)
        self._add_block(parts, begin, kept_start if kept else len(self._text))

    def _part(self, token: _Token, raw: str) -> str | InlineMark:
        if token.kind == "entity":
            return entity_part(raw)
        if token.kind == "text":
            return _WHITE.sub(" ", raw)
        if token.kind == "comment" or token.tag in _VOID or _closes_itself(raw):
            return InlineMark(raw)
        return InlineMark(raw, token.kind, token.tag)

    def _add_block(self, parts: list[str | InlineMark], start: int, stop: int) -> None:
        """Adds what stands between two tags of blocks."""
        if self._is_sent:
            return
        # White space at the ends stays as it stands, also within lines.
        while parts and isinstance(parts[0], str) and not parts[0].strip(" "):
            parts = parts[1:]
            start = self._after_white(start)
        while parts and isinstance(parts[-1], str) and not parts[-1].strip(" "):
            parts = parts[:-1]
            stop = self._before_white(start, stop)
        if parts and isinstance(parts[0], str) and parts[0][0] == " ":
            parts = [parts[0][1:], *parts[1:]]
            start = self._after_white(start)
        if parts and isinstance(parts[-1], str) and parts[-1][-1:] == " ":
            parts = [*parts[:-1], parts[-1][:-1]]
            stop = self._before_white(start, stop)
        joined = with_joined_texts(parts)
        unit = self._units.add(joined, self._line_number(start), _escaped, breaks=False) if joined else None
        if unit is not None:
            self._blocks.append((unit, start, stop))

    def _after_white(self, place: int) -> int:
        found = _WHITE.match(self._text, place)
        return found.end() if found else place

    def _before_white(self, start: int, stop: int) -> int:
        return start + len(self._text[start:stop].rstrip(" \t\n\r\f"))

    def _with_attributes(self, token: _Token, raw: str) -> str:
        """Notes the attributes of a tag that are text; returns the tag with keys in place of them."""
        found = list(_ATTRIBUTE.finditer(raw, 1 + len(token.tag)))
        values = {one[1].lower(): html.unescape(one[2] or one[3] or one[4] or "") for one in found}
        wanted = set(_ATTRIBUTES)
        if token.tag == "meta":
            name = (values.get("name") or values.get("property") or "").lower()
            wanted = {"content"} if name in _DESCRIPTIONS else set()
        elif token.tag == "input" and values.get("type", "").lower() in ("submit", "button", "reset"):
            # With a name, the value of the button that is pressed is what the form sends.
            wanted |= {"value"} if values.get("type", "").lower() != "submit" or not values.get("name") else set()
        edits = []
        for one in found:
            if one[1].lower() not in wanted:
                continue
            group = next((group for group in (2, 3, 4) if one[group]), None)
            if group is None:
                continue
            start, stop = one.span(group)
            place = token.start + start
            parts = text_parts(_WHITE.sub(" ", one[group]))
            unit = self._units.add(parts, self._line_number(place), _escaped_value, breaks=False)
            if unit is not None:
                self._attributes.append((unit, place, token.start + stop, group != 4))
                edits.append(TextEdit(start, stop, f"{self._key}{len(self._attributes) - 1}{self._key}"))
        return edited(raw, edits)


def _escaped(text: str) -> str:
    return html.escape(text, quote=False).replace("\xa0", "&nbsp;")


def _escaped_value(text: str) -> str:
    return html.escape(text)
