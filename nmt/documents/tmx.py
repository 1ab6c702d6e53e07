"""Translation memories (TMX): units without the target language get it; all else stays, to the byte."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from nmt.documents.document import DocumentOfUnits, Told, Units, Warn, silent
from nmt.documents.languages import LanguagePair, is_language
from nmt.documents.xml_tokens import (
    XmlToken,
    edited_bytes,
    escaped_xml,
    indentation,
    inline_parts,
    opened,
    plain_text,
    xml_tokens,
)
from nmt.errors import DataError
from nmt.translation.result import Translation

_SHOWN_LANGUAGES = 8


@dataclass
class _Variant:
    """A text of a unit: what opens and closes it, its segment, and what is inside of that."""

    tags: list[XmlToken]
    language: str
    segment: list[XmlToken] = field(default_factory=list)
    inner: list[XmlToken] = field(default_factory=list)


def _units(tokens: Iterable[XmlToken], name: str) -> Iterator[list[_Variant]]:
    """Yields the variants of each unit; raises DataError for what is no TMX."""
    variants: list[_Variant] = []
    inner: list[XmlToken] | None = None
    depth = inner_depth = 0
    for token in tokens:
        if token.kind == "start":
            if not depth and token.local != "tmx":
                raise DataError(f"{name}:{token.line}", f"is no TMX: its first element is {token.name[:40]}")
            if inner is not None:
                inner.append(token)
            elif token.local == "tu":
                variants = []
            elif token.local == "tuv":
                language = token.attributes.get("xml:lang") or token.attributes.get("lang") or ""
                variants.append(_Variant([token], language))
            elif token.local == "seg" and variants and not variants[-1].segment:
                variants[-1].segment.append(token)
                inner, inner_depth = variants[-1].inner, depth
            depth += 1
            continue
        if token.kind == "end":
            depth -= 1
            if inner is not None and depth == inner_depth:
                inner = None
                variants[-1].segment.append(token)
            elif inner is None and token.local == "tuv" and variants:
                variants[-1].tags.append(token)
            elif inner is None and token.local == "tu":
                yield variants
                variants = []
        if inner is not None:
            inner.append(token)


class TmxDocument(DocumentOfUnits):
    """A translation memory."""

    def __init__(
        self, text: str, name: str, languages: LanguagePair, warn: Warn = silent, *, all_units: bool = False
    ) -> None:
        """Reads a memory; `name` is that of warnings and errors, which `warn` receives.

        What has the source language and not the target language is a unit, with `all_units` all that has the former.

        Raises:
            DataError: it is broken, declares entities, or nothing is in the source language.
        """
        self._data = text.encode()
        self._name = name
        self._languages = languages
        self._told = Told(warn)
        self._units = Units(name, self._told)
        self._found: list[tuple[int, _Variant, _Variant | None]] = []
        others, has_source, has_any = set[str](), False, False
        for variants in _units(xml_tokens([self._data], name, "utf-8"), name):
            whole = [one for one in variants if len(one.tags) == len(one.segment) == 2]
            source = next((one for one in whole if self._is(one.language, languages.source)), None)
            target = next((one for one in whole if self._is(one.language, languages.target)), None)
            others |= {one.language for one in whole} if len(others) < _SHOWN_LANGUAGES else set()
            has_source, has_any = has_source or source is not None, has_any or bool(variants)
            if source is None or (target is not None and plain_text(target.inner) and not all_units):
                continue
            parts = inline_parts(source.inner, self._data, keeps_space=False)
            unit = self._units.add(parts, source.tags[0].line, escaped_xml, breaks=False)
            if unit is not None:
                self._found.append((unit, source, target))
        if has_any and not has_source:
            raise DataError(name, f"has no unit in {languages.source}; it has {', '.join(sorted(others))}")

    def _is(self, code: str, language: str) -> bool:
        ours, theirs = language.lower().replace("_", "-"), code.lower().replace("_", "-")
        if is_language(self._languages.source, self._languages.target):
            return ours == theirs  # two regions of one language
        return is_language(theirs, ours)

    def written(self, translations: Sequence[Translation | None]) -> str:
        """Returns the memory with the translations of its lines; None leaves a unit as it is."""
        edits: list[tuple[int, int, str]] = []
        for unit, source, target in self._found:
            result = self._units.result(unit, translations)
            if result is None:
                continue
            if target is None:
                place = source.tags[1].stop
                before = indentation(self._data, source.tags[0].start)
                attribute = "xml:lang" if "xml:lang" in source.tags[0].attributes else "lang"
                tag = f'<tuv {attribute}="{escaped_xml(self._languages.target)}">'
                edits.append((place, place, f"{before}{tag}<seg>{result.text}</seg></tuv>"))
            else:
                first, last = target.segment
                tag = opened(self._data[first.start : first.stop].decode())
                edits.append((first.start, last.stop, f"{tag}{result.text}</seg>"))
        self._told.finish(self._name)
        return edited_bytes(self._data, sorted(edits))
