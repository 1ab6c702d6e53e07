"""XLIFF 1.1, 1.2 and 2: units without a translation get one, marked for review; all else stays, to the byte."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from nmt.documents.document import DocumentOfUnits, Told, Units, Warn, silent
from nmt.documents.languages import LanguagePair, remark_on
from nmt.documents.xml_tokens import (
    XmlToken,
    edited_bytes,
    escaped_xml,
    indentation,
    inline_parts,
    opened,
    plain_text,
    with_attribute,
    xml_tokens,
)
from nmt.errors import DataError
from nmt.translation.result import Translation

_PARTS = ("source", "target", "seg-source")
_MOST_PARTS = 100_000
_UNTRANSLATED = frozenset({"new", "needs-translation"})
_DONE = frozenset({"final", "signed-off"})
_TO_REVIEW = "needs-review-translation"
_DOUBTFUL = frozenset({"new", "needs-adaptation", "needs-l10n", "needs-translation", "initial"})
_REVIEW_PREFIX = "needs-review"


@dataclass
class XliffSegment:
    """A unit of XLIFF 1, or a segment of XLIFF 2.

    Attributes:
        element: what opens it.
        is_second: True for XLIFF 2.
        source: what is inside of its source.
        source_tags: what opens and closes its source.
        source_end: the byte behind its source, or the copy of it that is cut into sentences.
        target_tags, target: the same of its translation; empty without one.
        cut_tags, cut: the same of the copy of the source that is cut into sentences.
        is_translatable: whether it may be translated.
        keeps_space: whether white space means itself.
        languages: of source and target, as far as told.
    """

    element: XmlToken
    is_second: bool
    is_translatable: bool
    keeps_space: bool
    languages: tuple[str, str]
    source: list[XmlToken] = field(default_factory=list)
    source_tags: list[XmlToken] = field(default_factory=list)
    source_end: int = 0
    target: list[XmlToken] = field(default_factory=list)
    target_tags: list[XmlToken] = field(default_factory=list)
    cut: list[XmlToken] = field(default_factory=list)
    cut_tags: list[XmlToken] = field(default_factory=list)

    def part(self, name: str) -> tuple[list[XmlToken], list[XmlToken]]:
        """Returns the tags of a part, source, target or seg-source, and what is inside of it."""
        parts = {"source": (self.source_tags, self.source), "target": (self.target_tags, self.target)}
        return parts.get(name, (self.cut_tags, self.cut))

    @property
    def state(self) -> str:
        """What it says of its translation."""
        of = self.element if self.is_second else self.target_tags[0] if self.target_tags else self.element
        return of.attributes.get("state", "")

    @property
    def is_translated(self) -> bool:
        """Returns whether it has a translation, good or not."""
        target = plain_text(self.target)
        if not target and len(self.target) <= 1:
            return False
        if self.is_second:
            return self.state != "initial" or target != plain_text(self.source)
        return self.state not in _UNTRANSLATED

    @property
    def sentences(self) -> list[tuple[XmlToken, XmlToken, list[XmlToken]]] | None:
        """The sentences that its source is cut into, each with its tags; none without any.

        None where something else stands between them, so that it cannot be told what is what.
        """
        found: list[tuple[XmlToken, XmlToken, list[XmlToken]]] = []
        if not any(_opens_sentence(token) for token in self.cut):
            return found
        depth = begin = 0
        for place, token in enumerate(self.cut):
            if token.kind == "start":
                if _opens_sentence(token) == bool(depth):
                    return None
                begin = begin if depth else place
                depth += 1
            elif token.kind == "end":
                depth -= 1
                if not depth:
                    found.append((self.cut[begin], token, self.cut[begin + 1 : place]))
            elif not depth and (token.kind != "text" or token.text.strip()):
                return None
        return found

    @property
    def is_approved(self) -> bool:
        """Returns whether somebody said of its translation that it is done."""
        is_done = self.state in _DONE and self.is_translated
        return is_done or (not self.is_second and self.element.attributes.get("approved") == "yes")

    @property
    def is_sure(self) -> bool:
        """Returns whether it has a translation that nobody is asked to look at again."""
        state = self.state
        return self.is_translated and state not in _DOUBTFUL and not state.startswith(_REVIEW_PREFIX)


def _opens_sentence(token: XmlToken) -> bool:
    return token.kind == "start" and token.local == "mrk" and token.attributes.get("mtype") == "seg"


def xliff_segments(tokens: Iterable[XmlToken], name: str) -> Iterator[XliffSegment]:
    """Yields the units and segments of a document that have a source; raises DataError if it is no XLIFF."""
    # For each open element: its name, and what its children inherit.
    open_elements: list[tuple[str, bool, bool, tuple[str, str]]] = []
    segment: XliffSegment | None = None
    inner: list[XmlToken] | None = None
    inner_depth = segment_depth = 0
    is_second = False
    for token in tokens:
        depth = len(open_elements)
        if token.kind == "start":
            attributes = token.attributes
            if not depth:
                if token.local != "xliff":
                    raise DataError(f"{name}:{token.line}", f"is no XLIFF: its first element is {token.name[:40]}")
                is_second = _version(token, name) == "2"
            _, is_translatable, keeps_space, languages = open_elements[-1] if depth else ("", True, False, ("", ""))
            is_translatable = {"no": False, "yes": True}.get(attributes.get("translate", ""), is_translatable)
            keeps_space = {"preserve": True, "default": False}.get(attributes.get("xml:space", ""), keeps_space)
            languages = (
                attributes.get("source-language") or attributes.get("srcLang") or languages[0],
                attributes.get("target-language") or attributes.get("trgLang") or languages[1],
            )
            if inner is not None:
                inner.append(token)
            elif token.local == ("segment" if is_second else "trans-unit"):
                segment = XliffSegment(token, is_second, is_translatable, keeps_space, languages)
                segment_depth = depth
            elif segment is not None and depth == segment_depth + 1 and token.local in _PARTS:
                tags, inside = segment.part(token.local)
                if not tags:
                    tags.append(token)
                    inner = inside
                    inner_depth = depth
                    segment.keeps_space = segment.keeps_space or (token.local == "source" and keeps_space)
            open_elements.append((token.local, is_translatable, keeps_space, languages))
            continue
        if token.kind == "end":
            open_elements.pop()
            depth -= 1
            if inner is not None and depth == inner_depth:
                assert segment is not None
                inner = None
                segment.part(token.local)[0].append(token)
            if segment is not None and depth == segment_depth + 1 and token.local in ("source", "seg-source"):
                segment.source_end = token.stop
            elif segment is not None and depth == segment_depth:
                if len(segment.source_tags) == 2:
                    yield segment
                segment = None
        if inner is not None:
            inner.append(token)
            if len(inner) > _MOST_PARTS:
                raise DataError(f"{name}:{token.line}", f"a unit has more than {_MOST_PARTS:,} parts")


def _version(token: XmlToken, name: str) -> str:
    version = token.attributes.get("version", "1")
    if not re.fullmatch(r"[12](\.\d+)*", version):
        raise DataError(f"{name}:{token.line}", f"is XLIFF of version {version[:40]!r}; 1 and 2 are read")
    return version[0]


class XliffDocument(DocumentOfUnits):
    """A document of XLIFF."""

    def __init__(
        self,
        text: str,
        name: str,
        warn: Warn = silent,
        *,
        languages: LanguagePair | None = None,
        all_units: bool = False,
    ) -> None:
        """Reads a document; `name` is that of warnings and errors, which `warn` receives.

        It warns where the document names other languages than `languages`.
        What has no translation is a unit, with `all_units` all that may be translated and is not approved.

        Raises:
            DataError: it is broken, of an unknown version, or declares entities; with its line.
        """
        self._data = text.encode()
        self._name = name
        self._told = Told(warn)
        self._units = Units(name, self._told)
        # With the numbers of their texts, and the bytes where these stand.
        self._segments: list[tuple[XliffSegment, list[tuple[int, int, int]]]] = []
        named = set[LanguagePair]()
        for segment in xliff_segments(xml_tokens([self._data], name, "utf-8"), name):
            named.add(LanguagePair(*segment.languages))
            if not segment.is_translatable or segment.is_approved or (segment.is_translated and not all_units):
                continue
            if texts := self._texts(segment):
                self._segments.append((segment, texts))
        remarks = [remark_on(one, languages) for one in sorted(named)] if languages else []
        for remark in [one for one in remarks if one][:1]:
            warn(f"{name}: {remark}")

    def _texts(self, segment: XliffSegment) -> list[tuple[int, int, int]]:
        """Adds the source, or each of the sentences that it is cut into; returns their numbers and their places."""
        sentences = segment.sentences
        if sentences is None:
            self._told.left(f"{self._name}:{segment.element.line}", "its <seg-source> holds more than segments")
            return []
        opening, closing = segment.source_tags
        texts = []
        before = self._told.count
        for first, last, inside in sentences or [(opening, closing, segment.source)]:
            parts = inline_parts(inside, self._data, keeps_space=segment.keeps_space)
            unit = self._units.add(parts, segment.element.line, escaped_xml, breaks=segment.keeps_space)
            if unit is not None:
                texts.append((unit, first.stop, last.start))
        return texts if self._told.count == before else []

    def written(self, translations: Sequence[Translation | None]) -> str:
        """Returns the document with the translations of its lines; None leaves a unit as it is."""
        edits: list[tuple[int, int, str]] = []
        for segment, texts in self._segments:
            inner: list[tuple[int, int, str]] = []
            opening, closing = segment.cut_tags if segment.sentences else segment.source_tags
            for unit, start, stop in texts:
                result = self._units.result(unit, translations)
                if result is not None:
                    inner.append((start - opening.stop, stop - opening.stop, result.text))
            if len(inner) == len(texts):
                written = edited_bytes(self._data[opening.stop : closing.start], inner)
                edits += self._edits(segment, written)
        self._told.finish(self._name)
        return edited_bytes(self._data, sorted(edits))

    def _edits(self, segment: XliffSegment, text: str) -> Iterator[tuple[int, int, str]]:
        if segment.is_second:
            element = segment.element
            tag = self._data[element.start : element.stop].decode()
            yield element.start, element.stop, with_attribute(tag, "state", "initial")
        name = segment.source_tags[0].name.removesuffix("source") + "target"
        if segment.target_tags:
            start, stop = segment.target_tags[0].start, segment.target_tags[1].stop
            tag = opened(self._data[start : segment.target_tags[0].stop].decode())
        else:
            start = stop = segment.source_end
            tag = f"<{name}>"
        if not segment.is_second:
            tag = with_attribute(tag, "state", _TO_REVIEW)
        before = "" if segment.target_tags else indentation(self._data, segment.source_tags[0].start)
        yield start, stop, f"{before}{tag}{text}</{name}>"
