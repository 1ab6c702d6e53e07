"""Message catalogues of gettext (PO): entries without a translation get one, marked fuzzy; all else stays, to the byte.

The same reader serves those who take the pairs of a catalogue to learn from.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from nmt.documents.document import DocumentOfUnits, TextEdit, Told, Units, Warn, edited, silent
from nmt.documents.languages import LanguagePair, remark_on
from nmt.documents.plural_forms import PluralForms, plural_forms
from nmt.errors import DataError
from nmt.translation.result import Translation

_KEYWORD = re.compile(r"(msgctxt|msgid_plural|msgid|msgstr(?:\[(\d{1,3})\])?)[ \t]*(?=\")")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"[ \t]*$')
_NUMBER = r"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2}))"
_ESCAPE = re.compile(rf"(?P<bytes>(?:{_NUMBER})+)|\\(?P<sign>.)")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_WRITTEN = {"\\": "\\\\", '"': '\\"', **{character: f"\\{letter}" for letter, character in _ESCAPED.items()}}
_TO_WRITE = re.compile("[" + "".join(map(re.escape, _WRITTEN)) + "]")
_FLAGS = re.compile(r"#,(.*)")
_LINE = re.compile(r"[^\r\n]*(\r\n|\n|\r|\Z)")
_LANGUAGE = re.compile(r"^Language:[ \t]*(\S+)", re.MULTILINE)
_LONGEST_ENTRY = 1 << 22


@dataclass
class CatalogueEntry:
    """An entry of a catalogue.

    Attributes:
        line: its first line.
        texts: by keyword (msgctxt, msgid, msgid_plural, msgstr or msgstr[N]) what it says.
        spans: by keyword the characters of the file from its first quotation mark to behind its last.
        start: where its first line begins that has no comment.
        flags: the characters of the file at the end of its line of flags; None without one.
        flags_start: where the text of that line begins.
        previous: where the first of its lines begins that tell what it was; None without one.
    """

    line: int
    texts: dict[str, str] = field(default_factory=dict)
    spans: dict[str, tuple[int, int]] = field(default_factory=dict)
    start: int = 0
    keyword_starts: dict[str, int] = field(default_factory=dict)
    flags_start: int | None = None
    previous: int | None = None
    is_fuzzy: bool = False
    size: int = 0

    @property
    def is_plural(self) -> bool:
        """Returns whether it has plural forms."""
        return "msgid_plural" in self.texts

    @property
    def forms(self) -> list[str]:
        """Its translations by their keywords, in order."""
        return [key for key in self.texts if key.startswith("msgstr")]

    @property
    def is_translated(self) -> bool:
        """Returns whether all of it has a translation."""
        return all(self.texts[key] for key in self.forms)

    @property
    def is_header(self) -> bool:
        """Returns whether it is the entry that tells of the catalogue itself."""
        return not self.texts["msgid"] and "msgctxt" not in self.texts


def entries(lines: Iterable[str], name: str) -> Iterator[CatalogueEntry]:
    """Yields the entries of a catalogue, given its lines with their ends; obsolete ones are left out.

    Raises:
        DataError: it is broken; with its line.
    """
    reader = _CatalogueReader(name)
    for number, line in enumerate(lines, 1):
        yield from reader.read(number, line)
    yield from reader.finish()


class _CatalogueReader:
    def __init__(self, name: str) -> None:
        self._name = name
        self._position = self._number = 0
        self._entry: CatalogueEntry | None = None
        self._keyword = ""
        self._gathered: list[str] = []  # of the text of the keyword

    def read(self, number: int, raw: str) -> Iterator[CatalogueEntry]:
        """Reads a line; yields the entry that ended before it."""
        self._number = number
        start = self._position
        self._position += len(raw)
        line = raw.rstrip("\r\n")
        if number == 1:
            line = line.removeprefix("\ufeff")
        inner = line.strip(" \t\ufeff")
        start += raw.index(inner) if inner else 0
        if inner.startswith("#"):
            yield from self._ended(at_comment=True)
            if not inner.startswith("#~"):
                self._comment(inner, start)
        elif inner.startswith('"'):
            if not self._keyword:
                raise self._error("has a text that belongs to nothing")
            self._text(inner, start)
        elif found := _KEYWORD.match(inner):
            yield from self._begin(found[1], start)
            self._text(inner[found.end() :], start + found.end())
        elif inner:
            raise self._error(f"is no line of a catalogue: {inner[:40]!r}")
        else:
            yield from self._ended(at_comment=True)
            self._keyword = ""

    def finish(self) -> Iterator[CatalogueEntry]:
        """Yields the last entry."""
        yield from self._ended(at_comment=False)

    def _error(self, what: str) -> DataError:
        return DataError(f"{self._name}:{self._number}", f"is a broken catalogue: {what}")

    def _ended(self, *, at_comment: bool) -> Iterator[CatalogueEntry]:
        self._join()
        entry = self._entry
        if entry is None or not entry.texts:
            return
        if not entry.forms:
            if at_comment:
                return  # a comment or a blank line inside of an entry
            raise self._error("a msgid has no msgstr")
        self._entry, self._keyword = None, ""
        yield entry

    def _join(self) -> None:
        """Puts the lines of a text together."""
        if self._entry is not None and self._keyword:
            self._entry.texts[self._keyword] += "".join(self._gathered)
        self._gathered = []

    def _comment(self, line: str, start: int) -> None:
        entry = self._entry = self._entry or CatalogueEntry(self._number)
        if found := _FLAGS.match(line):
            entry.flags_start = start + found.start(1) if entry.flags_start is None else entry.flags_start
            entry.is_fuzzy = entry.is_fuzzy or "fuzzy" in [flag.strip() for flag in found[1].split(",")]
        elif line.startswith("#|") and entry.previous is None and not entry.texts:
            entry.previous = start

    def _begin(self, keyword: str, start: int) -> Iterator[CatalogueEntry]:
        self._join()
        if keyword in ("msgctxt", "msgid") and self._entry is not None and self._entry.forms:
            yield from self._ended(at_comment=False)
        entry = self._entry = self._entry or CatalogueEntry(self._number)
        if not entry.texts:
            entry.start = start
            entry.line = self._number
        is_second = keyword in entry.texts or (keyword == "msgctxt" and "msgid" in entry.texts)
        is_early = keyword not in ("msgctxt", "msgid") and "msgid" not in entry.texts
        is_late = keyword in ("msgid_plural",) and bool(entry.forms)
        is_form = keyword.startswith("msgstr")
        is_wrong = is_form and (keyword == "msgstr") == entry.is_plural
        if is_second or is_early or is_late or is_wrong:
            raise self._error(f"{keyword} stands in a wrong place")
        entry.texts[keyword] = ""
        entry.keyword_starts[keyword] = start
        self._keyword = keyword

    def _text(self, written: str, start: int) -> None:
        found = _STRING.match(written)
        if found is None:
            raise self._error("a text has no closing quotation mark, or something behind it")
        entry = self._entry
        assert entry is not None
        entry.size += len(found[1])
        if entry.size > _LONGEST_ENTRY:
            raise self._error(f"an entry has more than {_LONGEST_ENTRY:,} characters")
        self._gathered.append(_ESCAPE.sub(_unescaped, found[1]) if "\\" in found[1] else found[1])
        first = entry.spans.get(self._keyword, (start, 0))[0]
        entry.spans[self._keyword] = first, start + found.end(1) + 1


def _unescaped(found: re.Match[str]) -> str:
    if found["sign"] is not None:
        return _ESCAPED.get(found["sign"], found["sign"])
    numbers = [int(octal, 8) if octal else int(other, 16) for octal, other in re.findall(_NUMBER, found["bytes"])]
    try:
        return bytes(number & 0xFF for number in numbers).decode()
    except UnicodeDecodeError:
        return "".join(map(chr, numbers))


def escaped(text: str) -> str:
    """Writes a text as it stands between quotation marks."""
    return _TO_WRITE.sub(lambda found: _WRITTEN[found[0]], text)


def with_ends(text: str) -> Iterator[str]:
    """Yields the lines of a text with their ends."""
    place = 0
    while place < len(text):
        found = _LINE.match(text, place)
        assert found is not None
        yield found[0]
        place = found.end()


class PoDocument(DocumentOfUnits):
    """A catalogue of gettext."""

    def __init__(
        self,
        text: str,
        name: str,
        warn: Warn = silent,
        *,
        languages: LanguagePair | None = None,
        all_units: bool = False,
        encoding: str = "utf-8",
    ) -> None:
        """Reads a catalogue; `name` is that of warnings and errors, which `warn` receives.

        It warns where the catalogue names another language than the second of `languages`.
        Entries without a translation are units, with `all_units` all of them are. What `encoding` cannot hold is not
        written.

        Raises:
            DataError: it is broken; with its line.
        """
        self._text = text
        self._name = name
        self._encoding = encoding
        self._told = Told(warn)
        self._units = Units(name, self._told)
        self._end = "\r\n" if "\r\n" in text else "\n" if "\n" in text or "\r" not in text else "\r"
        self._forms: PluralForms | None = None
        self._entries: list[
            tuple[CatalogueEntry, int | None, int | None]
        ] = []  # with the units of one thing and of several
        for entry in entries(with_ends(text), name):
            if entry.is_header:
                header = entry.texts.get("msgstr", "")
                self._forms = self._forms or plural_forms(header)
                language = _LANGUAGE.search(header)
                if languages and language and (remark := remark_on(LanguagePair("", language[1]), languages)):
                    warn(f"{name}: {remark}")
            elif all_units or not (entry.is_translated or entry.is_fuzzy):
                single = self._unit(entry, "msgid")
                plural = self._unit(entry, "msgid_plural") if entry.is_plural else None
                if single is not None and (plural is not None or not entry.is_plural):
                    self._entries.append((entry, single, plural))

    def _unit(self, entry: CatalogueEntry, keyword: str) -> int | None:
        return self._units.add([entry.texts[keyword]], entry.line)

    def written(self, translations: Sequence[Translation | None]) -> str:
        """Returns the catalogue with the translations of its lines; None leaves an entry as it is."""
        edits: list[TextEdit] = []
        for entry, single, plural in self._entries:
            units = [unit for unit in (single, plural) if unit is not None]
            results = [self._units.result(unit, translations) for unit in units]
            texts = [result.text for result in results if result is not None]
            if len(texts) == len(units) and self._can_hold("".join(texts), entry.line):
                edits += self._edits(entry, texts)
        self._told.finish(self._name)
        return edited(self._text, edits)

    def _can_hold(self, text: str, line: int) -> bool:
        """Returns whether the encoding has all characters of a text; tells of the entry if not."""
        try:
            text.encode(self._encoding)
        except UnicodeEncodeError as error:
            character = error.object[error.start]
            what = f"the catalogue is in {self._encoding.lower()}, which has no {character!r}"
            self._told.left(f"{self._name}:{line}", what)
            return False
        return True

    def _edits(self, entry: CatalogueEntry, texts: Sequence[str]) -> Iterator[TextEdit]:
        yield from self._fuzzy_edits(entry)
        if not entry.is_plural:
            start, stop = entry.spans["msgstr"]
            yield TextEdit(start, stop, self._quoted(texts[0]))
            return
        forms = self._forms or PluralForms(len(entry.forms), 0)
        of_one = forms.of_one if forms.number > 1 else -1
        chosen = [texts[0] if number == of_one else texts[1] for number in range(forms.number)]
        written = [f"msgstr[{number}] {self._quoted(text)}" for number, text in enumerate(chosen)]
        first = min(entry.keyword_starts[key] for key in entry.forms)
        last = max(entry.spans[key][1] for key in entry.forms)
        yield TextEdit(first, last, self._end.join(written))

    def _fuzzy_edits(self, entry: CatalogueEntry) -> Iterator[TextEdit]:
        if entry.is_fuzzy:
            return
        if entry.flags_start is not None:
            yield TextEdit(entry.flags_start, entry.flags_start, " fuzzy,")
        else:
            place = entry.start if entry.previous is None else entry.previous
            yield TextEdit(place, place, f"#, fuzzy{self._end}")

    def _quoted(self, text: str) -> str:
        """Writes a text between quotation marks: of several lines, or a long one, each line by itself."""
        lines = [line for line in re.split(r"(?<=\n)", text) if line]
        if len(lines) <= 1:
            return f'"{escaped(text)}"'
        return self._end.join(['""', *(f'"{escaped(line)}"' for line in lines)])


def usable_pairs(
    found: Iterable[CatalogueEntry], of_plurals: Callable[[CatalogueEntry], PluralForms]
) -> Iterator[tuple[int, str, str]]:
    """Yields line, source and target of the entries that are translated, and not fuzzy."""
    for entry in found:
        if entry.is_header or entry.is_fuzzy or not entry.is_translated:
            continue
        if not entry.is_plural:
            yield entry.line, entry.texts["msgid"], entry.texts["msgstr"]
            continue
        forms = of_plurals(entry)
        for number, key in enumerate(entry.forms):
            if number in (forms.of_one, len(entry.forms) - 1):
                source = "msgid" if number == forms.of_one and len(entry.forms) > 1 else "msgid_plural"
                yield entry.line, entry.texts[source], entry.texts[key]
