"""Promise 24: a document comes back whole: with the translations of its text, and otherwise as it was."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from html.parser import HTMLParser

import pytest
from translate.storage.base import TranslationStore
from translate.storage.pypo import pofile
from translate.storage.tmx import tmxfile
from translate.storage.xliff import Xliff1File

from generated_documents import FORMATS, PLACEHOLDERS, WORDS, Generated
from made_up_translations import LETTERS, made_up, same
from nmt.documents.languages import LanguagePair
from nmt.documents.opening import Choices, Part, read_parts
from nmt.translation.result import Translation
from proofs import Proof

Translate = Callable[[Sequence[str]], Sequence[Translation | None]]
CHOICES = Choices(("text",), False, LanguagePair("xx", "yy"))
CATALOGUES = ("po", "xliff", "tmx")


class Pieces:
    """A stream of a document, which comes in pieces of any size."""

    name = "film"

    def __init__(self, data: bytes, generator: random.Random) -> None:
        self._data = data
        self._generator = generator

    def read(self) -> bytes:
        size = self._generator.choice([1, 7, 1000, 1 << 16])
        block, self._data = self._data[:size], self._data[size:]
        return block

    def is_ready(self) -> bool:
        return self._generator.random() < 0.8


def parts_of(
    document: Generated, kind: str, generator: random.Random, warnings: list[str] | None = None
) -> Iterator[Part]:
    warn = (lambda _: None) if warnings is None else warnings.append
    return read_parts(Pieces(document.text.encode(), generator), kind, CHOICES, warn)


def written(parts: Iterable[Part], translate: Translate) -> str:
    made = [part.encoded(part.document.written(translate(part.document.lines)), "film") for part in parts]
    return b"".join(made).decode()


@pytest.mark.promise(24, gate=40, full=10_000)
@pytest.mark.parametrize("kind", FORMATS)
def test_promise_24_read_and_written_it_is_the_same(kind: str, proof: Proof) -> None:
    for number in range(proof.count):
        document = FORMATS[kind](proof.generator)
        with proof.case(f"{number}: {document.text!r}"):
            parts = list(parts_of(document, kind, proof.generator))
            assert written(parts, lambda lines: [None] * len(lines)) == document.text
            if kind not in CATALOGUES:
                assert written(parts, same) == document.text


@pytest.mark.promise(24, gate=40, full=10_000)
@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind not in CATALOGUES])
def test_promise_24_all_but_text_stays(kind: str, proof: Proof) -> None:
    for number in range(proof.count):
        document, attention = FORMATS[kind](proof.generator), proof.generator.random() < 0.7
        warnings: list[str] = []
        with proof.case(f"{number}: {document.text!r}"):
            found = written(
                parts_of(document, kind, proof.generator, warnings),
                lambda lines: [made_up(line, proof.generator, attention=attention) for line in lines],  # noqa: B023
            )
            # A word alone cannot be cut for two cues, nor be in two pairs of tags.
            left = [warning for warning in warnings if warning.endswith(("than there are cues", "a pair of tags"))]
            check_texts(document, found, may_stay=bool(left))
            if kind == "html":
                assert nested_tags(found) == nested_tags(document.text)


def check_texts(document: Generated, found: str, *, may_stay: bool = False) -> None:
    """Between the parts that stay there are texts, with the marks of what they were, and none of its words."""
    pattern = "".join("(.*?)" if part.is_text else re.escape(part.written) for part in document.parts)
    match = re.fullmatch(pattern, found, re.DOTALL)
    assert match is not None, f"what is not text changed: {found!r}"
    sources = [part.written for part in document.parts if part.is_text]
    for source, text in zip(sources, match.groups(), strict=True):
        assert marks(text) == marks(source), (source, text)
        if not (may_stay and text == source):
            assert letters(text) & set("abcdefghijklmnopqrstuvwxyz") == set(), (source, text)


def marks(text: str) -> dict[str, int]:
    found = {mark: text.count(mark) for mark in PLACEHOLDERS}
    for tag in re.findall("<[^<>]*>", text):
        found[tag] = found.get(tag, 0) + 1
    return found


def letters(text: str) -> set[str]:
    """The letters of a text without marks, and without what stands in code."""
    text = re.sub("<code>.*?</code>|<span translate=no>.*?</span>", "", text)
    for mark in PLACEHOLDERS:
        text = text.replace(mark, "")
    return set(re.sub(r"<[^<>]*>|&\w+;|\\[nru][0-9a-f]*", "", text))


class Nesting(HTMLParser):
    """Follows tags, each of which must close what was opened last."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: dict[str, int] = {}
        self._open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        written = f"{tag} {attrs}"
        self.found[written] = self.found.get(written, 0) + 1
        if tag not in ("img", "hr"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag


def nested_tags(text: str) -> dict[str, int]:
    return Nesting(text).found


@pytest.mark.promise(24, gate=40, full=10_000)
@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind not in CATALOGUES])
def test_promise_24_what_cannot_be_put_together_is_left_and_told(kind: str, proof: Proof) -> None:
    for number in range(proof.count):
        document, warnings, hostile = FORMATS[kind](proof.generator), list[str](), 0

        def translated(lines: Sequence[str]) -> list[Translation]:
            nonlocal hostile
            made = [made_up(line, proof.generator, attention=False, hostile=0.5) for line in lines]
            hostile += sum(set(one.text) - set(LETTERS + " .,!»") != set() or not one.text.strip() for one in made)
            return made

        with proof.case(f"{number}: {document.text!r}"):
            found = written(parts_of(document, kind, proof.generator, warnings), translated)
            check_texts(document, found, may_stay=True)
            told = [line for line in warnings if re.match(r"film:\d+: left as it was: ", line)]
            assert bool(told) >= bool(hostile), hostile
            assert len(told) <= 5 and (
                hostile <= 5 or re.search(r"film: \d+ units in all", warnings[-1] + warnings[-2])
            )


def units(kind: str, text: str) -> TranslationStore:
    """What another program reads in a catalogue."""
    reader = {"po": pofile, "xliff": Xliff1File, "tmx": tmxfile}[kind]
    return reader.parsestring(text.encode())


def without_added(kind: str, text: str) -> str:
    """A catalogue without what translating it adds."""
    if kind == "xliff":
        return re.sub(r'(?:[\r\n]+ *)?<target state="needs-review-translation">.*?</target>', "", text, flags=re.DOTALL)
    if kind == "tmx":
        return re.sub(r'(?:[\r\n]+ *)?<tuv xml:lang="yy">.*?</tuv>', "", text, flags=re.DOTALL)
    lines = re.split(r"(?<=\n)", text.replace("#, fuzzy, ", "#, "))
    kept, is_translation = [], False
    for line in lines:
        is_translation = line.startswith("msgstr") or (is_translation and line.startswith('"'))
        if not is_translation and line.strip() != "#, fuzzy":
            kept.append(line)
    return "".join(kept)


@pytest.mark.promise(24, gate=40, full=10_000)
@pytest.mark.parametrize("kind", CATALOGUES)
def test_promise_24_a_catalogue_only_gains_translations(kind: str, proof: Proof) -> None:
    for number in range(proof.count):
        document, attention = FORMATS[kind](proof.generator), proof.generator.random() < 0.7
        with proof.case(f"{number}: {document.text!r}"):
            parts = parts_of(document, kind, proof.generator)
            found = written(
                parts,
                lambda lines: [made_up(line, proof.generator, attention=attention) for line in lines],  # noqa: B023
            )
            assert without_added(kind, found) == without_added(kind, document.text)
            for before, after in zip(units(kind, document.text).units, units(kind, found).units, strict=True):
                assert str(before.source) == str(after.source) and before.getnotes() == after.getnotes()
                if not before.source or before.isobsolete():
                    continue
                if before.target:
                    assert after.target == before.target and (kind == "tmx" or after.isfuzzy() == before.isfuzzy())
                    continue
                targets = after.target.strings if hasattr(after.target, "strings") else [after.target]
                sources = before.source.strings if hasattr(before.source, "strings") else [before.source]
                assert len(targets) == (3 if len(sources) == 2 else 1)
                assert kind == "tmx" or after.isfuzzy()
                for place, target in enumerate(targets):
                    assert marks(target) == marks(sources[min(place, len(sources) - 1)])
                    assert any(letter in LETTERS for letter in target)
                    assert not set(WORDS) & set(target.split())
